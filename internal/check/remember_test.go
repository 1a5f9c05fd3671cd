package check

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
)

type part struct{ name, text string }

func tarOf(t *testing.T, parts ...part) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, p := range parts {
		if err := w.WriteHeader(&tar.Header{Name: p.name, Mode: 0o644, Size: int64(len(p.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// archive writes a docker-archive whose configuration claims the diffIDs of
// claimed and which holds the layers of held.
func archive(t *testing.T, claimed, held []string) string {
	t.Helper()
	var ids []string
	for _, l := range claimed {
		ids = append(ids, string(finding.DigestOf([]byte(l))))
	}
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	config := text(map[string]any{"architecture": "amd64", "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
	parts := []part{{"config.json", config}}
	var names []string
	for i, l := range held {
		names = append(names, string(rune('a'+i))+"/layer.tar")
		parts = append(parts, part{names[i], l})
	}
	parts = append(parts, part{"manifest.json", text([]any{map[string]any{"Config": "config.json", "Layers": names, "RepoTags": []string{"app:1"}}})})
	path := filepath.Join(t.TempDir(), "app.tar")
	if err := os.WriteFile(path, []byte(tarOf(t, parts...)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func layers(t *testing.T) []string {
	return []string{
		tarOf(t, part{"etc/os-release", "ID=debian\nVERSION_ID=\"11\"\n"},
			part{"var/lib/dpkg/status", "Package: libssl1.1\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 1.1.1k-1\n\n"}),
		tarOf(t, part{"srv/node_modules/lodash/package.json", `{"name":"lodash","version":"4.17.15"}`},
			part{"srv/node_modules/broken/package.json", `{"name":`}),
		tarOf(t, part{"srv/node_modules/.wh.lodash", ""}),
	}
}

// later is a clock by which files that were just written lie there for long.
func later() time.Time { return time.Now().Add(time.Hour) }

func pipeline(t *testing.T) *Pipeline {
	dir := t.TempDir()
	return &Pipeline{Surroundings: Surroundings{
		CacheDir: filepath.Join(dir, "cache"), DataDir: filepath.Join(dir, "data"), Offline: true, Now: later, Log: slog.New(slog.DiscardHandler),
	}}
}

func run1(t *testing.T, p *Pipeline, target string, ask Ask) *Result {
	t.Helper()
	res, err := p.Run(t.Context(), target, ask)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestRememberedIsTheSame: what is taken from memory is what was read, whoever
// asked first and whoever asks after.
func TestRememberedIsTheSame(t *testing.T) {
	all := layers(t)
	path := archive(t, all, all)
	cves, whole := Ask{Vulnerabilities: true}, Ask{Vulnerabilities: true, Rules: true, Grades: true, Layers: true}
	for _, asks := range [][]Ask{{cves, cves, whole}, {whole, whole, cves}, {{}, {}, cves}} {
		p := pipeline(t)
		for i, ask := range asks {
			fresh := *p
			fresh.NoCache = true
			want, got := run1(t, &fresh, path, ask), run1(t, p, path, ask)
			opt := []cmp.Option{cmpopts.IgnoreFields(Target{}, "Image", "Scan", "remembered", "signed"), cmpopts.IgnoreUnexported(base.Base{})}
			if diff := cmp.Diff(want, got, opt...); diff != "" {
				t.Errorf("run %d of %v: -read +remembered\n%s", i+1, asks, diff)
			}
			if len(want.Targets[0].Inventory.Packages) != 2 || len(want.Unknown) == 0 || ask.Vulnerabilities && len(want.Findings) < 5 {
				t.Fatalf("the test has lost its point: %+v", want)
			}
			if (got.Targets[0].Scan != nil) != ask.Layers {
				t.Error("layers where none were asked for, or none where they were")
			}
		}
	}
}

// TestRememberedForOthers: an archive that claims the diffIDs of an image whose
// inventory is remembered, and holds other bytes, is caught each time.
func TestRememberedForOthers(t *testing.T) {
	all := layers(t)
	forged := []string{all[0], tarOf(t, part{"srv/node_modules/evil/package.json", `{"name":"evil","version":"1.0.0"}`}), all[2]}
	p := pipeline(t)
	run1(t, p, archive(t, all, all), Ask{})
	path := archive(t, all, forged)
	for try := range 3 {
		_, err := p.Run(t.Context(), path, Ask{})
		var mis *layer.MismatchError
		if !errors.As(err, &mis) || mis.Got != finding.DigestOf([]byte(forged[1])) {
			t.Fatalf("try %d: %v", try+1, err)
		}
	}
	// The same image elsewhere is read, for its bytes are not known, and then is.
	other := archive(t, all, all)
	for range 2 {
		if res := run1(t, p, other, Ask{}); len(res.Targets[0].Inventory.Packages) != 2 {
			t.Errorf("%+v", res.Targets[0].Inventory)
		}
	}
}

// TestLast: what the last run looked at is known to the next, whether the cache
// of records has it or only the run itself had.
func TestLast(t *testing.T) {
	p := pipeline(t)
	if inv := p.last(); inv != nil {
		t.Errorf("before any run: %v", inv)
	}
	all := layers(t)
	ask := Ask{Vulnerabilities: true}
	want := run1(t, p, archive(t, all, all), ask).Targets[0].Inventory
	got := p.last()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an image: -scanned +kept\n%s", diff)
	}
	if met := p.Met(); len(met) != 2 {
		t.Errorf("ecosystems %v", met)
	}
	kept, err := filepath.Glob(filepath.Join(p.CacheDir, "values", "inventory-*"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if err := os.Remove(kept[0]); err != nil {
		t.Fatal(err)
	}
	if got := p.last(); got != nil {
		t.Errorf("after the cache has let go of it: %v", got)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(`{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.15"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want = run1(t, p, dir, ask).Targets[0].Inventory
	got = p.last()
	if diff := cmp.Diff(want, got); diff != "" || len(want.Packages) == 0 {
		t.Errorf("a folder: -scanned +kept\n%s", diff)
	}
}
