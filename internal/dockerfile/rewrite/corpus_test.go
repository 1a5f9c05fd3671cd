package rewrite_test

import (
	"archive/tar"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

// corpus calls visit with each Dockerfile from the wild.
func corpus(t *testing.T, visit func(name string, text []byte)) {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "dockerfiles", "corpus.tar.xz"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no corpus of Dockerfiles: %v", err)
	}
	defer f.Close()
	x, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(x); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, ".tsv") {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(r, dockerfile.MaxBytes+1))
		if err != nil {
			t.Fatal(err)
		}
		visit(h.Name, b)
	}
}

// guesses are contexts in which files of the corpus, whose own contexts are not
// known, may find what they copy.
func guesses(t testing.TB) map[string]*dockerfile.Context {
	node := `{"scripts": {"start": "node server.js", "build": "vite build", "prod": "node dist/index.js"}, "dependencies": {"express": "4"}, "devDependencies": {"vite": "5"}}`
	return map[string]*dockerfile.Context{
		"none": nil,
		"some": context(t, map[string][]byte{
			"package.json": []byte(node), "client/package.json": []byte(node), "server.js": nil, "requirements.txt": []byte("psycopg2\n"),
			"go.mod": []byte("module example.com/app\n"), "main.go": []byte("package main\nimport \"net/http\"\nfunc main() { http.Get(\"x\") }\n"),
			"pom.xml": []byte("<project><artifactId>app</artifactId><version>1</version></project>"), "build.gradle": nil, "src/main.rs": nil,
			"Cargo.toml": []byte("[package]\nname = \"app\"\n"), "composer.json": []byte("{}"), "app/app.csproj": nil, "nginx.conf": []byte("server { listen 80; }\n"),
		}),
	}
}

// TestCorpus holds every rewrite of every Dockerfile from the wild to the laws,
// and counts what is offered.
func TestCorpus(t *testing.T) {
	offered, why := map[string]int{}, map[string]map[string]int{}
	files := 0
	corpus(t, func(name string, text []byte) {
		f, err := dockerfile.Parse("Dockerfile", text)
		if err != nil {
			return
		}
		files++
		for guess, ctx := range guesses(t) {
			for kind, run := range kinds() {
				if ctx != nil && (kind == "pin" || kind == "execform" || kind == "cachemount") {
					continue // they do not look at it
				}
				r := rewrite.Request{File: f, Context: ctx, Digest: digestOf}
				w, err := run(r)
				key := kind + " (context: " + guess + ")"
				var no *rewrite.Refused
				if errors.As(err, &no) {
					if why[key] == nil {
						why[key] = map[string]int{}
					}
					why[key][no.Why]++
					continue
				}
				if err != nil {
					t.Errorf("%s: %s: %v", name, kind, err)
					continue
				}
				offered[key]++
				if os.Getenv("DRYDOCK_SHOW") == key {
					t.Logf("%s\n%s", name, told(w, text))
				}
				if !checked(t, r, w, text, run) {
					t.Errorf("%s: %s", name, kind)
				}
			}
		}
	})
	if files < 800 {
		t.Fatalf("only %d files of the corpus were read", files)
	}
	for _, k := range slices.Sorted(keys2(why)) {
		t.Logf("%s: %d offered of %d", k, offered[k], files)
		if os.Getenv("DRYDOCK_SHOW") == "why "+k {
			for reason, n := range why[k] {
				t.Logf("  %d × %s", n, reason)
			}
		}
	}
}

