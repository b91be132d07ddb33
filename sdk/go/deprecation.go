package countersign

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Deprecation says that an operation will go.
type Deprecation struct {
	// Operation is its id in the API document.
	Operation string
	// Since is when it was deprecated (RFC 9745).
	Since time.Time
	// Sunset is when it may go (RFC 8594); zero where that is not known.
	Sunset time.Time
	// Link is where to read what takes its place, as the server wrote it; may be empty.
	Link string
}

// notices tells of each deprecated operation once.
type notices struct {
	logger *slog.Logger
	tell   func(Deprecation)
	told   sync.Map
}

func (n *notices) note(operation string, header http.Header) {
	text := strings.TrimSpace(header.Get("Deprecation"))
	if text == "" {
		return
	}
	if _, told := n.told.LoadOrStore(operation, true); told {
		return
	}
	notice := Deprecation{Operation: operation, Link: deprecationLink(header.Values("Link"))}
	if seconds, err := strconv.ParseInt(strings.TrimPrefix(text, "@"), 10, 64); err == nil {
		notice.Since = time.Unix(seconds, 0).UTC()
	}
	if at, err := http.ParseTime(header.Get("Sunset")); err == nil {
		notice.Sunset = at.UTC()
	}
	if n.tell != nil {
		n.tell(notice)
		return
	}
	logger := n.logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Warn("countersign: a deprecated operation was called", "operation", notice.Operation,
		"since", notice.Since, "sunset", notice.Sunset, "link", notice.Link)
}

// deprecationLink finds the target of rel="deprecation" (RFC 8288).
func deprecationLink(headers []string) string {
	rest := strings.Join(headers, ",")
	for {
		begin := strings.IndexByte(rest, '<')
		if begin < 0 {
			return ""
		}
		target, after, found := strings.Cut(rest[begin+1:], ">")
		if !found {
			return ""
		}
		parameters, _, _ := strings.Cut(after, "<")
		for _, parameter := range strings.FieldsFunc(parameters, func(r rune) bool { return r == ';' || r == ',' }) {
			name, value, _ := strings.Cut(parameter, "=")
			relations := strings.Fields(strings.Trim(strings.TrimSpace(value), `"`))
			if !strings.EqualFold(strings.TrimSpace(name), "rel") {
				continue
			}
			for _, relation := range relations {
				if strings.EqualFold(relation, "deprecation") {
					return target
				}
			}
		}
		rest = after
	}
}
