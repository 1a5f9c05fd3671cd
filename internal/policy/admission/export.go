package admission

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Sources is a policy as a builder needs it: which images a build may stand on. A
// builder asks for no signatures, so that what is signed is listed by its digest.
type Sources struct {
	Default Default
	Rules   []SourceRule // the first that matches a repository decides
	Notes   []string     // what a builder cannot hold an image to: refused
}

// SourceRule is a rule of it.
type SourceRule struct {
	Name     string
	Patterns []string
	All      bool // every image of it; else those of Signed
	Signed   []SignedTag
}

// SignedTag is an image that is signed. Without a tag it is by its digest alone.
type SignedTag struct {
	Repository, Tag string
	Digest          finding.Digest
}

// Sources are the policy's rules with what is signed now. view gives the verified
// metadata of a repository.
func (p *Policy) Sources(view func(repository string, root []byte, f Freshness) (*trust.View, error)) (*Sources, error) {
	out := &Sources{Default: p.Default}
	for i := range p.Rules {
		r := &p.Rules[i]
		s := SourceRule{Name: r.Name, Patterns: r.Images, All: r.Deny == "" && !r.AsksForBytes()}
		out.Rules = append(out.Rules, s)
		if r.Deny != "" || s.All {
			continue
		}
		rooted := len(r.Trust) > 0 && !slices.ContainsFunc(r.Trust, func(t Trust) bool { return len(t.roots) == 0 })
		if !rooted || len(r.Attestations)+len(r.Vulnerabilities) > 0 || r.Bases != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("rule %s asks for more than signatures under a root: a build may stand on none of its images", r.Name))
			continue
		}
		for _, repository := range slices.Sorted(maps.Keys(r.Trust[0].roots)) {
			if p.Rule(repository) != r {
				continue
			}
			signed, err := r.signed(repository, view)
			if err != nil {
				return nil, fmt.Errorf("rule %s: %s: %w", r.Name, repository, err)
			}
			out.Rules[i].Signed = append(out.Rules[i].Signed, signed...)
		}
	}
	return out, nil
}

// signed is what every entry of a rule's trust takes for signed.
func (r *Rule) signed(repository string, view func(string, []byte, Freshness) (*trust.View, error)) ([]SignedTag, error) {
	count := map[SignedTag]int{}
	for _, t := range r.Trust {
		if t.roots[repository] == nil {
			return nil, nil
		}
		v, err := view(repository, t.roots[repository], r.Freshness)
		if err != nil {
			return nil, err
		}
		for _, st := range v.Tags() {
			by := slices.DeleteFunc(slices.Clone(st.Signers), func(s string) bool { return len(t.Signers) > 0 && !slices.Contains(t.Signers, s) })
			if st.Revoked || len(by) < t.Threshold {
				continue
			}
			count[SignedTag{repository, st.Tag, st.Digest}]++
		}
	}
	var out []SignedTag
	for s, n := range count {
		if n == len(r.Trust) {
			out = append(out, s)
		}
	}
	sorting.By(out, func(a, b SignedTag) int {
		return cmp.Or(strings.Compare(a.Tag, b.Tag), strings.Compare(string(a.Digest), string(b.Digest)))
	})
	return out, nil
}

// buildkitRule is a rule of BuildKit's source policy.
type buildkitRule struct {
	Action   string           `json:"action"`
	Selector buildkitSelector `json:"selector"`
	Updates  *buildkitUpdates `json:"updates,omitempty"`
}

type buildkitSelector struct {
	Identifier string `json:"identifier"`
	MatchType  string `json:"match_type"`
}

type buildkitUpdates struct {
	Identifier string `json:"identifier"`
}

