package fix_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/fix"
)

func TestUnified(t *testing.T) {
	before := "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nRUN npm run build\nEXPOSE 80\nCMD [\"node\"]\n"
	after := "FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nEXPOSE 80\nCMD [\"node\"]\n"
	want := `--- a/Dockerfile
+++ b/Dockerfile
@@ -1,7 +1,8 @@
 FROM node:20
 WORKDIR /app
+COPY package*.json ./
+RUN npm ci
 COPY . .
-RUN npm install
 RUN npm run build
 EXPOSE 80
 CMD ["node"]
`
	if got := fix.Unified("Dockerfile", fix.Diff([]byte(before), []byte(after))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := fix.Unified("x", fix.Diff([]byte("a"), []byte("a"))); got != "" {
		t.Errorf("no difference is %q", got)
	}
	if got := fix.Unified("x", fix.Diff(nil, []byte("a\n"))); got != "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n" {
		t.Errorf("a new file is %q", got)
	}
	if got := fix.Unified("x", fix.Diff([]byte("a\nb"), []byte("a\nb\n"))); got != "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n" {
		t.Errorf("a line end is %q", got)
	}
}

func TestDiffShowsNoSecret(t *testing.T) {
	token := "ghp_" + strings.Repeat("aB3dE6gH9", 4)
	r := rand.NewChaCha8([32]byte{})
	raw := make([]byte, 600)
	_, _ = r.Read(raw)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: append([]byte{0x30, 0x82, 0x02, 0x54}, raw...)}))
	key = strings.TrimSpace(key)
	line := strings.Split(key, "\n")[1]
	before := "FROM a\nENV TOKEN=" + token + "\nRUN x <<EOF\n" + key + "\nEOF\nRUN b\n"
	after := "FROM a\nRUN x <<EOF\n" + key + "\nEOF\nRUN c\n"
	got := fix.Unified("Dockerfile", fix.Diff([]byte(before), []byte(after)))
	if strings.Contains(got, token) {
		t.Errorf("a token is shown:\n%s", got)
	}
	if strings.Contains(got, line) {
		t.Errorf("a key is shown:\n%s", got)
	}
	if !strings.Contains(got, "-ENV TOKEN=") || !strings.Contains(got, "+RUN c") {
		t.Errorf("the lines are not told:\n%s", got)
	}
}

// TestDiffLaw holds hunks to their meaning: patch(1)'s reading of them makes the
// one file of the other, and their line numbers are true.
func TestDiffLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "RUN x\n", "\n", "last"})
		before := strings.Join(rapid.SliceOfN(line, 0, 40).Draw(t, "before"), "")
		after := strings.Join(rapid.SliceOfN(line, 0, 40).Draw(t, "after"), "")
		got, err := apply(before, fix.Diff([]byte(before), []byte(after)))
		if err != nil || got != after {
			t.Fatalf("%q is made %q, not %q: %v", before, got, after, err)
		}
	})
}

// apply does what the hunks say.
func apply(before string, hunks []fix.Hunk) (string, error) {
	var lines []string
	if before != "" {
		lines = strings.SplitAfter(before, "\n")
	}
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	var out strings.Builder
	at, written := 0, 0
	for _, h := range hunks {
		start := h.OldStart - 1
		if h.OldLines == 0 {
			start++
		}
		for ; at < start; at++ {
			out.WriteString(lines[at])
			written++
		}
		first := h.NewStart - 1
		if h.NewLines == 0 {
			first++
		}
		if written != first {
			return "", fmt.Errorf("hunk %s is at line %d of the new file", h.Head(), written)
		}
		olds, news := 0, 0
		for _, l := range h.Lines {
			text := l.Text
			if !l.NoEnd {
				text += "\n"
			}
			if l.Op != '+' {
				if at >= len(lines) || l.Op == '-' && lines[at] != text || l.Op == ' ' && strings.TrimSuffix(lines[at], "\n") != l.Text {
					return "", fmt.Errorf("line %d of the old file is not %q", at, text)
				}
				at++
				olds++
			}
			if l.Op != '-' {
				out.WriteString(text)
				written++
				news++
			}
		}
		if olds != h.OldLines || news != h.NewLines {
			return "", fmt.Errorf("hunk %s has %d and %d lines", h.Head(), olds, news)
		}
	}
	for ; at < len(lines); at++ {
		out.WriteString(lines[at])
	}
	return out.String(), nil
}

// TestPatchReadsIt gives real diffs to patch(1).
func TestPatchReadsIt(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("patch(1) is needed under CI")
		}
		t.Skip("no patch(1) here")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		var before, after bytes.Buffer
		for n := range 200 {
			line := fmt.Sprintf("line %d\n", n%(20+i*10))
			if r.IntN(20) != 0 {
				before.WriteString(line)
			}
			if r.IntN(20) != 0 {
				after.WriteString(line)
			}
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), before.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(patch, "-p1", "-d", dir)
		cmd.Stdin = strings.NewReader(fix.Unified("f", fix.Diff(before.Bytes(), after.Bytes())))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || !bytes.Equal(got, after.Bytes()) {
			t.Fatalf("patch makes another file: %v", err)
		}
	}
}

func TestDiffIsNotQuadratic(t *testing.T) {
	hostile := map[string][2]string{
		"all alike":   {strings.Repeat("a\n", 200_000), strings.Repeat("a\n", 100_000) + strings.Repeat("b\n", 100_000)},
		"interleaved": {interleaved("a", 50_000), interleaved("b", 50_000)},
		"backwards":   {numbers(50_000, 1), numbers(50_000, -1)},
	}
	for name, c := range hostile {
		at := time.Now()
		fix.Diff([]byte(c[0]), []byte(c[1]))
		t.Logf("%s: %s", name, time.Since(at))
	}
}

func interleaved(s string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s\n%d\n", s, i)
	}
	return b.String()
}

func numbers(n, step int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", i*step+n)
	}
	return b.String()
}
