package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/trust"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// asked is a ring whose passphrases are given in turn.
func asked(t *testing.T, dir string, words ...string) *Ring {
	return &Ring{Dir: dir, Passphrase: func(what string, _ bool) ([]byte, error) {
		if len(words) == 0 {
			t.Errorf("asked once more, for %s", what)
			return nil, errors.New("nothing more")
		}
		w := words[0]
		words = words[1:]
		return []byte(w), nil
	}}
}

func TestRing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trust")
	if all, err := (&Ring{Dir: dir}).List(); err != nil || all != nil {
		t.Errorf("an empty ring: %v, %v", all, err)
	}
	p, err := trust.GenerateKey(trust.ECDSA)
	must(t, err)
	o, err := trust.GenerateKey(trust.ECDSA)
	must(t, err)
	r := asked(t, dir, "first") // asked once for both
	online, err := r.Add(o, Entry{Name: "release", Role: Online, Locked: true})
	must(t, err)
	e, err := r.Add(p, Entry{Name: "release", Role: Signer, Online: online.ID, Locked: true, Created: time.Now()})
	must(t, err)
	if again, err := r.Add(p, Entry{Name: "other", Role: Root, Locked: true}); err != nil || again.Name != "release" {
		t.Errorf("the same key again: %+v, %v", again, err)
	}
	public, err := r.PublicFile(e)
	must(t, err)
	if keys, err := trust.PublicKeys(public); err != nil || len(keys) != 2 || keys[0].ID() != e.ID || keys[1].ID() != online.ID {
		t.Errorf("the public file: %v, %v", keys, err)
	}

	// Another run is asked, once for both keys, and until the answer is right.
	r = asked(t, dir, "wrong", "wrong again", "first")
	for _, id := range []string{e.ID, online.ID} {
		s, err := r.Signer(id)
		if err != nil || s.Key().ID() != id || !r.Has(id) {
			t.Fatalf("%v", err)
		}
	}
	r = asked(t, dir, "wrong", "wrong")
	if _, err := r.Signer(e.ID); !errors.Is(err, trust.ErrPassphrase) { // the same answer twice is a variable's
		t.Errorf("wrong twice: %v", err)
	}
	if _, err := (&Ring{Dir: dir}).Signer(e.ID); !errors.Is(err, trust.ErrLocked) {
		t.Errorf("nobody to ask: %v", err)
	}
	for what, want := range map[string]string{"release": e.ID, e.ID: e.ID, e.ID[:8]: e.ID, online.ID[:12]: online.ID} {
		if got, err := r.Find(what); err != nil || got.ID != want {
			t.Errorf("find %s: %+v, %v", what, got, err)
		}
	}
	for _, what := range []string{"nobody", "", e.ID[:6]} {
		if _, err := r.Find(what); !errors.As(err, new(*AbsentError)) {
			t.Errorf("find %q: %v", what, err)
		}
	}
	if r.Has("../../etc/passwd") || r.Has("") {
		t.Error("what is no id is a key's")
	}
	must(t, r.Remove(e.ID))
	if _, err := r.Signer(e.ID); err == nil || r.Has(e.ID) {
		t.Errorf("a removed key: %v", err)
	}
}

// TestRingOfOthers: keys in a folder that others can write are nobody's.
func TestRingOfOthers(t *testing.T) {
	dir := t.TempDir()
	r := asked(t, dir, "first")
	p, err := trust.GenerateKey(trust.ECDSA)
	must(t, err)
	e, err := r.Add(p, Entry{Name: "a", Role: Signer, Locked: true})
	must(t, err)
	must(t, os.Chmod(filepath.Join(dir, "keys"), 0o777))
	var open *disk.OpenError
	if _, err := r.List(); !errors.As(err, &open) {
		t.Errorf("%v", err)
	}
	must(t, os.Chmod(filepath.Join(dir, "keys"), 0o700))
	// A key under the name of another.
	q, err := trust.GenerateKey(trust.ECDSA)
	must(t, err)
	b, err := q.Seal([]byte("first"), nil)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "keys", e.ID+".pem"), b, 0o600))
	if _, err := asked(t, dir, "first").Signer(e.ID); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("a key that was swapped: %v", err)
	}
}

func state(root, timestamp string) trust.State {
	return trust.State{trust.Root: []byte(`{"signed":{"version":` + root + `}}`), trust.Timestamp: []byte(`{"signed":{"version":` + timestamp + `}}`)}
}

// TestPins: of what several processes keep at once, the newest stays.
func TestPins(t *testing.T) {
	p := Pins{Dir: filepath.Join(t.TempDir(), "trust")}
	if pin, err := p.Load("r"); pin != nil || err != nil {
		t.Errorf("%v, %v", pin, err)
	}
	var wg sync.WaitGroup
	for _, v := range []string{"3", "9", "5", "7", "1", "8"} {
		wg.Go(func() {
			if err := p.Save(&Pin{Repository: "r", State: state("1", v)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	version := func() string {
		pin, err := p.Load("r")
		must(t, err)
		return string(pin.State[trust.Root]) + string(pin.State[trust.Timestamp])
	}
	if got := version(); !strings.Contains(got, `"version":9`) {
		t.Errorf("kept %s", got)
	}
	must(t, p.Save(&Pin{Repository: "r", State: state("2", "1")})) // a newer root begins anew
	if got := version(); !strings.Contains(got, `"version":2`) || strings.Contains(got, `"version":9`) {
		t.Errorf("kept %s", got)
	}
	must(t, p.Save(&Pin{Repository: "r", State: state("1", "99")}))
	if got := version(); strings.Contains(got, "99") {
		t.Errorf("an older root came back: %s", got)
	}
	// Damaged, another's, or writable for all: not believed, and not written over.
	must(t, os.WriteFile(p.file("r"), []byte("{"), 0o600))
	if _, err := p.Load("r"); err == nil {
		t.Error("a damaged pin is none")
	}
	if err := p.Save(&Pin{Repository: "r", State: state("3", "1")}); err == nil {
		t.Error("a damaged pin is written over")
	}
	must(t, os.Remove(p.file("r")))
	must(t, p.Save(&Pin{Repository: "r", State: state("3", "1")}))
	must(t, os.Chmod(p.file("r"), 0o666))
	if _, err := p.Load("r"); !errors.As(err, new(*disk.OpenError)) {
		t.Errorf("writable for all: %v", err)
	}
	must(t, os.Chmod(p.file("r"), 0o600))
	must(t, p.Forget("r"))
	if pin, err := p.Load("r"); pin != nil || err != nil {
		t.Errorf("forgotten: %v, %v", pin, err)
	}
}
