#!/usr/bin/env bash
# kataras/jwt refuses a token whose header has a `kid`, and blames the algorithm.
#
# Expected: RFC 7515, section 4: header parameters that are not understood and not listed in `crit` MUST be ignored;
#   section 4.1.4: `kid` is a hint. A verifier with one key has no use for it and no reason to mind.
# Seen: jwt.Verify compares the header byte by byte with the few forms that it writes itself. Any further parameter
#   fails with "unexpected token algorithm", although `alg` is the expected one. golang-jwt verifies the same token.
# Versions: github.com/kataras/jwt 0.1.12, github.com/golang-jwt/jwt/v5 5.3.1 (Go).
# Why it matters: every issuer that rotates keys sets `kid`. The message sends one to look for an attack on the
#   algorithm or for a wrong configuration, where in truth one more parameter in the header is too many.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get github.com/kataras/jwt@v0.1.12 github.com/golang-jwt/jwt/v5@v5.3.1 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"fmt"

	golang "github.com/golang-jwt/jwt/v5"
	"github.com/kataras/jwt"
)

func main() {
	secret := []byte("0123456789abcdef0123456789abcdef")
	for _, kid := range []string{"", "2026-11"} {
		token := golang.NewWithClaims(golang.SigningMethodHS256, golang.MapClaims{"sub": "alice"})
		if kid != "" {
			token.Header["kid"] = kid
		}
		signed, err := token.SignedString(secret)
		if err != nil {
			panic(err)
		}
		_, byKataras := jwt.Verify(jwt.HS256, secret, []byte(signed))
		_, byGolang := golang.Parse(signed, func(*golang.Token) (any, error) { return secret, nil })
		fmt.Printf("kid %q: kataras/jwt: %v, golang-jwt: %v\n", kid, byKataras, byGolang)
	}
}
GO
go mod tidy >/dev/null 2>&1
timeout 240 go run . | tee seen
cat > expected <<'TEXT'
kid "": kataras/jwt: <nil>, golang-jwt: <nil>
kid "2026-11": kataras/jwt: jwt: unexpected token algorithm, golang-jwt: <nil>
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
