package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// rounds bounds how often a candidate that is itself vulnerable is raised
// further.
const rounds = 12

// ecosystem is whose rules compare the versions of a purl type.
func ecosystem(typ string) string {
	switch typ {
	case "npm":
		return "npm"
	case "golang":
		return "Go"
	case "pypi":
		return "PyPI"
	case "maven":
		return "Maven"
	case "cargo":
		return "crates.io"
	case "gem":
		return "RubyGems"
	case "composer":
		return "Packagist"
	case "nuget":
		return "NuGet"
	case "deb":
		return "Debian"
	case "apk":
		return "Alpine"
	case "rpm":
		return "Red Hat"
	}
	return ""
}

// target finds the version that w is raised to: the highest that its findings
// ask for, and further while advisories say that this one has a fixed
// vulnerability too.
func (p *Planner) target(ctx context.Context, w *Want) error {
	eco := ecosystem(w.Type)
	if eco == "" {
		return fmt.Errorf("versions of %s packages are not raised by an edit", w.Type)
	}
	to := ""
	for _, i := range w.Found {
		fixed := p.Found[i].Vuln.FixedIn
		if to == "" {
			to = fixed
			continue
		}
		c, err := vuln.Compare(eco, fixed, to)
		if err != nil {
			return fmt.Errorf("fixed versions %.80q and %.80q: %w", fixed, to, err)
		}
		if c > 0 {
			to = fixed
		}
	}
	if !Plausible(to) {
		return fmt.Errorf("%.80q is no version to write into a file", to)
	}
	w.To = to
	c, err := vuln.Compare(eco, to, w.From)
	if err != nil {
		return fmt.Errorf("%.80q and %.80q: %w", w.From, to, err)
	}
	if c <= 0 {
		return errors.New("the fixed version is not newer than the one there is")
	}
	if p.Dir.Advisories == nil || IsDistro(w.Type) {
		return nil
	}
	for range rounds {
		next, err := p.Further(ctx, w.Package)
		if err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		w.To = next
	}
	return fmt.Errorf("no version without a known vulnerability within %d steps after %s", rounds, to)
}

// Further is the version that the step's own target would have to be raised to;
// "" if it has nothing that is fixed.
func (p *Planner) Further(ctx context.Context, s Package) (string, error) {
	q := sbom.Package{Type: s.Type, Name: s.Name, Version: s.To, LayerIndex: -1}
	sep := "/"
	if s.Type == "maven" {
		sep = ":"
	}
	if i := strings.LastIndex(s.Name, sep); i >= 0 {
		q.Namespace, q.Name = s.Name[:i], s.Name[i+1:]
	}
	found, _, err := vuln.Match(ctx, &sbom.Inventory{Packages: []sbom.Package{q}}, p.Dir.Advisories, vuln.Options{})
	if err != nil {
		return "", fmt.Errorf("advisories of %s %s: %w", s.Name, s.To, err)
	}
	next, most := "", s.To
	for _, f := range found {
		if f.Vuln == nil || f.Suppressed != nil || f.Vuln.FixedIn == "" || !Plausible(f.Vuln.FixedIn) {
			continue
		}
		if c, err := vuln.Compare(ecosystem(s.Type), f.Vuln.FixedIn, most); err == nil && c > 0 {
			next, most = f.Vuln.FixedIn, f.Vuln.FixedIn
		}
	}
	return next, nil
}

// Plausible reports whether v can be written into a manifest of any format
// without changing the text around it.
func Plausible(v string) bool {
	if v == "" || len(v) > 128 {
		return false
	}
	for i := range len(v) {
		c := v[i]
		if c-'0' > 9 && c|0x20-'a' > 25 && !strings.ContainsRune(".-+~_:!^", rune(c)) {
			return false
		}
	}
	return true
}

// Step says how large the way between two versions is by their numbers.
func Step(from, to string) finding.Safety {
	if Compatible(from, to) {
		return finding.Behaviour
	}
	return finding.NeedsReview
}

// Compatible reports whether both have the same numbers up to the first that is
// not zero: where ecosystems promise compatibility.
func Compatible(from, to string) bool {
	a, b := Numbers(from), Numbers(to)
	for i := range a {
		if a[i] != b[i] {
			return false
		}
		if a[i] != "0" {
			return true
		}
	}
	return true
}

// Numbers are the first three numbers of a version.
func Numbers(v string) [3]string {
	v = strings.TrimLeft(v, "vV=")
	if _, rest, ok := strings.Cut(v, "!"); ok {
		v = rest
	}
	out := [3]string{"0", "0", "0"}
	for i := range out {
		n := 0
		for n < len(v) && v[n]-'0' <= 9 {
			n++
		}
		if n == 0 {
			break
		}
		if s := strings.TrimLeft(v[:n], "0"); s != "" {
			out[i] = s
		}
		if n == len(v) || v[n] != '.' {
			break
		}
		v = v[n+1:]
	}
	return out
}

// CompareBy compares versions by an ecosystem's rules; what cannot be compared
// is the same.
func CompareBy(ecosystem, a, b string) int {
	c, err := vuln.Compare(ecosystem, a, b)
	if err != nil {
		return 0
	}
	return c
}

// DigitsOnly reports whether a text is a number.
func DigitsOnly(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != "" && len(s) < 20
}

// Increment is the number after n, of any length.
func Increment(n string) string {
	b := []byte(n)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

// Padded is a version with at least n numbers.
func Padded(v string, n int) string {
	for strings.Count(v, ".")+1 < n && DigitsOnly(strings.ReplaceAll(v, ".", "")) {
		v += ".0"
	}
	return v
}
