package tests

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	countersign "github.com/countersign/countersign/sdk/go"
)

// ready is the running dev; TestMain reads it.
var ready struct {
	BaseURL string `json:"base_url"`
	Phone   string `json:"phone_url"`
	Key     string `json:"key"`
	TestKey string `json:"test_key"`
}

func TestMain(m *testing.M) {
	text, err := os.ReadFile(os.Getenv("COUNTERSIGN_READY_FILE"))
	if err == nil {
		err = json.Unmarshal(text, &ready)
	}
	if err != nil || ready.BaseURL == "" {
		fmt.Fprintln(os.Stderr, "COUNTERSIGN_READY_FILE must name the ready file of a running `countersign dev`:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func connect(t *testing.T, key string, options ...countersign.Option) *countersign.Client {
	t.Helper()
	client, err := countersign.New(key, append([]countersign.Option{countersign.WithBaseURL(ready.BaseURL)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func random(t *testing.T, below int64) int64 {
	t.Helper()
	number, err := rand.Int(rand.Reader, big.NewInt(below))
	if err != nil {
		t.Fatal(err)
	}
	return number.Int64()
}

// newNumber is a Polish mobile number that no other test knows.
func newNumber(t *testing.T) string {
	return fmt.Sprintf("+4850%d%06d", random(t, 10), random(t, 1_000_000))
}

func newName(t *testing.T, prefix string) string {
	return fmt.Sprintf("%s-%d", prefix, random(t, 1_000_000_000_000))
}

// inbox is what reached the virtual phone, the newest first.
func inbox(t *testing.T, to string) []struct{ Code, Text string } {
	t.Helper()
	answer, err := http.Get(ready.Phone + "?to=" + url.QueryEscape(to))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var messages []struct{ Code, Text string }
	if err := json.NewDecoder(answer.Body).Decode(&messages); err != nil {
		t.Fatal(err)
	}
	return messages
}

// waitFor asks until something is so, for at most ten seconds.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}

func codeOf(t *testing.T, to string) string {
	t.Helper()
	waitFor(t, "the message", func() bool { return len(inbox(t, to)) > 0 })
	return inbox(t, to)[0].Code
}

// wrongCode is one that is not the code.
func wrongCode(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

// wantProblem fails unless err is a problem with the code, and gives it.
func wantProblem(t *testing.T, err error, code countersign.Code) *countersign.Problem {
	t.Helper()
	var problem *countersign.Problem
	if !errors.As(err, &problem) || problem.Code != code || !strings.HasPrefix(problem.RequestID, "req_") {
		t.Fatalf("not %s but %v", code, err)
	}
	return problem
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
