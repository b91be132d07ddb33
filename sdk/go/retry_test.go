package countersign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

type served struct {
	status     int
	retryAfter string
	code       Code
}

// script answers with one after the other, then with 200, and notes the Idempotency-Keys.
func script(t *testing.T, answers ...served) (*Client, *[]string) {
	keys := []string{}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys) > len(answers) {
			fmt.Fprint(w, `{}`)
			return
		}
		one := answers[len(keys)-1]
		w.Header().Set("Content-Type", "application/problem+json")
		if one.retryAfter != "" {
			w.Header().Set("Retry-After", one.retryAfter)
		}
		w.WriteHeader(one.status)
		fmt.Fprintf(w, `{"status":%d,"code":%q,"detail":"d"}`, one.status, one.code)
	})
	return client, &keys
}

func start(client *Client, options ...CallOption) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := client.Verifications.Start(ctx, StartVerification{To: "+48500500500"}, options...)
		return err
	}
}

func TestRetries(t *testing.T) {
	type act func(*Client) func(context.Context) error
	post := func(client *Client) func(context.Context) error { return start(client) }
	get := func(client *Client) func(context.Context) error {
		return func(ctx context.Context) error { _, err := client.Tenant.Get(ctx); return err }
	}
	patch := func(client *Client) func(context.Context) error {
		return func(ctx context.Context) error { _, err := client.Tenant.Update(ctx, UpdateTenant{}); return err }
	}
	test := func(client *Client) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.Providers.Test(ctx, "prv_1", TestProvider{To: "+48500500500"})
			return err
		}
	}
	once := func(status int, retryAfter string, code Code) []served { return []served{{status, retryAfter, code}} }
	for name, one := range map[string]struct {
		act     act
		answers []served
		sent    int
		fails   bool
		keyed   bool
	}{
		"500":                             {post, once(500, "", CodeInternal), 2, false, true},
		"502 of a proxy":                  {get, once(502, "", ""), 2, false, false},
		"503 at once":                     {post, once(503, "0", CodeCodesUnavailable), 2, false, true},
		"503 after a second":              {get, once(503, "1", CodeDirectoryUnavailable), 2, false, false},
		"503 after a minute":              {post, once(503, "60", CodeNoRoute), 1, true, true},
		"503 for ever":                    {post, []served{{503, "", ""}, {503, "", ""}, {503, "", ""}, {503, "", ""}}, 3, true, true},
		"501":                             {get, once(501, "", ""), 1, true, false},
		"429 soon":                        {post, once(429, "0", CodeRateLimited), 2, false, true},
		"429 later":                       {post, once(429, "11", CodeRateLimited), 1, true, true},
		"429 without a time":              {post, once(429, "", CodeRateLimited), 1, true, true},
		"429 for a person: resend":        {post, once(429, "1", CodeResendTooSoon), 1, true, true},
		"429 for a person: sends":         {post, once(429, "1", CodeSendsExhausted), 1, true, true},
		"429 for a person: guesses":       {post, once(429, "1", CodeGuessLimit), 1, true, true},
		"409":                             {post, once(409, "1", CodeConflict), 1, true, true},
		"PATCH is not repeated":           {patch, once(500, "", CodeInternal), 1, true, false},
		"a test message is not repeated":  {test, once(500, "", CodeInternal), 1, true, false},
		"a redirect is not followed":      {get, once(302, "", ""), 1, true, false},
		"a redirect of a POST is neither": {post, once(307, "", ""), 1, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, keys := script(t, one.answers...)
			err := one.act(client)(t.Context())
			var problem *Problem
			if len(*keys) != one.sent || (err != nil) != one.fails || err != nil && !errors.As(err, &problem) {
				t.Errorf("sent %d times, then %v", len(*keys), err)
			}
			for _, key := range *keys {
				// All tries of a POST bear the same one; where the server would ignore it there is none.
				if key != (*keys)[0] || (key != "") != one.keyed {
					t.Errorf("Idempotency-Keys %q", *keys)
				}
			}
		})
	}
}

