// Package twilio_test holds Twilio's own Go client, unmodified, against a running `countersign dev`.
//
// READY_FILE names the file that `dev` wrote. The client has no base URL of its own to set, so
// its HTTP transport leads to the other host; and it takes a password of letters and digits
// alone, so the key is given without its underscores.
package twilio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	verify "github.com/twilio/twilio-go/rest/verify/v2"
)

type ready struct {
	BaseURL         string `json:"base_url"`
	PhoneURL        string `json:"phone_url"`
	AccountSid      string `json:"twilio_account_sid"`
	Key             string `json:"key"`
	TwilioToken     string `json:"twilio_token"`
	TestTwilioToken string `json:"test_twilio_token"`
}

// elsewhere sends every request to another host.
type elsewhere struct{ base *url.URL }

func (e elsewhere) RoundTrip(request *http.Request) (*http.Response, error) {
	moved := request.Clone(request.Context())
	moved.URL.Scheme, moved.URL.Host, moved.Host = e.base.Scheme, e.base.Host, ""
	return http.DefaultTransport.RoundTrip(moved)
}

var (
	given   ready
	live    *verify.ApiService
	trial   *verify.ApiService
	service string
	numbers atomic.Int64
)

func newClient(user, password string) *verify.ApiService {
	base, err := url.Parse(given.BaseURL)
	if err != nil {
		panic(err)
	}
	made := &client.Client{
		Credentials: client.NewCredentials(user, password),
		HTTPClient:  &http.Client{Transport: elsewhere{base}, Timeout: 30 * time.Second},
	}
	made.SetAccountSid(given.AccountSid)
	return twilio.NewRestClientWithParams(twilio.ClientParams{Client: made}).VerifyV2
}

func TestMain(m *testing.M) {
	text, err := os.ReadFile(os.Getenv("READY_FILE"))
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "READY_FILE:", err)
		os.Exit(1)
	}
	live, trial = newClient(given.AccountSid, given.TwilioToken), newClient(given.AccountSid, given.TestTwilioToken)
	made, err := live.CreateService(new(verify.CreateServiceParams).SetFriendlyName("Go's shop").SetCodeLength(6))
	if err != nil {
		fmt.Fprintln(os.Stderr, "no service:", err)
		os.Exit(1)
	}
	service = *made.Sid
	outcome := m.Run()
	if err := live.DeleteService(service); err != nil {
		fmt.Fprintln(os.Stderr, "the service stays:", err)
		outcome = 1
	}
	os.Exit(outcome)
}

func freshNumber() string {
	return fmt.Sprintf("+48603%03d%03d", os.Getpid()%1000, 99+numbers.Add(1))
}

func other(code string) string {
	flip := func(digit rune) rune {
		if digit == '7' {
			return '9'
		}
		return '7'
	}
	return strings.Map(flip, code)
}

// onPhone is what arrived last on the virtual phone, and how much did.
func onPhone(t *testing.T, to string) (string, int) {
	t.Helper()
	for range 100 {
		answer, err := http.Get(given.PhoneURL + "?to=" + url.QueryEscape(to))
		if err != nil {
			t.Fatal(err)
		}
		var messages []struct{ Code string }
		err = json.NewDecoder(answer.Body).Decode(&messages)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) > 0 {
			return messages[0].Code, len(messages)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("no message came")
	return "", 0
}

// must is the answer of a call that is not refused.
func must[T any](t *testing.T) func(T, error) T {
	return func(answer T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

func refused(t *testing.T, status, code int, err error) *client.TwilioRestError {
	t.Helper()
	var refusal *client.TwilioRestError
	if !errors.As(err, &refusal) {
		t.Fatalf("%v is no refusal of Twilio's form", err)
	}
	equal(t, [2]int{refusal.Status, refusal.Code}, [2]int{status, code})
	if !strings.HasSuffix(refusal.MoreInfo, "/docs/twilio.md") {
		t.Fatalf("more_info: %s", refusal.MoreInfo)
	}
	return refusal
}

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func started(to string) *verify.CreateVerificationParams {
	return new(verify.CreateVerificationParams).SetTo(to).SetChannel("sms")
}

func begin(t *testing.T, to string) *verify.VerifyV2Verification {
	t.Helper()
	return must[*verify.VerifyV2Verification](t)(live.CreateVerification(service, started(to)))
}

func start(params *verify.CreateVerificationParams) error {
	_, err := live.CreateVerification(service, params)
	return err
}

func checked(to, code string) *verify.CreateVerificationCheckParams {
	return new(verify.CreateVerificationCheckParams).SetTo(to).SetCode(code)
}

func check(t *testing.T, params *verify.CreateVerificationCheckParams) *verify.VerifyV2VerificationCheck {
	t.Helper()
	return must[*verify.VerifyV2VerificationCheck](t)(live.CreateVerificationCheck(service, params))
}

func refusedCheck(t *testing.T, status, code int, params *verify.CreateVerificationCheckParams) {
	t.Helper()
	_, err := live.CreateVerificationCheck(service, params)
	refused(t, status, code, err)
}
