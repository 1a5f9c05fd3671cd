package finding

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestHints(t *testing.T) {
	plain := fmt.Errorf("read x: %w", fs.ErrNotExist)
	if HintOf(plain) != "" || HintOf(nil) != "" || WithHint(nil, "do") != nil || !errors.Is(WithHint(plain, ""), plain) {
		t.Error("a hint where nobody gave one")
	}
	err := fmt.Errorf("scan: %w", WithHint(plain, "name another file"))
	if HintOf(err) != "name another file" || err.Error() != "scan: read x: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, hint %q", err, HintOf(err))
	}
	if HintOf(errors.Join(plain, err)) != "name another file" {
		t.Error("a hint among joined errors is lost")
	}
	if HintOf(WithHint(err, "the outer one")) != "the outer one" {
		t.Error("the outermost hint does not come first")
	}
}
