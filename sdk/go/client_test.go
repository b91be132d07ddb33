package countersign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testKey = "cs_test_01kdvdna008z4j8nm6nnytvpyg_3122swf5wxfx3q29kycjrtqfhj1p1b4g05ecdqmp4ctypgw4ph9s2fem7m7"

// serve gives a client of a server that answers with what handle writes.
func serve(t *testing.T, handle http.HandlerFunc, options ...Option) *Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, err := New(testKey, append([]Option{WithBaseURL(server.URL)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAddresses(t *testing.T) {
	for text, wanted := range map[string]string{
		"https://otp.example.com":      "https://otp.example.com",
		"https://otp.example.com/":     "https://otp.example.com",
		"https://example.com/otp/":     "https://example.com/otp",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
		"http://[::1]:8080":            "http://[::1]:8080",
		"http://LocalHost":             "http://LocalHost",
		"http://otp.example.com":       "",
		"http://127.0.0.1.example.com": "",
		"http://10.0.0.1":              "",
		"ftp://otp.example.com":        "",
		"otp.example.com":              "",
		"https://user:pw@example.com":  "",
		"https://example.com?key=1":    "",
		"":                             "",
	} {
		client, err := New(testKey, WithBaseURL(text))
		if wanted == "" {
			if err == nil || strings.Contains(err.Error(), "pw") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err != nil || client.core.base.String() != wanted {
			t.Errorf("%q: %v, %v", text, client, err)
		}
	}
	if _, err := New(testKey, WithBaseURL("http://10.0.0.1"), WithInsecureHTTP()); err != nil {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	if _, err := New("", WithBaseURL("https://otp.example.com")); err == nil {
		t.Error("a client without a key")
	}
	t.Setenv("COUNTERSIGN_KEY", testKey)
	t.Setenv("COUNTERSIGN_URL", "https://otp.example.com")
	client, err := New("")
	if err != nil || client.String() != "countersign.Client(https://otp.example.com)" {
		t.Errorf("%v, %v", client, err)
	}
	for _, bad := range []string{"cs_live_x\nHost: evil", "cs live", "ключ"} {
		if _, err := New(bad); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNothingShowsTheKey(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	_, err := client.Verifications.Check(t.Context(), "ver_1", Check{Code: "987654"})
	var problem *Problem
	if !errors.As(err, &problem) {
		t.Fatal(err)
	}
	closed, _ := New(testKey, WithBaseURL("http://127.0.0.1:1"), WithMaxRetries(0))
	_, network := closed.Verifications.Check(t.Context(), "ver_1", Check{Code: "987654"})
	if network == nil {
		t.Fatal("an answer of nobody")
	}
	created := CreatedKey{Secret: testKey}
	type holder struct {
		Client *Client
		inner  Client
		Key    CreatedKey
		Err    error
	}
	var out bytes.Buffer
	text, structured := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, value := range []any{client, *client, client.core, client.Keys, err, network, created.Secret, created,
		holder{client, *client, created, err}, &holder{client, *client, created, network}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		if _, holds := value.(CreatedKey); !holds {
			text.Info("client", "value", value)
		}
	}
	structured.Info("client", "client", client, "secret", created.Secret, "err", err, "network", network)
	marshaled, _ := json.Marshal(client)
	out.Write(marshaled)
	for _, secret := range []string{testKey, "3122swf5", fmt.Sprintf("%x", "3122swf5"), "987654"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q was printed:\n%s", secret, out.String())
		}
	}
	if kept, _ := json.Marshal(created); !strings.Contains(string(kept), testKey) {
		t.Error("JSON must keep a secret that is shown once")
	}
}

func TestRequest(t *testing.T) {
	var seen *http.Request
	var body bytes.Buffer
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body.Reset()
		_, _ = body.ReadFrom(r.Body)
		w.Header().Set("X-Request-Id", "req_1")
		fmt.Fprint(w, `{}`)
	})
	var response Response
	_, err := client.Keys.Update(t.Context(), "key_1/../x?{id}", UpdateKey{Disabled: Ptr(false), ExpiresAt: Null[time.Time]()},
		WithResponse(&response))
	if err != nil {
		t.Fatal(err)
	}
	if seen.URL.EscapedPath() != "/v1/keys/key_1%2F..%2Fx%3F%7Bid%7D" || seen.Header.Get("Authorization") != "Bearer "+testKey ||
		seen.Header.Get("User-Agent") != "countersign-go/"+Version || seen.Header.Get("Idempotency-Key") != "" {
		t.Errorf("%s %v", seen.URL.EscapedPath(), seen.Header)
	}
	if body.String() != `{"disabled":false,"expires_at":null}` {
		t.Error(body.String())
	}
	if response.RequestID != "req_1" || response.Status != 200 || response.Attempts != 1 || response.Replayed {
		t.Errorf("%+v", response)
	}
	if _, err := client.Verifications.Resend(t.Context(), "ver_1"); err != nil || body.Len() != 0 || seen.Header.Get("Idempotency-Key") == "" {
		t.Error(err, body.String())
	}
	at := time.Date(2026, 1, 31, 12, 0, 0, 500, time.FixedZone("", 3600))
	_, err = client.Verifications.ListPage(t.Context(), ListVerificationsParams{Status: StatusApproved, CreatedAfter: at, Limit: 7})
	if err != nil || seen.URL.RawQuery != "created_after=2026-01-31T11%3A00%3A00.0000005Z&limit=7&status=approved" {
		t.Error(err, seen.URL.RawQuery)
	}
	if err := client.Do(t.Context(), http.MethodPost, "/v1/later", map[string]int{"a": 1}, nil); err != nil || body.String() != `{"a":1}` {
		t.Error(err, body.String())
	}
	for _, id := range []string{"", ".", ".."} {
		if err := client.Keys.Delete(t.Context(), id); err == nil {
			t.Errorf("the id %q was sent", id)
		}
	}
	if _, err := client.Keys.Get(t.Context(), "key_1", WithTimeout(0)); err == nil {
		t.Error("a time-out of 0")
	}
	if err := client.Do(t.Context(), http.MethodPost, "/v1/later", nil, nil, WithIdempotencyKey("a\nb")); err == nil {
		t.Error("an Idempotency-Key of two lines")
	}
}

func TestNullable(t *testing.T) {
	for wanted, update := range map[string]UpdateRoute{
		`{}`:                {},
		`{"sender":null}`:   {Sender: Null[string]()},
		`{"sender":"Acme"}`: {Sender: Value("Acme")},
		`{"countries":[],"enabled":false,"order":0}`: {Enabled: Ptr(false), Order: Ptr(0), Countries: []CountryCode{}},
	} {
		if text, err := json.Marshal(update); err != nil || string(text) != wanted {
			t.Errorf("%s, not %s: %v", text, wanted, err)
		}
	}
	if value, ok := Value(7).Get(); !ok || value != 7 {
		t.Error(value, ok)
	}
}

func TestNewerServer(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"type":"urn:x","title":"t","status":409,"detail":"d","code":"brand_new","request_id":"req_2","extra":[1]}`)
			return
		}
		fmt.Fprint(w, `{"id":"ver_1","status":"suspended","delivery":"read","resend_at":null,"to":null,"channel":{"kind":"voice"},
			"created_at":"2026-01-31T12:00:00.000Z","metadata":{}}`)
	})
	verification, err := client.Verifications.Get(t.Context(), "ver_1")
	if err != nil || verification.Status != "suspended" || verification.Delivery != "read" || verification.To != nil || verification.ResendAt != nil {
		t.Errorf("%+v, %v", verification, err)
	}
	_, err = client.Verifications.Start(t.Context(), StartVerification{To: "+48500500500"})
	var problem *Problem
	if !errors.As(err, &problem) || problem.Code != "brand_new" || problem.RequestID != "req_2" || !IsCode(err, CodeConflict, "brand_new") {
		t.Error(err)
	}
	if IsCode(err, CodeConflict) || IsCode(context.Canceled, "brand_new") {
		t.Error("another code")
	}
}

func TestPages(t *testing.T) {
	asked := []string{}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		asked = append(asked, cursor)
		switch cursor {
		case "":
			fmt.Fprint(w, `{"data":[{"id":"key_1"},{"id":"key_2"}],"next_cursor":"a"}`)
		case "a":
			fmt.Fprint(w, `{"data":[{"id":"key_3"}],"next_cursor":"b"}`)
		case "b":
			fmt.Fprint(w, `{"data":[],"next_cursor":null}`)
		case "loop":
			fmt.Fprint(w, `{"data":[{"id":"key_9"}],"next_cursor":"loop"}`)
		case "gone":
			w.WriteHeader(http.StatusNotFound)
		}
	})
	list := client.Keys.List(t.Context(), ListKeysParams{Limit: 2})
	for range 2 { // the same sequence twice begins anew
		keys, err := Collect(list)
		if err != nil || len(keys) != 3 || keys[2].ID != "key_3" {
			t.Errorf("%+v, %v", keys, err)
		}
	}
	if fmt.Sprint(asked) != "[ a b  a b]" {
		t.Error(asked)
	}
	asked = nil
	for key, err := range list {
		if err != nil || key.ID == "key_2" {
			break
		}
	}
	if len(asked) != 1 {
		t.Error("a page too many was read:", asked)
	}
	for _, cursor := range []string{"loop", "gone"} {
		if keys, err := Collect(client.Keys.List(t.Context(), ListKeysParams{Cursor: cursor})); err == nil {
			t.Error(cursor, keys)
		}
	}
}

func TestDeprecation(t *testing.T) {
	var out bytes.Buffer
	headers := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Deprecation", "@1767225600")
		w.Header().Set("Sunset", "Fri, 01 Jan 2027 00:00:00 GMT")
		w.Header().Add("Link", `</v1/keys?a=1,2>; rel="next"`)
		w.Header().Add("Link", `<https://docs.example.com/old>; title="x"; rel="alternate deprecation"`)
		fmt.Fprint(w, `{}`)
	}
	client := serve(t, headers, WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	for range 3 {
		if _, err := client.Tenant.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Countries.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 2 || strings.Count(out.String(), "operation=read_tenant") != 1 ||
		!strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "sunset=2027-01-01T00:00:00.000Z") {
		t.Error(out.String())
	}
	var told []Deprecation
	client = serve(t, headers, WithOnDeprecation(func(one Deprecation) { told = append(told, one) }))
	_, _ = client.Tenant.Get(t.Context())
	_, _ = client.Tenant.Get(t.Context())
	wanted := Deprecation{"read_tenant", time.Unix(1767225600, 0).UTC(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "https://docs.example.com/old"}
	if len(told) != 1 || told[0] != wanted {
		t.Errorf("%+v", told)
	}
}
