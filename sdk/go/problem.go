package countersign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Error is what happened, for people; decide by Code.
func (p *Problem) Error() string {
	code := string(p.Code)
	if code == "" {
		code = "not a problem document"
	}
	text := fmt.Sprintf("countersign: %d %s: %s", p.Status, code, p.Detail)
	for _, one := range p.Errors {
		if strings.Contains(p.Detail, one.Message) {
			continue
		}
		text += fmt.Sprintf("; %s: %s", one.Field, one.Message)
	}
	if p.RequestID != "" {
		text += " (" + p.RequestID + ")"
	}
	return text
}

// Wait is RetryAfter as a duration; 0 where waiting does not help.
func (p *Problem) Wait() time.Duration { return time.Duration(p.RetryAfter) * time.Second }

// IsCode says whether err is a [Problem] with one of the codes.
func IsCode(err error, codes ...Code) bool {
	var problem *Problem
	return errors.As(err, &problem) && slices.Contains(codes, problem.Code)
}

// problem reads a refusal. What a proxy wrote in place of the server has no Code.
func (r *reply) problem() *Problem {
	problem := &Problem{}
	kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	if kind != "application/problem+json" || json.Unmarshal(r.body, problem) != nil {
		problem = &Problem{Title: http.StatusText(r.status), Detail: "The answer did not come from Countersign."}
	}
	problem.Status = r.status
	if problem.RequestID == "" {
		problem.RequestID = r.header.Get("X-Request-Id")
	}
	if wait, ok := retryAfter(r.header); ok && problem.RetryAfter == 0 {
		problem.RetryAfter = int64(wait / time.Second)
	}
	return problem
}

// A NetworkError says that no usable answer came: what was asked for may have happened.
type NetworkError struct {
	// Operation is the id of the operation in the API document.
	Operation string
	// Attempts is how often the request was sent.
	Attempts int
	// Err is why the last one failed.
	Err error
}

func (e *NetworkError) Error() string {
	return fmt.Sprintf("countersign: %s: no answer (attempt %d): %v", e.Operation, e.Attempts, e.Err)
}

// Unwrap gives Err.
func (e *NetworkError) Unwrap() error { return e.Err }

// Timeout says whether it took too long.
func (e *NetworkError) Timeout() bool {
	var network net.Error
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &network) && network.Timeout()
}

// cause takes off what net/http adds, which repeats the URL.
func cause(outer context.Context, err error) error {
	if outer.Err() != nil {
		return context.Cause(outer)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
