#!/usr/bin/env bash
# github.com/twilio/twilio-go 1.31.0 (Go module proxy), Go 1.21 or newer.
#
# Behaviour: the client sends no request if user name or password holds anything but letters and digits.
# Likely guess: a password of Basic authentication is any text without control characters (RFC 7617), so
#   the library passes it on, as Twilio's libraries for Python and Node do.
# Seen: an error for a password with underscores and no request; a request with letters and digits alone.
# Way out: a server that stands in for Twilio must issue secrets of letters and digits.
set -euo pipefail
temp=$(mktemp -d)
trap 'chmod -R u+w "$temp"; rm -rf "$temp"' EXIT
cd "$temp"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"

	"github.com/twilio/twilio-go/client"
)

func main() {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		fmt.Fprint(w, "{}")
	}))
	defer server.Close()
	try := func(password string) (error, int) {
		requests = 0
		c := &client.Client{Credentials: client.NewCredentials("AC00000000000000000000000000000001", password)}
		_, err := c.SendRequest("GET", server.URL, url.Values{}, map[string]interface{}{})
		return err, requests
	}
	err, sent := try("secret_with_underscores")
	fmt.Printf("underscores: %d requests, error: %v\n", sent, err)
	plainErr, plainSent := try("secretwithout")
	fmt.Printf("letters:     %d requests, error: %v\n", plainSent, plainErr)
	if err == nil || sent != 0 || plainErr != nil || plainSent != 1 {
		os.Exit(1)
	}
}
GO
export GOFLAGS=-mod=mod GOCACHE="$temp/build" GOMODCACHE="$temp/modules"
go mod init finding >/dev/null 2>&1
go get github.com/twilio/twilio-go@v1.31.0 >/dev/null 2>&1
go run .
