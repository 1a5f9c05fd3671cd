package admission

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
)

// Schema names the form of a policy.
const Schema = "drydock/policy/v1"

// Limits of a policy.
const (
	// MaxBytes limits the bytes of an image policy.
	MaxBytes = 1 << 20
	maxRules = 1000
)

// Policy says which images may start on an Engine.
type Policy struct {
	Schema     string      `yaml:"schema"`
	Default    Default     `yaml:"default"`
	Builds     Builds      `yaml:"builds,omitempty"`
	Allow      []string    `yaml:"allow,omitempty"`
	Rules      []Rule      `yaml:"rules,omitempty"`
	Exceptions []Exception `yaml:"exceptions,omitempty"`
	Policies   []Standard  `yaml:"policies,omitempty"`

	Digest finding.Digest `yaml:"-"` // of its bytes and of the files that it names
}

// Default is what holds for an image that no rule matches.
type Default string

// The defaults. One of them has to be said.
const (
	Deny  Default = "deny"
	Allow Default = "allow"
)

// Builds reports whether images that were made on the machine itself may start.
type Builds string

// The answers.
const (
	BuildsDeny     Builds = "deny"
	BuildsAllow    Builds = "allow"
	BuildsAttested Builds = "only-attested"
)

// Rule is what images of some repositories are held to. All that it says has to hold.
type Rule struct {
	Name            string           `yaml:"name"`
	Images          []string         `yaml:"images"`
	Deny            string           `yaml:"deny,omitempty"`
	Trust           []Trust          `yaml:"trust,omitempty"`
	Freshness       Freshness        `yaml:"freshness,omitempty"`
	Attestations    []Attestation    `yaml:"attestations,omitempty"`
	Bases           *Bases           `yaml:"bases,omitempty"`
	Vulnerabilities map[string]Grace `yaml:"vulnerabilities,omitempty"`
	LeastPrivilege  *LeastPrivilege  `yaml:"least-privilege,omitempty"`
	Allow           []string         `yaml:"allow,omitempty"`
	Builds          Builds           `yaml:"builds,omitempty"`

	policy *Policy
	plain  bool // it stands for the default
}

// Trust is who must have signed an image: signers under a root, or in another scheme keys,
// identities, certificates.
type Trust struct {
	Roots       []string          `yaml:"roots,omitempty"`
	Keys        []string          `yaml:"keys,omitempty"`
	SigTags     bool              `yaml:"sig-tags,omitempty"` // cosign's older signatures of the keys count, too
	Identities  []scheme.Identity `yaml:"identities,omitempty"`
	TrustedRoot string            `yaml:"trusted-root,omitempty"` // that certificates of the identities are verified against
	Notation    *Notation         `yaml:"notation,omitempty"`
	Signers     []string          `yaml:"signers,omitempty"`
	Threshold   int               `yaml:"threshold,omitempty"`

	roots map[string][]byte // by repository
	who   scheme.Who        // where there are none
}

// Notation is whose signatures in Notation's form count.
type Notation struct {
	Certificates []string `yaml:"certificates"`
	Timestamps   []string `yaml:"timestamps,omitempty"`
	Subjects     []string `yaml:"subjects,omitempty"`
	CRLs         []string `yaml:"crls,omitempty"` // lists of what was revoked
}

// Freshness is for how long what was verified counts while the registry cannot be asked.
type Freshness struct {
	Warn    Age `yaml:"warn,omitempty"`
	Refuse  Age `yaml:"refuse,omitempty"`
	Recheck Age `yaml:"recheck,omitempty"`
}

// Attestation is one that must be signed.
type Attestation struct {
	Type    string   `yaml:"type"`
	Signers []string `yaml:"signers,omitempty"`
}

// Bases are the bases that an image may stand on.
type Bases struct {
	Images     []string `yaml:"images,omitempty"`
	Publishers []string `yaml:"publishers,omitempty"`
}

// Grace is for how long a vulnerability of a severity is accepted.
type Grace struct {
	After   Age  `yaml:"after"`
	Unfixed bool `yaml:"unfixed,omitempty"`
}

// LeastPrivilege is what a container must give up.
type LeastPrivilege struct {
	NonRoot         bool     `yaml:"non-root,omitempty"`
	ReadOnly        bool     `yaml:"read-only,omitempty"`
	NoNewPrivileges bool     `yaml:"no-new-privileges,omitempty"`
	DropAll         bool     `yaml:"drop-all,omitempty"`
	Capabilities    []string `yaml:"capabilities,omitempty"`
	Seccomp         bool     `yaml:"seccomp,omitempty"`
	Memory          bool     `yaml:"memory,omitempty"`
	Processes       bool     `yaml:"processes,omitempty"`
}

// Exception lifts requirements of a rule for an image, for a reason and until a day.
type Exception struct {
	Image  string   `yaml:"image"`
	Except []string `yaml:"except"`
	Reason string   `yaml:"reason"`
	Until  Day      `yaml:"until"`
}

// Age is a length of time: 36h, 14d, 2w.
type Age time.Duration

