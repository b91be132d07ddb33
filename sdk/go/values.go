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
