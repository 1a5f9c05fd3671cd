package prove_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/proofs.md")

// row is what a case came to.
type row struct {
	proof
	reached       string
	why           string // it is refused, or stops
	before, after *built
	cache         *kept
	took          time.Duration
}

// how is how it ended.
func (r row) how() string {
	switch {
	case r.refused != "":
		return "refused"
	case r.short != "":
		return "stops at " + r.reached
	}
	return r.reached
}

// cells are what it measured: size, packages, vulnerabilities, user.
func (r row) cells() []string {
	if r.before == nil || r.after == nil {
		return make([]string, 4)
	}
	root := func(user string) string {
		if user == "" {
			return "root"
		}
		return user
	}
	b, a := r.before, r.after
	return []string{
		arrow(fmt.Sprintf("%.1f", float64(b.Size)/1e6), fmt.Sprintf("%.1f", float64(a.Size)/1e6)),
		arrow(fmt.Sprint(b.Packages), fmt.Sprint(a.Packages)),
		arrow(severe(b.Vulnerabilities), severe(a.Vulnerabilities)),
		arrow(root(b.User), root(a.User)),
	}
}

// arrow is one value if both are the same.
func arrow(before, after string) string {
	if before == after {
		return before
	}
	return before + " → " + after
}

func severe(n map[string]int) string {
	return fmt.Sprintf("%d %d %d %d", n["critical"], n["high"], n["medium"], n["low"])
}

// told is the reason of what did not go all the way, or what else was counted.
func (r row) told() string {
	s := r.why
	if r.cache != nil {
		s = fmt.Sprintf("steps kept after a change: %d of %d → %d of %d", r.cache.Before[0], r.cache.Before[1], r.cache.After[0], r.cache.After[1])
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "") + " …"
	}
	return strings.ReplaceAll(s, "|", "\\|")
}

func (r row) String() string {
	return strings.Join(append([]string{"", r.name, r.how()}, append(r.cells(), r.told(), r.took.Round(100*time.Millisecond).String(), "")...), " | ")
}

// total is how long all took.
func total(rows []row) time.Duration {
	var all time.Duration
	for _, r := range rows {
		all += r.took
	}
	return all.Round(time.Second)
}

// Kinds of Engines, by where they keep images.
const (
	classic = "classic" // its own store; 20.10 to 28 unless told otherwise
	current = "current" // containerd's
)

// ran is the Engine that proofs ran on.
type ran struct{ kind, name string }

func engineOf(t *testing.T, docker string) ran {
	t.Helper()
	ask := func(args ...string) string {
		out, err := exec.Command(docker, args...).Output()
		if err != nil {
			t.Fatalf("docker %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	on, store := ran{kind: classic}, "its own image store"
	if strings.Contains(ask("info", "--format", "{{.DriverStatus}}"), "io.containerd.snapshotter") {
		on.kind, store = current, "containerd's image store"
	}
	on.name = "Docker Engine " + ask("version", "--format", "{{.Server.Version}} (API {{.Server.APIVersion}}") + ", " + store +
		ask("version", "--format", `{{range .Server.Components}}{{if eq .Name "runc"}}, runc {{.Version}}{{end}}{{end}}`) + ")"
	return on
}

// table prints all of them, one below the other.
func table(t *testing.T, on ran, rows []row) {
	t.Helper()
	lines := []string{""}
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%-24s %-20s %s %s", r.name, r.how(), strings.Join(r.cells(), " | "), r.told()))
	}
	t.Logf("%s\n%d proofs in %s on %s", strings.Join(lines, "\n"), len(rows), total(rows), on.name)
}

const page = "../docs/proofs.md"

// document writes the section of docs/proofs.md of the Engine that the proofs ran
// on, and leaves that of the other kind as it is.
func document(t *testing.T, on ran, rows []row) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\nOn %s: %d cases, in %s together.\n\n", on.name, time.Now().UTC().Format(time.DateOnly), len(rows), total(rows))
	b.WriteString("| case | what is proved | ends | MB | packages | C H M L | user | |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| [%s](../prove/cases/%s.txtar) | %s | %s | %s | %s |\n", r.name, r.name, r.kind, r.how(), strings.Join(r.cells(), " | "), r.told())
	}
	section(page, "# Proofs\n\nWritten by `make prove` from the cases of [prove/cases](../prove/cases), "+intro, on.kind, b.String(), t)
}

// section writes a page anew with the section of one kind of Engine, and leaves that
// of the other as it is.
func section(page, head, of, text string, t *testing.T) {
	t.Helper()
	sections := map[string]string{}
	old, err := os.ReadFile(page)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, kind := range []string{current, classic} {
		if _, text, ok := strings.Cut(string(old), begin(kind)); ok {
			sections[kind], _, _ = strings.Cut(text, "<!-- ")
		}
	}
	sections[of] = text
	for _, kind := range []string{current, classic} {
		if s := sections[kind]; s != "" {
			head += "\n" + begin(kind) + strings.TrimRight(s, "\n") + "\n"
		}
	}
	if err := os.WriteFile(page, []byte(head), 0o644); err != nil { //nolint:gosec // a page of the documentation
		t.Fatal(err)
	}
}

func begin(kind string) string { return "<!-- " + kind + " -->\n" }

const intro = `each run on real
Docker Engines of two kinds: a current one, built from the Go modules that [.ci/engine](../.ci/engine/go.mod)
pins, and Debian's. [prove/README.md](../prove/README.md) says how. There is no
registry where they run: **sizes, packages and vulnerabilities are those of stand-ins** for
the images that the files name, made of Debian's packages, and say what changes in
one case, not what the real images hold. Sizes are in MB, vulnerabilities are
critical, high, medium and low.
`