// UnmarshalYAML implements yaml.Unmarshaler.
func (a *Age) UnmarshalYAML(n *yaml.Node) error {
	d, err := policy.ParseAge(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %q is not an age such as 14d or 36h", n.Line, n.Value)
	}
	*a = Age(d)
	return nil
}

// UnmarshalYAML takes the age alone, too: "high: 14d".
func (g *Grace) UnmarshalYAML(n *yaml.Node) error {
	type long Grace
	if n.Kind == yaml.ScalarNode {
		return g.After.UnmarshalYAML(n)
	}
	if err := knownKeys(n, "after", "unfixed"); err != nil {
		return err
	}
	return n.Decode((*long)(g))
}

// knownKeys refuses others: a decoder of a part does not know that the whole is strict.
func knownKeys(n *yaml.Node, known ...string) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected keys with values", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(known, n.Content[i].Value) {
			return fmt.Errorf("line %d: unknown key %q (one of %s)", n.Content[i].Line, n.Content[i].Value, strings.Join(known, ", "))
		}
	}
	return nil
}

// Day is the last day on which something holds.
type Day struct{ End time.Time }

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Day) UnmarshalYAML(n *yaml.Node) error {
	t, err := time.Parse(time.DateOnly, n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is not a date such as 2027-06-30", n.Line, n.Value)
	}
	d.End = t.AddDate(0, 0, 1)
	return nil
}

// Files reads a file that a policy names, relative to the policy.
type Files func(name string) ([]byte, error)

// Parse reads a policy. A key that it does not know, a value that makes no sense, and a
// root or key that cannot be read are errors: a requirement that was misspelt must not be
// silence.
func Parse(name string, b []byte, files Files) (*Policy, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%s has more than %d KiB", name, MaxBytes>>10)
	}
	if err := plainYAML(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &Policy{}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(p); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty: a policy says at least its schema and its default", name)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a policy is one YAML document", name)
	}
	all := finding.DigestOf(b)
	if err := p.complete(func(file string) ([]byte, error) {
		if files == nil {
			return nil, errors.New("no files can be read here")
		}
		c, err := files(file)
		all = finding.DigestOf([]byte(string(all) + string(finding.DigestOf(c))))
		return c, err
	}); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.Digest = all
	return p, nil
}

// plainYAML refuses aliases and merges: no policy needs them, and they multiply.
func plainYAML(b []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return err
	}
	todo := []*yaml.Node{&doc}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], n.Content...)
		if n.Kind == yaml.AliasNode || n.Anchor != "" {
			return fmt.Errorf("line %d: a policy has no anchors and aliases", n.Line)
		}
	}
	return nil
}

func (p *Policy) complete(read Files) error {
	switch {
	case p.Schema != Schema:
		return fmt.Errorf("schema: it is %q, and not %s", p.Schema, Schema)
	case p.Default != Deny && p.Default != Allow:
		return errors.New("default: say deny or allow: what holds for an image that no rule matches")
	case len(p.Rules) > maxRules:
		return fmt.Errorf("rules: more than %d", maxRules)
	}
	if err := p.Builds.check(); err != nil {
		return err
	}
	if err := checkAllowed(p.Allow, true); err != nil {
		return err
	}
	seen := map[string]bool{defaultRule: true}
	for i := range p.Rules {
		r := &p.Rules[i]
		r.policy = p
		if r.Name == "" || seen[r.Name] {
			return fmt.Errorf("rules: rule %d needs a name of its own", i+1)
		}
		seen[r.Name] = true
		if err := r.complete(read); err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
	}
	for i, e := range p.Exceptions {
		if err := e.check(); err != nil {
			return fmt.Errorf("exception %d: %w", i+1, err)
		}
	}
	return completeStandards(p.Policies)
}

func (b Builds) check() error {
	if b != "" && b != BuildsAllow && b != BuildsDeny && b != BuildsAttested {
		return fmt.Errorf("builds: %q is none of allow, deny, only-attested", b)
	}
	return nil
}

func (r *Rule) complete(read Files) error {
	if len(r.Images) == 0 {
		return errors.New("images: name the repositories that it is for")
	}
	for _, pattern := range r.Images {
		if err := checkPattern(pattern); err != nil {
			return fmt.Errorf("images: %w", err)
		}
	}
	if err := errors.Join(r.Builds.check(), checkAllowed(r.Allow, false)); err != nil {
		return err
	}
	if f := r.Freshness; f.Warn < 0 || f.Refuse != 0 && f.Refuse < f.Warn {
		return errors.New("freshness: refuse comes after warn")
	}
	for i := range r.Trust {
		if err := r.Trust[i].complete(read); err != nil {
			return fmt.Errorf("trust: %w", err)
		}
	}
	rooted := slices.ContainsFunc(r.Trust, func(t Trust) bool { return len(t.roots) > 0 })
	if (len(r.Attestations) > 0 || r.Builds == BuildsAttested) && !rooted {
		return errors.New("attestations are named by a repository's metadata: give its root under trust")
	}
	for _, a := range r.Attestations {
		if err := checkAttestation(a.Type); err != nil {
			return fmt.Errorf("attestations: %w", err)
		}
	}
	for s := range r.Vulnerabilities {
		if !slices.Contains([]string{"critical", "high", "medium", "low", "negligible", "unrated"}, s) {
			return fmt.Errorf("vulnerabilities: %q is no severity", s)
		}
	}
	if r.Bases != nil {
		return r.Bases.check()
	}
	return nil
}

