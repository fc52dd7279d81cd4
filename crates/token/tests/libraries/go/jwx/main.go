// Signs and verifies with lestrrat-go/jwx: jwx sign|verify, a JSON request on stdin.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

type request struct {
	JWK    json.RawMessage
	Header map[string]any
	Claims json.RawMessage
	Token  string
}

func main() {
	var asked request
	check(json.NewDecoder(os.Stdin).Decode(&asked))
	key, err := jwk.ParseKey(asked.JWK)
	check(err)
	alg, _ := key.Algorithm()
	if os.Args[1] == "sign" {
		token, headers := jwt.New(), jws.NewHeaders()
		check(json.Unmarshal(asked.Claims, token))
		for name, value := range asked.Header {
			if name != "alg" {
				check(headers.Set(name, value))
			}
		}
		signed, err := jwt.Sign(token, jwt.WithKey(alg, key, jws.WithProtectedHeaders(headers)))
		check(err)
		fmt.Println(string(signed))
		return
	}
	token, err := jwt.Parse([]byte(asked.Token), jwt.WithKey(alg, key))
	check(err)
	text, err := json.Marshal(token)
	check(err)
	fmt.Println(string(text))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
