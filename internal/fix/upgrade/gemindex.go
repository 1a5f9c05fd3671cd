package upgrade

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// gemsIndex is where RubyGems.org says what it has, in the compact form.
const gemsIndex = "https://index.rubygems.org/"

// RubyGems asks the compact index at the address, or that of RubyGems.org.
func RubyGems(h plan.HTTP) plan.Index {
	return &rubyGems{base: strings.TrimRight(cmp.Or(h.Base, gemsIndex), "/") + "/", http: h}
}

type rubyGems struct {
	base string
	http plan.HTTP
}

func (g *rubyGems) Serves(remote string) bool {
	switch strings.TrimRight(remote, "/") {
	case "https://rubygems.org", "http://rubygems.org", "https://index.rubygems.org":
		return true
	}
	return g.http.Base != "" && strings.TrimRight(remote, "/")+"/" == g.base
}

func (g *rubyGems) Releases(ctx context.Context, name string) ([]plan.Release, error) {
	if !gemName(name) {
		return nil, fmt.Errorf("%.80q is no name of a gem", name)
	}
	small := g.http
	small.Limit = cmp.Or(small.Limit, 16<<20)
	body, err := small.Get(ctx, g.base+"info/"+name, "")
	if err != nil {
		return nil, err
	}
	out, err := parseGems(body)
	if err != nil {
		return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
	}
	return out, nil
}

func gemName(s string) bool {
	return s != "" && len(s) <= 128 && s[0] != '.' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r != '-' && r != '_' && r != '.'
	})
}

// parseGems reads what the compact index says of a gem: a build a line,
// "1.2.3-java rack:>= 1&< 3,rake:>= 0|checksum:…,ruby:>= 2.7".
func parseGems(body []byte) ([]plan.Release, error) {
	var out []plan.Release
	for line := range bytes.Lines(body) {
		text := strings.TrimSpace(string(line))
		if text == "" || text == "---" {
			continue
		}
		what, rest, ok := strings.Cut(text, " ")
		deps, more, piped := strings.Cut(rest, "|")
		if !ok || !piped {
			return nil, errors.New("not a line of the compact index")
		}
		var r plan.Release
		if r.Version, r.Platform, _ = strings.Cut(what, "-"); !gemVersion(r.Version) || r.Platform != "" && !gemName(r.Platform) {
			continue
		}
		for d := range strings.SplitSeq(strings.TrimSpace(deps), ",") {
			name, reqs, _ := strings.Cut(d, ":")
			if name == "" {
				continue
			}
			n := plan.Need{Name: name, Spec: gemLocked(strings.Split(reqs, "&"))}
			if !gemName(name) || !gemSpec(n.Spec) {
				return nil, fmt.Errorf("%.80q is no dependency", d)
			}
			r.Needs = append(r.Needs, n)
		}
		for m := range strings.SplitSeq(more, ",") {
			switch key, value, _ := strings.Cut(m, ":"); key {
			case "checksum":
				r.Hash = value
			case "ruby":
				r.Runtime = strings.ReplaceAll(value, "&", ", ")
			}
		}
		if sum, err := hex.DecodeString(r.Hash); err != nil || len(sum) != 32 {
			r.Hash = "" // the oldest have none
		}
		out = append(out, r)
	}
	return out, nil
}

// gemSpec reports whether a text is a requirement as a lock writes it.
func gemSpec(spec string) bool {
	return spec == "" || !slices.ContainsFunc(clauses(spec), func(c clause) bool { return !c.gemClause() })
}

// gemLocked is a requirement as Gemfile.lock writes it; "": any version.
func gemLocked(reqs []string) string {
	var out []string
	for _, r := range reqs {
		cs := clauses(r)
		c := cs[0]
		if c.version == "" || c.op == ">=" && c.version == "0" && len(reqs) == 1 {
			continue
		}
		out = append(out, cmp.Or(c.op, "=")+" "+c.version)
	}
	slices.Sort(out)
	slices.Reverse(out)
	return strings.Join(out, ", ")
}