// BuildKit is the source policy of BuildKit, as EXPERIMENTAL_BUILDKIT_SOURCE_POLICY takes
// it. There the last rule that matches decides; a tag becomes what is signed for it.
func (s *Sources) BuildKit() ([]byte, error) {
	const scheme = "docker-image://"
	rules := []buildkitRule{}
	if s.Default == Deny {
		rules = append(rules, buildkitRule{Action: "DENY", Selector: buildkitSelector{"^" + scheme, "REGEX"}})
	}
	for _, r := range slices.Backward(s.Rules) {
		for _, pattern := range r.Patterns {
			rule := buildkitRule{Action: "DENY", Selector: buildkitSelector{"^" + scheme + repositories(pattern) + "(:[^/@]+)?(@.*)?$", "REGEX"}}
			if r.All {
				rule.Action = "ALLOW"
			}
			rules = append(rules, rule)
		}
		for _, t := range r.Signed {
			tagged, pinned := scheme+t.Repository+":"+t.Tag, scheme+t.Repository+"@"+string(t.Digest)
			whole := tagged + "@" + string(t.Digest)
			rules = append(
				rules,
				buildkitRule{"CONVERT", buildkitSelector{tagged, "EXACT"}, &buildkitUpdates{whole}},
				buildkitRule{"ALLOW", buildkitSelector{whole, "EXACT"}, nil},
				buildkitRule{"ALLOW", buildkitSelector{pinned, "EXACT"}, nil},
			)
		}
	}
	b, err := json.MarshalIndent(map[string]any{"rules": rules}, "", "  ")
	return append(b, '\n'), err
}

// repositories is a pattern of repositories as a regular expression.
func repositories(pattern string) string {
	if !strings.ContainsAny(pattern, "*?[\\") {
		if n, err := image.ParseName(pattern); err == nil {
			return regexp.QuoteMeta(n.Repository)
		}
	}
	out := ""
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		last := i == len(parts)-1
		switch {
		case part == "**" && last:
			if before, ok := strings.CutSuffix(out, "/"); ok {
				out = before + "(/[^:@]*)?"
			} else { // it is the first, or follows another
				out += "[^@]*?"
			}
			continue
		case part == "**":
			out += "([^@]*/)?"
			continue
		}
		for _, c := range part {
			switch c {
			case '*':
				out += "[^/@]*?"
			case '?':
				out += "[^/@]"
			case '[', ']', '-', '^', '\\':
				out += string(c)
			default:
				out += regexp.QuoteMeta(string(c))
			}
		}
		if !last {
			out += "/"
		}
	}
	return out
}

// Rego is the policy for docker buildx build --policy, and as Dockerfile.rego.
func (s *Sources) Rego() []byte {
	var b strings.Builder
	b.WriteString("# Written by drydock gate export buildx; what is signed is listed by digest.\npackage docker\n\n")
	b.WriteString("default allow := false\n\nallow if not input.image\n\n")
	b.WriteString("rule := [r.name | some r in rules; regex.match(r.repository, input.image.fullRepo)][0]\n\n")
	if s.Default == Allow {
		b.WriteString("allow if {\n\tinput.image\n\tcount([r.name | some r in rules; regex.match(r.repository, input.image.fullRepo)]) == 0\n}\n\n")
	}
	b.WriteString("allow if {\n\tinput.image\n\trule in whole\n}\n\n")
	b.WriteString("allow if {\n\tinput.image.isCanonical\n\tsome s in signed[rule]\n\ts.repository == input.image.fullRepo\n\ts.digest == input.image.checksum\n}\n\n")
	b.WriteString("allow if {\n\tnot input.image.isCanonical\n\tsome s in signed[rule]\n\ts.repository == input.image.fullRepo\n\ts.tag == input.image.tag\n\ts.digest == input.image.checksum\n}\n\n")
	b.WriteString("rules := [\n")
	whole := []string{}
	for _, r := range s.Rules {
		for _, pattern := range r.Patterns {
			fmt.Fprintf(&b, "\t{\"name\": %q, \"repository\": %s},\n", r.Name, quoted("^"+repositories(pattern)+"$"))
		}
		if r.All {
			whole = append(whole, fmt.Sprintf("%q", r.Name))
		}
	}
	fmt.Fprintf(&b, "]\n\nwhole := [%s]\n\nsigned := {\n", strings.Join(whole, ", "))
	for _, r := range s.Rules {
		fmt.Fprintf(&b, "\t%q: [\n", r.Name)
		for _, t := range r.Signed {
			fmt.Fprintf(&b, "\t\t{\"repository\": %q, \"tag\": %q, \"digest\": %q},\n", t.Repository, t.Tag, t.Digest)
		}
		b.WriteString("\t],\n")
	}
	b.WriteString("}\n\ndecision := {\"allow\": allow}\n")
	return []byte(b.String())
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
