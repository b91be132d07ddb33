package countersign

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxWait is the longest wait that a call does by itself; a longer Retry-After is the caller's.
	maxWait   = 10 * time.Second
	firstWait = 200 * time.Millisecond
)

// retry says whether the call is worth sending again, and after which wait.
func (s callSettings) retry(call call, tried int, reply *reply, err error) (time.Duration, bool) {
	if tried > s.maxRetries {
		return 0, false
	}
	backoff := firstWait << (tried - 1)
	backoff = min(backoff/2+rand.N(backoff/2), maxWait)
	if err != nil {
		var certificate *tls.CertificateVerificationError
		if errors.As(err, &certificate) || errors.Is(err, errTooLong) {
			return 0, false
		}
		return backoff, call.repeatable || neverSent(err)
	}
	if !call.repeatable {
		return 0, false
	}
	asked, given := retryAfter(reply.header)
	switch reply.status {
	case http.StatusTooManyRequests:
		// The other limits wait for a person: who looks for the first message, or types.
		code := reply.problem().Code
		return asked + backoff/4, given && asked <= maxWait && (code == CodeRateLimited || code == "")
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return max(backoff, asked+backoff/4), asked <= maxWait
	}
	return 0, false
}

// neverSent says that the connection failed before any byte of the request left.
func neverSent(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial"
}

func retryAfter(header http.Header) (time.Duration, bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}

// fits says whether a wait leaves any time for another try.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// sleep waits; false when the call ended meanwhile.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
