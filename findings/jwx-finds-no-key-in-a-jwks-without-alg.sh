#!/usr/bin/env bash
# jwx verifies no token with a JWKS whose keys have no `alg`, and says that no key matches.
#
# Expected: RFC 7517, section 4.4: `alg` of a key is OPTIONAL. The token names its algorithm, `kid` names the key, and
#   the key's type says whether the two fit.
# Seen: jwt.Parse with WithKeySet skips a key without `alg`, although `kid` names it: "no matching keys were provided by
#   any key provider". The same key with `alg` is used, and so is the one without if the option
#   WithInferAlgorithmFromKey is given. keyfunc with golang-jwt verifies with either key.
# Versions: github.com/lestrrat-go/jwx/v3 3.4.0, github.com/MicahParks/keyfunc/v3 3.9.2, github.com/golang-jwt/jwt/v5
#   5.3.1 (Go).
# Why it matters: some issuers publish their keys without `alg`. The message sends one to look for a wrong `kid` or a
#   rotation that was missed, though the key is in the set.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get github.com/lestrrat-go/jwx/v3@v3.4.0 github.com/MicahParks/keyfunc/v3@v3.9.2 github.com/golang-jwt/jwt/v5@v5.3.1 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	golang "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func outcome(err error) string {
	if err == nil {
		return "verified"
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+2:]
}

func main() {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(private.PublicKey.ECDH()).Bytes()
	encode := base64.RawURLEncoding.EncodeToString
	key := map[string]string{"kty": "EC", "crv": "P-256", "kid": "2026-11", "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:])}
	token := golang.NewWithClaims(golang.SigningMethodES256, golang.MapClaims{"sub": "alice"})
	token.Header["kid"] = "2026-11"
	signed := must(token.SignedString(private))
	for _, name := range []string{"without alg", "with alg"} {
		if name == "with alg" {
			key["alg"] = "ES256"
		}
		jwks := must(json.Marshal(map[string]any{"keys": []any{key}}))
		set := must(jwk.Parse(jwks))
		_, plain := jwt.Parse([]byte(signed), jwt.WithKeySet(set))
		_, inferred := jwt.Parse([]byte(signed), jwt.WithKeySet(set, jws.WithInferAlgorithmFromKey(true)))
		_, byKeyfunc := golang.Parse(signed, must(keyfunc.NewJWKSetJSON(jwks)).Keyfunc)
		fmt.Printf("key %s: jwx: %s\n", name, outcome(plain))
		fmt.Printf("key %s: jwx with WithInferAlgorithmFromKey: %s\n", name, outcome(inferred))
		fmt.Printf("key %s: keyfunc with golang-jwt: %s\n", name, outcome(byKeyfunc))
	}
}
GO
go mod tidy >/dev/null 2>&1
timeout 240 go run . | tee seen
cat > expected <<'TEXT'
key without alg: jwx: no matching keys were provided by any key provider
key without alg: jwx with WithInferAlgorithmFromKey: verified
key without alg: keyfunc with golang-jwt: verified
key with alg: jwx: verified
key with alg: jwx with WithInferAlgorithmFromKey: verified
key with alg: keyfunc with golang-jwt: verified
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