func checkAttestation(t string) error {
	if !slices.Contains([]string{"sbom", "scan", "profile", "provenance"}, t) && !strings.Contains(t, "://") {
		return fmt.Errorf("type %q is none of sbom, scan, profile, provenance, or a URI", t)
	}
	return nil
}

func (e Exception) check() error {
	if e.Image == "" || len(e.Except) == 0 {
		return errors.New("name the image, and what it is excepted from")
	}
	if e.Reason == "" || e.Until.End.IsZero() {
		return errors.New("an exception needs a reason and the last day on which it holds (until)")
	}
	for _, what := range e.Except {
		if !slices.Contains(requirements(), what) && !advisoryID().MatchString(what) {
			return fmt.Errorf("except: %q is none of %s, and no id of a vulnerability", what, strings.Join(requirements(), ", "))
		}
	}
	pattern, digest, pinned := strings.Cut(e.Image, "@")
	if pinned && !finding.Digest(digest).IsSHA256() {
		return fmt.Errorf("image: %q is no digest", digest)
	}
	return checkPattern(pattern)
}

// requirements are what an exception can lift.
func requirements() []string {
	return []string{"trust", "attestations", "bases", "vulnerabilities"}
}

// advisoryID is the form of a vulnerability's id: an exception lifts one, too.
func advisoryID() *regexp.Regexp { return regexp.MustCompile(`^[A-Z]{2,}-[0-9A-Za-z.:-]+$`) }

// checkPattern holds a pattern of repositories to be a whole name: one with a
// registry, or one of Docker Hub's.
func checkPattern(pattern string) error {
	if pattern == "" || strings.ContainsAny(pattern, "@ \t\n") {
		return fmt.Errorf("%q is no pattern of repositories", pattern)
	}
	if strings.Count(pattern, "**") > 3 {
		return fmt.Errorf("%q is no pattern of repositories: ** stands there more than three times", pattern)
	}
	first, _, _ := strings.Cut(pattern, "/")
	if strings.ContainsAny(pattern, "*?[\\") && !strings.ContainsAny(first, ".:*?[") && first != "localhost" {
		return fmt.Errorf("%q has no registry: write docker.io/%s", pattern, pattern)
	}
	for _, part := range strings.Split(pattern, "/") {
		if part == "" || strings.Contains(part, "**") && part != "**" {
			return fmt.Errorf("%q is no pattern of repositories: ** stands alone between slashes", pattern)
		}
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("%q is no pattern of repositories", pattern)
		}
	}
	if i := strings.LastIndexByte(pattern, ':'); i > strings.LastIndexByte(pattern, '/') {
		return fmt.Errorf("%q has a tag: rules are for repositories", pattern)
	}
	return nil
}

// Matches reports whether a pattern is for a repository, which is named with its
// registry. "*" stands for anything but a slash, "**" for any number of parts.
func Matches(pattern, repository string) bool {
	if !strings.ContainsAny(pattern, "*?[\\") {
		if n, err := image.ParseName(pattern); err == nil {
			pattern = n.Repository
		}
	}
	return within(strings.Split(pattern, "/"), strings.Split(repository, "/"))
}

func within(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		for i := range len(name) + 1 {
			if within(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	}
	if len(name) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && within(pattern[1:], name[1:])
}

const defaultRule = "default"

// Rule is the first that matches a repository, else one that stands for the default.
// An empty repository is an image without a name.
func (p *Policy) Rule(repository string) *Rule {
	for i := range p.Rules {
		r := &p.Rules[i]
		if repository != "" && slices.ContainsFunc(r.Images, func(pattern string) bool { return Matches(pattern, repository) }) {
			return r
		}
	}
	r := &Rule{Name: defaultRule, policy: p, plain: true}
	if p.Default == Deny {
		r.Deny = "no rule of the policy is for it, and the default is deny"
	}
	return r
}

// Voucher is whose attestations of a kind count for the images of a repository: the root
// that the policy has for it, nil for none, and the signers, none for all of that root's.
func (p *Policy) Voucher(repository, kind string) (root []byte, signers []string) {
	r := p.Rule(repository)
	for _, t := range r.Trust {
		if b := t.roots[repository]; b != nil {
			root, signers = b, t.Signers
		}
	}
	for _, a := range r.Attestations {
		if trust.Predicate(a.Type).Kind() == kind && len(a.Signers) > 0 {
			signers = a.Signers
		}
	}
	return root, signers
}

// BuildsAnything reports whether any image that was made on the machine may start.
func (p *Policy) BuildsAnything() bool {
	if (&Rule{policy: p, plain: true}).BuildsOf() != BuildsDeny {
		return true
	}
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Deny == "" && r.BuildsOf() != BuildsDeny })
}
