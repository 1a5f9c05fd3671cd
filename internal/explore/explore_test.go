package explore

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	ocitypes "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

func layerOf(t *testing.T, files ...string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		name, body, _ := strings.Cut(f, "=")
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return static.NewLayer(b.Bytes(), ocitypes.OCIUncompressedLayer)
}

func explorer(t *testing.T) *model {
	t.Helper()
	img, err := mutate.Append(empty.Image,
		mutate.Addendum{Layer: layerOf(t, "app/a=aaaa", "app/deep/b=bb", "etc/gone=ggg"), History: v1.History{CreatedBy: "COPY . /app"}},
		mutate.Addendum{Layer: layerOf(t, "app/a=AAAAAA", "etc/.wh.gone=", "evil\x1b[2J=x"), History: v1.History{CreatedBy: "RUN change"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"})); err != nil {
		t.Fatal(err)
	}
	im, err := image.Open(context.Background(), "oci-dir://"+dir, image.Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = im.Close() })
	scan, err := im.Scan(context.Background(), image.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return newModel(check.Target{Subject: finding.Subject{Name: "demo"}, Scan: scan})
}

func press(m *model, keys ...string) {
	for _, k := range keys {
		m.press(k)
	}
}

// shown is the right side of the screen.
func shown(m *model) string {
	var b strings.Builder
	for _, l := range strings.Split(ansi.Strip(m.draw()), "\n") {
		if _, right, ok := strings.Cut(l, "│ "); ok {
			b.WriteString(strings.TrimRight(right, " ") + "\n")
		}
	}
	return b.String()
}

func wants(t *testing.T, m *model, want, not []string) {
	t.Helper()
	s := shown(m)
	for _, w := range want {
		if !strings.Contains(s, w) {
			t.Errorf("%q is not shown in:\n%s", w, s)
		}
	}
	for _, n := range not {
		if strings.Contains(s, n) {
			t.Errorf("%q is shown in:\n%s", n, s)
		}
	}
}

func TestExplore(t *testing.T) {
	m := explorer(t)
	m.resize(100, 20)
	wants(t, m, []string{"LAYER 1", "▸ app", "▸ etc"}, []string{"deep"})

	press(m, "tab", "enter") // into the tree, open app
	wants(t, m, []string{"▾ app", "▸ deep", "a"}, nil)
	press(m, "left", "left") // fold it, and back to the layers
	if m.inTree {
		t.Error("still in the tree")
	}

	press(m, "down") // the second layer
	wants(t, m, []string{"LAYER 2", "▸ app", "▸ etc", "evil?[2J"}, []string{"\x1b"})
	press(m, "r") // what it removes
	wants(t, m, []string{"▸ etc"}, []string{"▸ app"})
	press(m, "tab", "enter")
	wants(t, m, []string{"- ", "gone"}, nil)
	press(m, "r", "c")
	wants(t, m, []string{"▸ app"}, []string{"▸ etc"})
	press(m, "esc", "/", "e", "v", "i", "l", "enter")
	wants(t, m, []string{"evil"}, []string{"app"})
	press(m, "/", "esc")
	wants(t, m, []string{"app"}, nil)
}

func TestWastedIsOfTheLayerBelow(t *testing.T) {
	m := explorer(t)
	press(m, "w", "tab", "enter")
	wants(t, m, []string{"a  wasted"}, []string{"deep"})
	if !m.press("q") {
		t.Error("q does not leave")
	}
}

func TestNoWidthIsTooSmall(t *testing.T) {
	m := explorer(t)
	for w := range 60 {
		for _, h := range []int{0, 1, 5, 30} {
			m.resize(w, h)
			press(m, "down", "tab", "enter")
			if m.draw() == "" {
				t.Fatal("nothing drawn")
			}
		}
	}
}

// TestKeysFit wants every key on the screen, at 80 columns with what it does.
func TestKeysFit(t *testing.T) {
	m := explorer(t)
	for _, width := range []int{40, 60, 80, 100, 120} {
		m.resize(width, 20)
		keys := ansi.Strip(m.keys())
		if strings.Contains(keys, "2m") {
			t.Errorf("%d columns: codes on the screen: %q", width, keys)
		}
		if w := ansi.StringWidth(keys); w > width {
			t.Errorf("%d columns of %d: %s", w, width, keys)
		}
		want := []string{"a", "c", "r", "w", "/", "tab", "←→", "q"}
		if width >= 80 {
			want = append(want, "added", "changed", "removed", "wasted", "search", "side", "fold", "leave")
		}
		for _, k := range want {
			if !strings.Contains(keys, k) {
				t.Errorf("%d columns: no %s in %s", width, k, keys)
			}
		}
	}
}

func TestRunNeedsLayers(t *testing.T) {
	if err := Run(context.Background(), os.Stdin, os.Stdout, check.Target{}); err == nil {
		t.Error("no error for a target without layers")
	}
}
