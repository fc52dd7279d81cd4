// Signs and verifies with golang-jwt: golang-jwt sign|verify, a JSON request on stdin. The library reads no JWK: its keys are made here.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"os"

	"github.com/golang-jwt/jwt/v5"
)

type request struct {
	JWK    map[string]any
	Header map[string]any
	Claims jwt.MapClaims
	Token  string
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	if os.Args[1] == "sign" {
		fmt.Println(sign(asked))
	} else {
		fmt.Println(verify(asked))
	}
}

func sign(asked request) string {
	method := jwt.GetSigningMethod(asked.JWK["alg"].(string))
	token := jwt.NewWithClaims(method, asked.Claims)
	for name, value := range asked.Header {
		token.Header[name] = value
	}
	signed, err := token.SignedString(private(asked.JWK))
	if err != nil {
		log.Fatal(err)
	}
	return signed
}

func verify(asked request) string {
	claims := jwt.MapClaims{}
	known := jwt.WithValidMethods([]string{asked.JWK["alg"].(string)})
	key := func(*jwt.Token) (any, error) { return public(asked.JWK), nil }
	if _, err := jwt.ParseWithClaims(asked.Token, claims, key, known); err != nil {
		log.Fatal(err)
	}
	text, _ := json.Marshal(claims)
	return string(text)
}

func private(jwk map[string]any) any {
	switch jwk["kty"] {
	case "oct":
		return member(jwk, "k")
	case "OKP":
		return ed25519.NewKeyFromSeed(member(jwk, "d"))
	default:
		key := public(jwk).(*ecdsa.PublicKey)
		return &ecdsa.PrivateKey{PublicKey: *key, D: new(big.Int).SetBytes(member(jwk, "d"))}
	}
}

func public(jwk map[string]any) crypto.PublicKey {
	switch jwk["kty"] {
	case "oct":
		return member(jwk, "k")
	case "OKP":
		return ed25519.PublicKey(member(jwk, "x"))
	default:
		x, y := new(big.Int).SetBytes(member(jwk, "x")), new(big.Int).SetBytes(member(jwk, "y"))
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
	}
}

func member(jwk map[string]any, name string) []byte {
	bytes, err := base64.RawURLEncoding.DecodeString(jwk[name].(string))
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}
