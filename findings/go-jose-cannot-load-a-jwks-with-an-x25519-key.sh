#!/usr/bin/env bash
# One encryption key (X25519) in a JWKS, and go-jose loads none of its signing keys.
#
# Expected: RFC 7517, section 5: "Implementations SHOULD ignore JWKs within a JWK Set" whose type or parameter values
#   they do not support. The curve X25519 is registered for `kty: OKP` by RFC 8037, the RFC of Ed25519, and a set may
#   hold keys with `use: enc` beside those with `use: sig`.
# Seen: json.Unmarshal into jose.JSONWebKeySet fails as a whole: "unsupported key type, format, curve, or RSA modulus
#   size". The error names neither the key nor the curve. keyfunc with golang-jwt loads the same set and verifies.
# Versions: github.com/go-jose/go-jose/v4 4.1.9, github.com/MicahParks/keyfunc/v3 3.9.2, github.com/golang-jwt/jwt/v5
#   5.3.1 (Go).
# Why it matters: an issuer that starts to offer encryption publishes such a key. Verifiers that read the JWKS with
#   go-jose then refuse every token, though no signing key changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get github.com/go-jose/go-jose/v4@v4.1.9 github.com/MicahParks/keyfunc/v3@v3.9.2 github.com/golang-jwt/jwt/v5@v5.3.1 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

func okp(curve, use, kid string, public []byte) map[string]string {
	return map[string]string{"kty": "OKP", "crv": curve, "use": use, "kid": kid, "x": base64.RawURLEncoding.EncodeToString(public)}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func byGoJose(jwks []byte, token string) error {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		return err
	}
	_, err := must(jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})).Verify(set)
	return err
}

func byKeyfunc(jwks []byte, token string) error {
	keys, err := keyfunc.NewJWKSetJSON(jwks)
	if err != nil {
		return err
	}
	_, err = jwt.Parse(token, keys.Keyfunc)
	return err
}

func main() {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	signing := okp("Ed25519", "sig", "sign", public)
	encryption := okp("X25519", "enc", "encrypt", must(ecdh.X25519().GenerateKey(rand.Reader)).PublicKey().Bytes())
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "alice"})
	token.Header["kid"] = "sign"
	signed := must(token.SignedString(private))
	for _, keys := range [][]map[string]string{{signing}, {signing, encryption}} {
		jwks := must(json.Marshal(map[string]any{"keys": keys}))
		fmt.Printf("%d key(s): go-jose: %v\n", len(keys), byGoJose(jwks, signed))
		fmt.Printf("%d key(s): keyfunc: %v\n", len(keys), byKeyfunc(jwks, signed))
	}
}
GO
go mod tidy >/dev/null 2>&1
timeout 240 go run . | tee seen
cat > expected <<'TEXT'
1 key(s): go-jose: <nil>
1 key(s): keyfunc: <nil>
2 key(s): go-jose: go-jose/go-jose: unsupported key type, format, curve, or RSA modulus size
2 key(s): keyfunc: <nil>
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