func TestIdempotencyKeysDiffer(t *testing.T) {
	client, keys := script(t)
	_, _ = start(client)(t.Context()), start(client, WithIdempotencyKey("of the caller"))(t.Context())
	_ = start(client)(t.Context())
	if (*keys)[0] == (*keys)[2] || len((*keys)[0]) < 22 || (*keys)[1] != "of the caller" {
		t.Error(*keys)
	}
}

func TestMaxRetries(t *testing.T) {
	client, keys := script(t, served{503, "", ""}, served{503, "", ""}, served{503, "", ""}, served{503, "", ""})
	if err := start(client, WithMaxRetries(0))(t.Context()); err == nil || len(*keys) != 1 {
		t.Error(err, *keys)
	}
	var response Response
	if err := start(client, WithMaxRetries(4), WithResponse(&response))(t.Context()); err != nil || response.Attempts != 4 {
		t.Error(err, response.Attempts)
	}
}

// A server that is slow for some requests, and counts them.
func slow(t *testing.T, requests int64, options ...Option) (*Client, *atomic.Int64) {
	var count atomic.Int64
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= requests {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client left
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
			return
		}
		fmt.Fprint(w, `{}`)
	}, options...), &count
}

func TestTimeouts(t *testing.T) {
	client, count := slow(t, 1, WithAttemptTimeout(100*time.Millisecond))
	if err := start(client)(t.Context()); err != nil || count.Load() != 2 {
		t.Error("a slow try is given up and repeated:", err, count.Load())
	}
	client, count = slow(t, 99, WithTimeout(300*time.Millisecond))
	began := time.Now()
	err := start(client)(t.Context())
	var network *NetworkError
	if !errors.As(err, &network) || !network.Timeout() || !errors.Is(err, context.DeadlineExceeded) || count.Load() != 1 {
		t.Error(err, count.Load())
	}
	if network != nil && (network.Operation != "start_verification" || network.Attempts != 1) {
		t.Errorf("%+v", network)
	}
	_ = start(client, WithTimeout(50*time.Millisecond))(t.Context())
	if took := time.Since(began); took > 2*time.Second {
		t.Error("it took", took)
	}
	client, count = slow(t, 99)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := start(client)(ctx); !errors.Is(err, context.DeadlineExceeded) || count.Load() != 1 {
		t.Error(err, count.Load())
	}
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	if err := start(client)(ctx); !errors.Is(err, context.Canceled) || count.Load() != 2 {
		t.Error(err, count.Load())
	}
}

// TotalBound: a wait that the call has no time for is the caller's.
func TestTotalBound(t *testing.T) {
	client, keys := script(t, served{503, "5", CodeCodesUnavailable})
	err := start(client, WithTimeout(time.Second))(t.Context())
	var problem *Problem
	if !errors.As(err, &problem) || problem.Wait() != 5*time.Second || len(*keys) != 1 {
		t.Error(err, *keys)
	}
}

func TestConnectTimeout(t *testing.T) {
	// A listener whose queue is full lets nobody connect.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := New(testKey, WithBaseURL("http://"+listener.Addr().String()), WithMaxRetries(0), WithConnectTimeout(time.Nanosecond))
	if err != nil {
		t.Fatal(err)
	}
	var network *NetworkError
	if err := start(client)(t.Context()); !errors.As(err, &network) || !network.Timeout() {
		t.Error(err)
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	client, err := New(testKey, WithBaseURL("http://"+address))
	if err != nil {
		t.Fatal(err)
	}
	// What was never sent may be repeated, whatever it is.
	_, err = client.Tenant.Update(t.Context(), UpdateTenant{})
	var network *NetworkError
	if !errors.As(err, &network) || network.Attempts != 3 || network.Timeout() {
		t.Errorf("%v", err)
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "<html>", "another shape": `{"id":7}`, "too long": string(make([]byte, maxAnswer+1))} {
		var count int
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { count++; fmt.Fprint(w, text) })
		var network *NetworkError
		if err := start(client)(t.Context()); !errors.As(err, &network) || count != 1 {
			t.Error(name, err, count)
		}
	}
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"id":`)
	}, WithMaxRetries(1))
	var network *NetworkError
	if err := start(client)(t.Context()); !errors.As(err, &network) || network.Attempts != 2 {
		t.Error("an answer that is cut off is asked for again:", err)
	}
}
