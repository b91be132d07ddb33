package countersign

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// maxAnswer bounds an answer, in bytes. The longest, a full timeline, is far shorter.
const maxAnswer = 16 << 20

// A call is one operation with what it is called with.
type call struct {
	operation    string
	method, path string   // path has {names}
	ids          []string // for the names, in order
	query        query    // zero values are left out
	body         any      // nil for none
	repeatable   bool     // whether the server does it once however often it is sent
}

type query map[string]any

// A Document is a JSON object as it came.
type Document map[string]any

// Do calls an operation that this version does not know yet: path begins with /v1/. Body and
// out may be nil. A POST or PATCH is repeated only if it has a [WithIdempotencyKey].
func (c *Client) Do(ctx context.Context, method, path string, body, out any, options ...CallOption) error {
	again := slices.Contains([]string{http.MethodGet, http.MethodPut, http.MethodDelete}, method)
	var settings callSettings
	for _, option := range options {
		option.applyCall(&settings)
	}
	operation := method + " " + path
	answer, err := c.core.do(ctx, call{
		operation: operation, method: method, path: path, body: body, repeatable: again || settings.idempotencyKey != "",
	}, options)
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	return decode(operation, answer, out)
}

// answer makes a call and reads what it answers.
func answer[T any](ctx context.Context, c *core, call call, options []CallOption) (*T, error) {
	text, err := c.do(ctx, call, options)
	if err != nil {
		return nil, err
	}
	var value T
	if len(text) > 0 {
		err = decode(call.operation, text, &value)
	}
	if err != nil {
		return nil, err
	}
	return &value, nil
}

func decode(operation string, text []byte, out any) error {
	if err := json.Unmarshal(text, out); err != nil {
		return &NetworkError{Operation: operation, Attempts: 1, Err: fmt.Errorf("the answer cannot be read: %w", err)}
	}
	return nil
}

// do makes a call, again where that is safe and may help, and gives the body of the answer.
func (c *core) do(ctx context.Context, call call, options []CallOption) ([]byte, error) {
	settings := c.calls
	for _, option := range options {
		option.applyCall(&settings)
	}
	if err := settings.check(); err != nil {
		return nil, err
	}
	request, err := c.request(call, settings)
	if err != nil {
		return nil, err
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, connectTimeout{}, settings.connectTimeout), settings.timeout)
	defer cancel()
	for tried := 1; ; tried++ {
		reply, err := c.send(ctx, request, settings.attemptTimeout)
		if err == nil {
			c.notices.note(call.operation, reply.header)
		}
		wait, again := settings.retry(call, tried, reply, err)
		if again && outer.Err() == nil && fits(ctx, wait) && sleep(ctx, wait) {
			continue
		}
		if err != nil {
			return nil, &NetworkError{Operation: call.operation, Attempts: tried, Err: cause(outer, err)}
		}
		if settings.response != nil {
			*settings.response = reply.describe(tried)
		}
		if reply.status < 200 || reply.status > 299 {
			return nil, reply.problem()
		}
		return reply.body, nil
	}
}

// outgoing is a request that can be sent several times.
type outgoing struct {
	method, url string
	header      http.Header
	body        []byte
}

func (c *core) request(call call, settings callSettings) (outgoing, error) {
	target, err := call.target(c.base)
	if err != nil {
		return outgoing{}, err
	}
	request := outgoing{method: call.method, url: target, header: http.Header{}}
	request.header.Set("Accept", "application/json, application/problem+json")
	request.header.Set("User-Agent", "countersign-go/"+Version)
	c.authorize(request.header)
	if call.body != nil {
		if request.body, err = json.Marshal(call.body); err != nil {
			return outgoing{}, fmt.Errorf("countersign: %s: the body cannot be written as JSON: %w", call.operation, err)
		}
		request.header.Set("Content-Type", "application/json")
	}
	key := settings.idempotencyKey
	// net/http itself sends again what bears this header: not where the server ignores it.
	if key == "" && call.method == http.MethodPost && call.repeatable {
		key = rand.Text()
	}
	if key != "" {
		if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			return outgoing{}, errors.New("countersign: an Idempotency-Key has 1 to 255 printable ASCII characters")
		}
		request.header.Set("Idempotency-Key", key)
	}
	return request, nil
}

// target is the URL. An id that is empty or steps up would name another operation.
func (c call) target(base *url.URL) (string, error) {
	path := c.path
	for _, id := range c.ids {
		begin, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		if id == "" || id == "." || id == ".." {
			return "", fmt.Errorf("countersign: %s: %s must not be %q", c.operation, path[begin+1:end], id)
		}
		// Braces in an id are escaped, so the next one is the path's.
		path = path[:begin] + url.PathEscape(id) + path[end+1:]
	}
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("countersign: the path %q must begin with /", path)
	}
	target := strings.TrimRight(base.String(), "/") + path
	if values := c.query.encode(); values != "" {
		target += "?" + values
	}
	return target, nil
}

func (q query) encode() string {
	values := url.Values{}
	for name, value := range q {
		if reflect.ValueOf(value).IsZero() {
			continue
		}
		if at, ok := value.(time.Time); ok {
			value = at.UTC().Format(time.RFC3339Nano)
		}
		values.Set(name, fmt.Sprint(value))
	}
	return values.Encode()
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (c *core) send(ctx context.Context, request outgoing, limit time.Duration) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var body io.Reader
	if request.body != nil {
		body = bytes.NewReader(request.body)
	}
	out, err := http.NewRequestWithContext(ctx, request.method, request.url, body)
	if err != nil {
		return nil, errors.New("the request cannot be made: its method or path is invalid")
	}
	out.Header = request.header.Clone()
	answer, err := c.http.Do(out)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, errTooLong
	}
	return &reply{answer.StatusCode, answer.Header, text}, nil
}

var errTooLong = errors.New("the answer is longer than 16 MiB")

func (r *reply) describe(attempts int) Response {
	return Response{
		Status:    r.status,
		Header:    r.header,
		RequestID: r.header.Get("X-Request-Id"),
		Attempts:  attempts,
		Replayed:  r.header.Get("Idempotent-Replayed") == "true",
	}
}
