package countersign

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

type settings struct {
	baseURL       string
	httpClient    *http.Client
	insecure      bool
	logger        *slog.Logger
	onDeprecation func(Deprecation)
	calls         callSettings
}

type callSettings struct {
	timeout, attemptTimeout, connectTimeout time.Duration
	maxRetries                              int
	idempotencyKey                          string
	response                                *Response
}

func (s callSettings) check() error {
	if s.timeout <= 0 || s.attemptTimeout <= 0 || s.connectTimeout <= 0 {
		return errors.New("countersign: a time-out must be longer than 0")
	}
	if s.maxRetries < 0 || s.maxRetries > 10 {
		return errors.New("countersign: WithMaxRetries takes 0 to 10")
	}
	return nil
}

// An Option sets up a [Client].
type Option interface{ applyClient(*settings) }

// A CallOption changes one call.
type CallOption interface{ applyCall(*callSettings) }

// A SharedOption changes one call, or given to [New] all of them.
type SharedOption interface {
	Option
	CallOption
}

type clientOption func(*settings)

func (o clientOption) applyClient(s *settings) { o(s) }

type callOption func(*callSettings)

func (o callOption) applyCall(s *callSettings) { o(s) }

type sharedOption func(*callSettings)

func (o sharedOption) applyClient(s *settings)   { o(&s.calls) }
func (o sharedOption) applyCall(s *callSettings) { o(s) }

// WithBaseURL says where the server is: https://otp.example.com.
func WithBaseURL(url string) Option { return clientOption(func(s *settings) { s.baseURL = url }) }

// WithInsecureHTTP lets the base URL begin with http:// also off this machine. The key then
// crosses the network in the clear.
func WithInsecureHTTP() Option { return clientOption(func(s *settings) { s.insecure = true }) }

// WithHTTPClient uses the transport of a client of yours, for an authority or a proxy of your
// own. Redirects are not followed, and [WithConnectTimeout] is then its affair.
func WithHTTPClient(client *http.Client) Option {
	return clientOption(func(s *settings) { s.httpClient = client })
}

// WithLogger says where notices go, in place of [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return clientOption(func(s *settings) { s.logger = logger })
}

// WithOnDeprecation calls a function in place of logging when an operation that was called
// will go, once for each operation.
func WithOnDeprecation(tell func(Deprecation)) Option {
	return clientOption(func(s *settings) { s.onDeprecation = tell })
}

// WithTimeout bounds a whole call, with its retries: 30 s unless set.
func WithTimeout(limit time.Duration) SharedOption {
	return sharedOption(func(s *callSettings) { s.timeout = limit })
}

// WithAttemptTimeout bounds one try of a call: 10 s unless set.
func WithAttemptTimeout(limit time.Duration) SharedOption {
	return sharedOption(func(s *callSettings) { s.attemptTimeout = limit })
}

// WithConnectTimeout bounds how long a connection may take: 5 s unless set.
func WithConnectTimeout(limit time.Duration) SharedOption {
	return sharedOption(func(s *callSettings) { s.connectTimeout = limit })
}

// WithMaxRetries says how often a call may be repeated, 0 to 10: 2 unless set.
func WithMaxRetries(count int) SharedOption {
	return sharedOption(func(s *callSettings) { s.maxRetries = count })
}

// WithIdempotencyKey gives a POST a key of yours, 1 to 255 printable characters, in place of a
// random one: a repeat within 24 hours, by another process too, is answered as the first was.
func WithIdempotencyKey(key string) CallOption {
	return callOption(func(s *callSettings) { s.idempotencyKey = key })
}

// WithResponse writes what came besides the body into response.
func WithResponse(response *Response) CallOption {
	return callOption(func(s *callSettings) { s.response = response })
}

// A Response is the answer of the server without its body.
type Response struct {
	Status    int
	Header    http.Header
	RequestID string
	// Attempts is how often the request was sent.
	Attempts int
	// Replayed says that an earlier request with this Idempotency-Key was given this answer.
	Replayed bool
}

type connectTimeout struct{}

// dial obeys the time-out of the call that needs the connection.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: 30 * time.Second}
	if limit, ok := ctx.Value(connectTimeout{}).(time.Duration); ok {
		dialer.Timeout = limit
	}
	return dialer.DialContext(ctx, network, address)
}
