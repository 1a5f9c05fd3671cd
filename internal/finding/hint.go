package finding

import "errors"

// Hinter is an error that says what to do about it: one sentence, imperative
// ("run docker login ghcr.io"). It is the one interface that whoever prints
// errors asks for, by [HintOf].
type Hinter interface {
	error
	Hint() string
}

// HintOf is what the first error in the chain of err that can says to do; empty:
// none does.
func HintOf(err error) string {
	var h Hinter
	if !errors.As(err, &h) {
		return ""
	}
	return h.Hint()
}

// WithHint is err with what to do about it, for errors that need no type of their
// own. An empty hint adds nothing.
func WithHint(err error, hint string) error {
	if err == nil || hint == "" {
		return err
	}
	return &hinted{err, hint}
}

type hinted struct {
	error
	hint string
}

func (h *hinted) Hint() string  { return h.hint }
func (h *hinted) Unwrap() error { return h.error }
