package policy

import (
	"bytes"
	"fmt"
	"time"

	"github.com/BurntSushi/toml"
)

// osvScanner is osv-scanner.toml.
type osvScanner struct {
	IgnoredVulns []struct {
		ID     string    `toml:"id"`
		Until  time.Time `toml:"ignoreUntil"`
		Reason string    `toml:"reason"`
	} `toml:"IgnoredVulns"`
	PackageOverrides []struct {
		Name          string `toml:"name"`
		Version       string `toml:"version"`
		Ecosystem     string `toml:"ecosystem"`
		Group         string `toml:"group"`
		Ignore        bool   `toml:"ignore"`
		Vulnerability struct {
			Ignore bool `toml:"ignore"`
		} `toml:"vulnerability"`
		License map[string]any `toml:"license"`
		Until   time.Time      `toml:"effectiveUntil"`
		Reason  string         `toml:"reason"`
	} `toml:"PackageOverrides"`
}

// parseOSVScanner reads osv-scanner.toml: ignored ids, and packages all of
// whose vulnerabilities are ignored. What overrides licences only is none of
// Drydock's business.
func parseOSVScanner(name string, b []byte) (*Exceptions, error) {
	var doc osvScanner
	meta, err := toml.Decode(string(b), &doc)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	out := &Exceptions{}
	unknown := map[string]bool{}
	for _, k := range meta.Undecoded() {
		if len(k) > 1 && (k[0] == "IgnoredVulns" || k[0] == "PackageOverrides") && !unknown[k.String()] {
			unknown[k.String()] = true
			out.warn(name, 0, "unknown key %q: no entry that has it may be narrowed by it", k.String())
		}
	}
	if len(unknown) > 0 {
		// The library does not say which entry has the key: none is safe.
		return out, nil
	}
	if len(doc.IgnoredVulns)+len(doc.PackageOverrides) > maxEntries {
		return nil, &lineError{name, 0, errLarge}
	}
	from := 0
	for _, v := range doc.IgnoredVulns {
		e := Exception{ID: v.ID, Until: v.Until, Reason: v.Reason, By: "ignore-file", File: name}
		e.Line, from = lineOf(b, from, v.ID)
		if e.empty() {
			out.warn(name, e.Line, "entry left out: it would except everything")
			continue
		}
		out.List = append(out.List, e)
	}
	from = 0
	for _, p := range doc.PackageOverrides {
		if !p.Ignore && !p.Vulnerability.Ignore {
			continue
		}
		e := Exception{Version: p.Version, Until: p.Until, Reason: p.Reason, By: "ignore-file", File: name}
		e.Line, from = lineOf(b, from, p.Name)
		if p.Name != "" {
			e.Packages = []string{p.Name}
		}
		if p.Ecosystem != "" {
			e.Type = ecosystemType(p.Ecosystem)
		}
		switch {
		case p.Group != "":
			out.warn(name, e.Line, "entry left out: its %q %w", "group", errSkip)
		case e.Type == "?":
			out.warn(name, e.Line, "entry left out: its ecosystem %q %w", p.Ecosystem, errSkip)
		case e.empty():
			out.warn(name, e.Line, "entry left out: it would except everything")
		default:
			out.List = append(out.List, e)
		}
	}
	return out, nil
}

// ecosystemType is the purl type of an OSV ecosystem; "?" for one that is not
// known.
func ecosystemType(eco string) string {
	base, _, _ := bytes.Cut([]byte(eco), []byte(":"))
	switch string(base) {
	case "npm":
		return "npm"
	case "PyPI":
		return "pypi"
	case "Go":
		return "golang"
	case "Maven":
		return "maven"
	case "crates.io":
		return "cargo"
	case "Packagist":
		return "composer"
	case "RubyGems":
		return "gem"
	case "NuGet":
		return "nuget"
	case "Debian", "Ubuntu":
		return "deb"
	case "Alpine", "Wolfi", "Chainguard":
		return "apk"
	case "AlmaLinux", "Rocky Linux", "Red Hat":
		return "rpm"
	}
	return "?"
}

// lineOf finds the line on which a quoted value stands, searching on from an
// offset: the library does not keep positions. 0 where it is not found as it
// is written.
func lineOf(b []byte, from int, value string) (line, next int) {
	if value == "" || from >= len(b) {
		return 0, from
	}
	for _, quote := range []string{`"`, `'`} {
		if i := bytes.Index(b[from:], []byte(quote+value+quote)); i >= 0 {
			at := from + i
			return 1 + bytes.Count(b[:at], []byte("\n")), at + len(value)
		}
	}
	return 0, from
}
