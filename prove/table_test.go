package prove_test

import (
	"flag"
	"fmt"
	"os"
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

// table prints all of them, one below the other.
func table(t *testing.T, rows []row) {
	t.Helper()
	lines := []string{""}
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%-24s %-20s %s %s", r.name, r.how(), strings.Join(r.cells(), " | "), r.told()))
	}
	t.Logf("%s\n%d proofs in %s", strings.Join(lines, "\n"), len(rows), total(rows))
}

// document writes docs/proofs.md.
func document(t *testing.T, rows []row) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `# Proofs

Written by %s on %s from the %d cases of [prove/cases](../prove/cases), each run
on a real Docker Engine, in %s together; [prove/README.md](../prove/README.md) says
how. There is no registry where they run: **sizes, packages and vulnerabilities are those of
stand-ins** for the images that the files name, made of Debian's packages, and say
what changes in one case, not what the real images hold. Sizes are in MB,
vulnerabilities are critical, high, medium and low.

| case | what is proved | ends | MB | packages | C H M L | user | |
|---|---|---|---|---|---|---|---|
`, "`make prove`", time.Now().UTC().Format(time.DateOnly), len(rows), total(rows))
	for _, r := range rows {
		fmt.Fprintf(&b, "| [%s](../prove/cases/%s.txtar) | %s | %s | %s | %s |\n", r.name, r.name, r.kind, r.how(), strings.Join(r.cells(), " | "), r.told())
	}
	if err := os.WriteFile("../docs/proofs.md", []byte(b.String()), 0o644); err != nil { //nolint:gosec // a page of the documentation
		t.Fatal(err)
	}
}
