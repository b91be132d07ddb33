package countersign

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
)

// Ptr gives a pointer to a value, for fields in which zero means something.
func Ptr[T any](value T) *T { return &value }

// A Nullable is a field of an update: the zero value leaves it as it is, [Null] clears it,
// [Value] sets it.
type Nullable[T any] struct {
	value T
	state nullableState
}

type nullableState uint8

const (
	absent nullableState = iota
	null
	given
)

// Value sets a field.
func Value[T any](value T) Nullable[T] { return Nullable[T]{value, given} }

// Null clears a field.
func Null[T any]() Nullable[T] { return Nullable[T]{state: null} }

// Get gives the value, and whether there is one.
func (n Nullable[T]) Get() (T, bool) { return n.value, n.state == given }

// IsZero says that the field stays as it is; encoding/json then leaves it out.
func (n Nullable[T]) IsZero() bool { return n.state == absent }

// MarshalJSON writes the value or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	if n.state != given {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// A Share says which things of a kind a member or a key may use: [ShareAll], [ShareNone], or the
// names given to [ShareOf]. The zero value leaves a share as it is.
type Share struct {
	word  string
	names []string
}

// ShareAll is the share of all things, also of those that are made later.
func ShareAll() Share { return Share{word: "all"} }

// ShareNone is the share of nothing.
func ShareNone() Share { return Share{word: "none"} }

// ShareOf is the share of the things with these names.
func ShareOf(names ...string) Share { return Share{names: append([]string{}, names...)} }

// All says whether the share holds all things.
func (s Share) All() bool { return s.word == "all" }

// Names gives the names of the things, if the share lists them.
func (s Share) Names() []string { return s.names }

// IsZero says that the share stays as it is; encoding/json then leaves it out.
func (s Share) IsZero() bool { return s.word == "" && s.names == nil }

// MarshalJSON writes a word or the names.
func (s Share) MarshalJSON() ([]byte, error) {
	if s.word != "" {
		return json.Marshal(s.word)
	}
	return json.Marshal(append([]string{}, s.names...))
}

// UnmarshalJSON reads a word or names.
func (s *Share) UnmarshalJSON(text []byte) error {
	*s = Share{}
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &s.word)
	}
	return json.Unmarshal(text, &s.names)
}

// A Secret is shown once by the API and never by fmt or slog: string(secret) reads it. JSON
// keeps it, so that it can be stored.
type Secret string

const redacted = "[redacted]"

// String hides it.
func (Secret) String() string { return redacted }

// GoString hides it.
func (Secret) GoString() string { return redacted }

// Format hides it, whatever the verb.
func (Secret) Format(state fmt.State, _ rune) { fmt.Fprint(state, redacted) }

// LogValue hides it from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Collect reads a list to its end.
func Collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// pages reads page after page, beginning at a cursor.
func pages[T any](first string, read func(cursor string) ([]T, *string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for cursor := first; ; {
			items, next, err := read(cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == nil || *next == "" {
				return
			}
			if *next == cursor {
				yield(none, errors.New("countersign: the server gave the same page again"))
				return
			}
			cursor = *next
		}
	}
}
