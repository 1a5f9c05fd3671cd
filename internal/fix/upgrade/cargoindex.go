package upgrade

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// cratesIndex is where crates.io says what it has (RFC 2789).
const cratesIndex = "https://index.crates.io/"

// Crates asks the sparse index at the address, or that of crates.io.
func Crates(h plan.HTTP) plan.Index {
	return &crates{base: strings.TrimRight(cmp.Or(h.Base, cratesIndex), "/") + "/", http: h}
}

type crates struct {
	base string
	http plan.HTTP
}

func (c *crates) Serves(source string) bool {
	return source == "registry+https://github.com/rust-lang/crates.io-index" || source == "sparse+"+cratesIndex
}

func (c *crates) Releases(ctx context.Context, name string) ([]plan.Release, error) {
	if !crateName(name) {
		return nil, fmt.Errorf("%.80q is no name of a crate", name)
	}
	low := strings.ToLower(name)
	var prefix string
	switch n := len(low); n {
	case 1, 2:
		prefix = fmt.Sprint(n)
	case 3:
		prefix = "3/" + low[:1]
	default:
		prefix = low[:2] + "/" + low[2:4]
	}
	small := c.http
	small.Limit = cmp.Or(small.Limit, 16<<20)
	body, err := small.Get(ctx, c.base+prefix+"/"+low, "")
	if err != nil {
		return nil, err
	}
	out, err := parseCrates(body, name)
	if err != nil {
		return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
	}
	return out, nil
}

func crateName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r != '-' && r != '_'
	})
}

// crateLine is a version in the index.
type crateLine struct {
	Name, Vers, Cksum string
	Yanked            bool
	RustVersion       string `json:"rust_version"`
	Features          map[string][]string
	Features2         map[string][]string
	Deps              []struct {
		Name, Req, Kind, Target, Registry, Package string
		Features                                   []string
		Optional                                   bool
		DefaultFeatures                            bool `json:"default_features"`
	}
}

// parseCrates reads an index file: a version a line.
func parseCrates(body []byte, name string) ([]plan.Release, error) {
	var out []plan.Release
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var w crateLine
		if err := json.Unmarshal(line, &w); err != nil {
			return nil, err
		}
		if sum, err := hex.DecodeString(w.Cksum); w.Name != name || err != nil || len(sum) != 32 || !plan.Plausible(w.Vers) {
			continue
		}
		r := plan.Release{
			Version: w.Vers, Hash: strings.ToLower(w.Cksum), Withdrawn: w.Yanked, Runtime: w.RustVersion,
			Features: map[string][]string{},
		}
		for _, features := range []map[string][]string{w.Features, w.Features2} {
			for k, v := range features {
				r.Features[k] = append(r.Features[k], v...)
			}
		}
		for _, d := range w.Deps {
			if d.Kind == "dev" {
				continue
			}
			slices.Sort(d.Features)
			n := plan.Need{
				Name: cmp.Or(d.Package, d.Name), Spec: d.Req, Optional: d.Optional,
				Tag: fmt.Sprint(d.Features, d.DefaultFeatures, d.Kind == "build", d.Target),
			}
			if n.As = d.Name; d.Registry != "" {
				n.Name = d.Registry + " " + n.Name // of another registry, where nothing is looked up
			}
			r.Needs = append(r.Needs, n)
		}
		out = append(out, r)
	}
	return out, nil
}
