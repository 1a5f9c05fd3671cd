package image

import (
	"errors"
	"strings"
	"testing"
)

// Who may not open the Engine's socket is told that first: the image may well be
// there, and no registry has it.
func TestDeniedEngineComesFirst(t *testing.T) {
	denied := engineError(errors.New("permission denied while trying to connect"), "app:dev", Options{})
	var absent *absentError
	if !errors.As(denied, &absent) || !absent.Denied {
		t.Fatalf("engineError = %v, want an Engine that denies", denied)
	}
	remote := hint(errors.New("registry: unauthorized"), "docker login")
	for _, c := range []struct {
		denied bool
		starts string
		hint   string
	}{
		{true, "docker engine: permission denied", "join the docker group"},
		{false, "registry: unauthorized", "docker login"},
	} {
		err := error(&bothError{local: absent.Err, denied: c.denied, remote: remote})
		if !strings.HasPrefix(err.Error(), c.starts) {
			t.Errorf("denied %t: %q, want %q first", c.denied, err, c.starts)
		}
		var h interface{ Hint() string }
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), c.hint) {
			t.Errorf("denied %t: the hint is not %q", c.denied, c.hint)
		}
	}
}
