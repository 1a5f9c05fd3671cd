package catalog

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// wheelOf is a wheel of which there is no more than what Poetry asks for.
func wheelOf(t *testing.T, name, version string, needs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	info := strings.ReplaceAll(name, "-", "_") + "-" + version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"
	for _, n := range needs {
		metadata += "Requires-Dist: " + n + "\n"
	}
	for file, body := range map[string]string{"METADATA": metadata, "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "RECORD": ""} {
		w, err := z.Create(info + file)
		if err == nil {
			_, err = w.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTruthPoetry: of a lock that Poetry wrote every package that Poetry itself lists
// of it is read, with its version, once.
func TestTruthPoetry(t *testing.T) {
	poetry, err := exec.LookPath("poetry")
	if err != nil || testing.Short() {
		t.Skip("no Poetry, or no time for it:", err)
	}
	const many = 120
	versions := []string{"1.0", "2.3.4", "3.0b1", "2023.1.1", "1.0.post1"}
	files, pages := map[string][]byte{}, map[string]string{}
	for i := range many {
		name, version := fmt.Sprintf("acme-p%d", i), versions[i%len(versions)]
		var needs []string
		for _, n := range []int{i + 1, i*2 + 1} {
			if n < many && n != i {
				needs = append(needs, fmt.Sprintf("acme-p%d", n))
			}
		}
		wheel := wheelOf(t, name, version, needs...)
		file := strings.ReplaceAll(name, "-", "_") + "-" + version + "-py3-none-any.whl"
		files[file] = wheel
		pages[name] = fmt.Sprintf(`<a href="/files/%s#sha256=%x">%s</a>`, file, sha256.Sum256(wheel), file)
	}
	dev := wheelOf(t, "acme-dev", "9.1")
	files["acme_dev-9.1-py3-none-any.whl"] = dev
	pages["acme-dev"] = fmt.Sprintf(`<a href="/files/acme_dev-9.1-py3-none-any.whl#sha256=%x">acme_dev-9.1-py3-none-any.whl</a>`, sha256.Sum256(dev))
	index := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, name, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
		switch {
		case kind == "simple" && pages[name] != "":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(pages[name]))
		case kind == "files" && files[name] != nil:
			_, _ = w.Write(files[name])
		default:
			http.NotFound(w, r)
		}
	}))
	defer index.Close()
	dir, home := t.TempDir(), t.TempDir()
	project := "[tool.poetry]\nname = \"shop\"\nversion = \"0.1.0\"\ndescription = \"\"\nauthors = []\n" +
		"[tool.poetry.dependencies]\npython = \"^3.8\"\nacme-p0 = \"*\"\n[tool.poetry.group.dev.dependencies]\nacme-dev = \"*\"\n" +
		"[[tool.poetry.source]]\nname = \"own\"\nurl = \"" + index.URL + "/simple/\"\ndefault = true\n"
	if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(project), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), poetry, append(args, "--no-interaction", "--no-ansi")...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+home, "POETRY_CACHE_DIR="+home, "POETRY_VIRTUALENVS_CREATE=false")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("poetry %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("lock")
	want := map[string]bool{}
	for line := range strings.Lines(run("show")) {
		if words := strings.Fields(strings.Replace(line, "(!)", "", 1)); len(words) >= 2 {
			want[words[0]+" "+words[1]] = true
		}
	}
	inv := &sbom.Inventory{Packages: dirScan(t, dir).Packages}
	if len(want) != many+1 || len(inv.Packages) != len(want) {
		t.Errorf("%d packages, and Poetry lists %d", len(inv.Packages), len(want))
	}
	agree(t, want, inv, "pypi")
	for _, p := range inv.Packages {
		if p.Dev != (p.Name == "acme-dev") {
			t.Errorf("%s for development: %v", p.Name, p.Dev)
		}
	}
}
