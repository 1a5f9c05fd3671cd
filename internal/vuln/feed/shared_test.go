package feed

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// shared is a file of the project's shared folder; the test is skipped where
// there is none.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		root := "."
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if root = filepath.Join(root, ".."); len(root) > 60 {
				t.Fatal("no go.mod above")
			}
		}
		dir = filepath.Join(root, "..", "shared")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	return path
}

func unxz(t testing.TB, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	r, err := xz.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The parser leaves out the versions that distributions' records list beside a
// range. That loses nothing only if the ranges hold every one of them.
func TestDistributionsListOnlyWhatTheirRangesHold(t *testing.T) {
	for _, c := range []struct {
		eco  string
		step int
	}{{"Debian", 40}, {"Alpine", 20}} {
		path := shared(t, "advisories", c.eco+".jsonl.xz")
		lines := bufio.NewScanner(unxz(t, path))
		lines.Buffer(nil, maxRecord)
		checked, missing := 0, 0
		for n := 0; lines.Scan(); n++ {
			if n%c.step != 0 {
				continue
			}
			var rec osvRecord
			if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
				t.Fatal(err)
			}
			for _, in := range rec.Affected {
				a, ok, err := rec.affected(&in, vuln.Advisory{ID: rec.ID}, c.eco)
				if err != nil {
					t.Fatal(err)
				}
				var listed []string
				if !ok || len(in.Versions) == 0 {
					continue
				}
				if err := json.Unmarshal(in.Versions, &listed); err != nil {
					t.Fatal(err)
				}
				for _, v := range listed {
					held := false
					for _, r := range a.Ranges {
						held = held || within(a.Ecosystem, r, v)
					}
					if checked++; !held {
						if missing++; missing < 10 {
							t.Errorf("%s %s %s: %s is listed and not in %v", rec.ID, a.Ecosystem, a.Package, v, a.Ranges)
						}
					}
				}
			}
		}
		if checked < 10000 {
			t.Errorf("%s: only %d versions checked", c.eco, checked)
		}
		t.Logf("%s: %d listed versions checked, %d outside", c.eco, checked, missing)
	}
}