func keys2[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func told(w rewrite.Rewrite, text []byte) string {
	var b strings.Builder
	for _, e := range w.Fix.Edits {
		if e.File == "Dockerfile" {
			b.WriteString("<<< " + string(text[e.Start:e.End]) + "\n>>> " + e.New + "\n")
		}
	}
	b.WriteString(strings.Join(append(w.Notes, w.Undecided...), "\n") + "\n")
	return b.String()
}

// checked holds a rewrite to the laws; the files of the context are not looked
// at.
func checked(t *testing.T, r rewrite.Request, w rewrite.Rewrite, text []byte, run func(rewrite.Request) (rewrite.Rewrite, error)) bool {
	t.Helper()
	before := t.Failed()
	var edits []finding.Edit
	for _, e := range w.Fix.Edits {
		if e.File == "Dockerfile" {
			edits = append(edits, e)
		}
	}
	laws(t, r, w, applied(t, map[string][]byte{"Dockerfile": text}, edits), run)
	return before || !t.Failed()
}

func digestOf(ref string) (finding.Digest, bool) { return finding.DigestOf([]byte(ref)), true }

// FuzzRewrites: whatever is a Dockerfile makes no rewrite panic, and what is
// offered is one, on the bytes that it was computed for, and not offered again.
// What is fuzzed is what is done to the files of testdata, and by which rewrite
// they are then put right.
func FuzzRewrites(f *testing.F) {
	runs := kinds()
	names := slices.Sorted(maps.Keys(runs))
	var texts [][]byte
	for k, kind := range names {
		files, _ := filepath.Glob(filepath.Join("testdata", kind, "*.txtar"))
		if len(files) == 0 {
			f.Fatal("the seeds are gone: ", kind)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			_, b2, _ := strings.Cut(string(b), "-- Dockerfile --\n")
			text, _, _ := strings.Cut(b2, "\n-- ")
			f.Add(uint16(len(texts)), byte(k), []byte(nil))
			f.Add(uint16(len(texts)), byte(k+128), []byte(nil))
			texts = append(texts, []byte(text))
		}
	}
	lines := []string{
		"FROM x AS a", "FROM a", "FROM --platform=$A $B", "USER u", "USER root", "WORKDIR b", "ENV A=$B C=d", "ARG A=1", "ONBUILD RUN a", `SHELL ["a"]`,
		"COPY --from=a /x /y", "COPY . .", "ADD a b/", "RUN apt-get update && apt-get install -y gcc", "RUN npm ci", "RUN useradd -m u", "RUN <<E", "E", "# c", ` \`,
		"CMD node a.js", `CMD ["a"]`, "ENTRYPOINT exec a", "EXPOSE 80", "VOLUME /v", "HEALTHCHECK NONE", "RUN --mount=type=cache,target=/x pip install -r r.txt", "\r", `"`, "$", "\xff",
	}
	contexts := guesses(f)
	f.Fuzz(func(t *testing.T, which uint16, how byte, script []byte) {
		text := damage.Do(texts[int(which)%len(texts)], script, lines...)
		file, err := dockerfile.Parse("Dockerfile", text)
		if err != nil {
			return
		}
		kind := names[int(how&127)%len(names)]
		r := rewrite.Request{File: file, Digest: digestOf}
		if how >= 128 {
			r.Context = contexts["some"]
		}
		if w, err := runs[kind](r); err == nil && !checked(t, r, w, text, runs[kind]) {
			t.Errorf("%s of %q", kind, text)
		}
	})
}

// TestLargeFiles: the time that a rewrite takes grows with the file, and not
// with its square.
func TestLargeFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second or two")
	}
	line := map[string]string{
		"run":     "RUN mkdir -p /data/a && apt-get update && apt-get install -y gcc curl && npm ci && pip install x && rm -rf /var/lib/apt/lists/*\n",
		"copy":    "COPY a b /etc/nginx/conf.d/\n",
		"env":     "ENV A=$B B=$A\n",
		"workdir": "WORKDIR a\n",
		"volume":  "VOLUME /data/$A /data/b\n",
		"comment": "# one\nEXPOSE 80\n",
		"user":    "RUN useradd -m u && chown u /app\nUSER u\n",
	}
	for name, l := range line {
		for _, head := range []string{"FROM node:20\n", "FROM python:3\n", "FROM golang:1\n", "FROM nginx\n"} {
			text := []byte(head + strings.Repeat(l, 3000) + "CMD npm start\n")
			f, err := dockerfile.Parse("Dockerfile", text)
			if err != nil {
				t.Fatal(err)
			}
			for kind, run := range kinds() {
				start := time.Now()
				_, _ = run(rewrite.Request{File: f, Context: guesses(t)["some"], Digest: digestOf})
				if d := time.Since(start); d > time.Second {
					t.Logf("%s of 3000 × %s on %s took %s", kind, name, strings.TrimSpace(head), d)
				}
			}
		}
	}
}
