// Package countersign is the Go client of Countersign, an SMS authenticator that you run
// yourself: it starts verifications of phone numbers, checks the codes that people type, and
// manages all that a key may manage.
//
//	client, err := countersign.New(key, countersign.WithBaseURL("https://otp.example.com"))
//	verification, err := client.Verifications.Start(ctx, countersign.StartVerification{To: "+48500500500"})
//	answer, err := client.Verifications.Check(ctx, verification.ID, countersign.Check{Code: typed})
//	if answer.Status == countersign.StatusApproved { ... }
//
// What the server refuses is a [*Problem], a call without a usable answer a [*NetworkError].
// In requests a zero field is left out; fields in which zero means something are pointers, for
// [Ptr], and what may also be null in an update is a [Nullable].
package countersign

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// core is what all services of a client share.
type core struct {
	base      *url.URL
	http      *http.Client
	authorize func(http.Header) // holds the key where neither fmt nor reflection reads it
	calls     callSettings
	notices   notices
}

// New makes a client. An empty key is read from COUNTERSIGN_KEY, and without [WithBaseURL] the
// address from COUNTERSIGN_URL.
func New(key string, options ...Option) (*Client, error) {
	settings := settings{
		baseURL: os.Getenv("COUNTERSIGN_URL"),
		calls: callSettings{
			timeout: 30 * time.Second, attemptTimeout: 10 * time.Second, connectTimeout: 5 * time.Second, maxRetries: 2,
		},
	}
	for _, option := range options {
		option.applyClient(&settings)
	}
	if key == "" {
		key = os.Getenv("COUNTERSIGN_KEY")
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	base, err := parseBaseURL(settings.baseURL, settings.insecure)
	if err != nil {
		return nil, err
	}
	if err := settings.calls.check(); err != nil {
		return nil, err
	}
	value := "Bearer " + key
	return newClient(&core{
		base:      base,
		http:      httpClient(settings),
		authorize: func(header http.Header) { header.Set("Authorization", value) },
		calls:     settings.calls,
		notices:   notices{logger: settings.logger, tell: settings.onDeprecation},
	}), nil
}

func checkKey(key string) error {
	if key == "" {
		return errors.New("countersign: no key: give one to New or set COUNTERSIGN_KEY")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("countersign: the key holds a space or another character that no key has")
	}
	return nil
}

// parseBaseURL refuses addresses that would send the key in the clear, or put a password into errors.
func parseBaseURL(text string, insecure bool) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("countersign: no base URL: use WithBaseURL or set COUNTERSIGN_URL")
	}
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Opaque != "" {
		return nil, errors.New("countersign: the base URL must read like https://otp.example.com")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("countersign: the base URL must have no user, query or fragment")
	}
	switch {
	case base.Scheme == "https", base.Scheme == "http" && (insecure || isLoopback(base.Hostname())):
	case base.Scheme == "http":
		return nil, fmt.Errorf("countersign: http://%s would send the key in the clear: use https, or WithInsecureHTTP", base.Host)
	default:
		return nil, errors.New("countersign: the base URL must begin with https://")
	}
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), ""
	return base, nil
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || address != nil && address.IsLoopback()
}

func httpClient(settings settings) *http.Client {
	client := http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    settings.calls.connectTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}}
	if settings.httpClient != nil {
		client = *settings.httpClient
	}
	// The API redirects nobody; whoever does may not have the key.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (c *Client) describe() string {
	if c == nil || c.core == nil {
		return "countersign.Client(nil)"
	}
	return "countersign.Client(" + c.core.base.String() + ")"
}

// String names the server, never the key.
func (c *Client) String() string { return c.describe() }

// GoString is String.
func (c *Client) GoString() string { return c.describe() }

// Format is String, whatever the verb.
func (c *Client) Format(state fmt.State, _ rune) { fmt.Fprint(state, c.describe()) }

// LogValue is String, for slog.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.describe()) }
