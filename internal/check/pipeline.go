package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/secret"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// Pipeline looks at targets: where, and by whose policy.
type Pipeline struct {
	Surroundings
	Policy
}

// Ask says what is wanted of a target beside its inventory.
type Ask struct {
	Vulnerabilities bool
	Inventory       bool       // the target's own inventory and nothing beside it: of a folder, its lock files
	Rules           bool       // image rules, base rules
	Grades          bool       // the card
	Layers          bool       // the layers themselves: what each holds and wastes
	Observed        []string   // files of observations, which tell what packages were in use
	Dockerfile      string     // of an image, joins its layers to lines; empty: not known
	Policy          Admit      // decides whether images may start; nil: there is no policy
	Standards       *Standards // policies to hold it to, and judge its health by; nil: none
	Vouch           Vouch      // whose attestations count; nil: those of signers of pinned repositories
	Aside           bool       // not of the user's own accord: [Pipeline.Explain] does not speak of it
}

// Admit is what a policy says of an image, by what was found of it.
type Admit func(ctx context.Context, t *Target, found []finding.Finding, unknown []finding.Unknown) admission.Decision

// Vouch says whose attestations of a kind count for the images of a repository.
type Vouch func(repository, kind string) Voucher

// Run looks at one target. An error means that the target could not be looked
// at; what could not be told about it is in the result.
func (p *Pipeline) Run(ctx context.Context, target string, ask Ask) (*Result, error) {
	seen, err := readWatched(ask.Observed)
	if err != nil {
		return nil, err
	}
	r := newRun(p, ask)
	r.watched.all = seen
	if err := r.look(ctx, target); err != nil {
		return nil, errors.Join(err, r.finish())
	}
	bases := smaller{Surroundings: &p.Surroundings, now: r.Now(), arch: r.Platform}
	if ask.Vulnerabilities {
		stack, bad := feed.Open(r.DataDir, disk.Caller(r.Getenv))
		defer func() { _ = stack.Close() }() // only read from
		bases.stack = stack
		switch err = bad; {
		case err != nil:
		case p.Service == nil:
			err = r.match(ctx, stack)
		case ask.Rules:
			err = r.send(ctx)
		}
	}
	if err := errors.Join(err, r.finish()); err != nil {
		return nil, err
	}
	unmatched := slices.Clone(r.res.Unknown)
	r.watched.mark(r.res)
	r.res.Unknown = append(r.res.Unknown, r.watched.unfit()...)
	bases.sources = r.res.Sources
	signed := signatures{Surroundings: &p.Surroundings, opt: p.ImageOptions(r.warn)}
	least := privileges{p: p, opt: signed.opt, file: ask.Dockerfile}
	if ask.Grades {
		if err := errors.Join(r.each(ctx, bases.look), r.each(ctx, signed.look), r.each(ctx, least.look)); err != nil {
			return nil, err
		}
	}
	if err := r.policy.suppress(r.res, r.Now()); err != nil {
		return nil, err
	}
	r.admit(ctx)
	r.health(ctx, unmatched, &least)
	r.filter()
	r.refuse(&signed)
	r.res.Unknown = append(r.res.Unknown, finding.Omitted(r.res.Findings)...)
	if ask.Grades {
		r.unshipped()
	}
	sorting.By(r.res.Findings, finding.Compare)
	if ask.Grades {
		r.res.Card = card(r.res, &bases, &signed, &least)
	}
	if ask.Vulnerabilities && !ask.Aside {
		keepLast(r.Surroundings, r.res)
	}
	return r.res, nil
}

// filter leaves out what is not wanted, and tells of which findings that could
// not be said.
func (r *run) filter() {
	oneSecret(r.res)
	r.res.Findings, r.res.Undecided = r.policy.Filter.Apply(r.res.Findings)
	for _, u := range r.res.Undecided {
		r.warn(u.String())
	}
}

// Found is what an engine found of one target. Whose it is, the run says.
type Found struct {
	Findings []finding.Finding
	Unknown  []finding.Unknown
	Covered  []vuln.Covered // by the advisory data, of its ecosystems
	Warnings []string
}

// An engine looks at one target that was taken in. It knows nothing of the run:
// all that it finds is in what it returns.
type engine func(ctx context.Context, t *Target) (Found, error)

// run is one target being looked at: it finds out what the target is, hands it to
// the engines, and keeps what they found.
type run struct {
	*Surroundings
	policy  Policy // and what the folder's own configuration adds to it
	ask     Ask
	res     *Result
	linter  *linter
	watched watched
	beside  []func() error // takes in what goes on beside matching

	composed map[string]bool        // compose files whose build arguments are known
	given    map[string][]givenArgs // to Dockerfiles, by their absolute path

	mu sync.Mutex // of the warnings: a damaged cache record is met beside
}

func newRun(p *Pipeline, ask Ask) *run {
	r := &run{Surroundings: &p.Surroundings, policy: p.Policy, ask: ask, res: &Result{}}
	r.linter = newLinter(p, r.warn)
	r.beside = append(r.beside, r.linter.close)
	return r
}

// finish takes in what went on beside.
func (r *run) finish() error {
	var errs []error
	for _, f := range r.beside {
		errs = append(errs, f())
	}
	r.beside = nil
	return errors.Join(errs...)
}

func (r *run) warn(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.res.Warnings = append(r.res.Warnings, message)
}

// each has an engine look at every target.
func (r *run) each(ctx context.Context, look engine) error {
	for i := range r.res.Targets {
		t := &r.res.Targets[i]
		found, err := look(ctx, t)
		if err != nil {
			return err
		}
		r.take(t.Subject, found)
	}
	return nil
}

// look finds out what the target is and takes it in.
func (r *run) look(ctx context.Context, target string) error {
	if r.Service != nil && r.ask.Vulnerabilities && !r.ask.Rules {
		return r.kept(ctx, target)
	}
	switch what := Resolve(target); what.Kind {
	case Document:
		return r.document(what.Path)
	case Compose:
		return r.compose(ctx, what.Path)
	case File:
		return r.file(ctx, what.Path)
	case Folder:
		err := r.folder(ctx, what.Path, what.Said)
		if none := (*EmptyError)(nil); what.Said && errors.As(err, &none) {
			return r.image(ctx, target) // programs alone, perhaps
		}
		return err
	case Dockerfile:
		return r.dockerfile(ctx, target)
	}
	return r.image(ctx, target)
}

// add takes a target in with what is known of it at once.
func (r *run) add(t Target, found Found) {
	r.res.Subjects = append(r.res.Subjects, t.Subject)
	r.res.Targets = append(r.res.Targets, t)
	if t.Inventory != nil && r.policy.OmitDev {
		if n := t.Inventory.OmitDev(); n > 0 {
			found.Warnings = append(found.Warnings, t.Subject.Name+": "+omitted(n))
		}
	}
	if t.Inventory != nil {
		found.Unknown = append(found.Unknown, t.Inventory.Unknown...)
	}
	if t.From != nil {
		found.beyond()
	}
	for _, s := range t.supports() {
		aging, _, _ := s.Aging(r.Now())
		r.res.Support = append(r.res.Support, Support{t.Subject, s, s.Ended(r.Now()), aging})
	}
	r.take(t.Subject, found)
}

// supports lists how long what a target stands on is supported, each release once:
// by what it holds, and by the tag of an image that a file names.
func (t *Target) supports() []base.Support {
	all := base.Supports(t.Inventory)
	if t.From == nil || t.Base == nil {
		return all
	}
	for _, s := range base.SupportsOf(t.Base.Ref) {
		if !slices.ContainsFunc(all, func(x base.Support) bool { return x.Product == s.Product && x.Cycle == s.Cycle }) {
			all = append(all, s)
		}
	}
	return all
}

// beyond marks what is not known of an image that a file only names: the file
// was asked about, and it was read.
func (f *Found) beyond() {
	f.Unknown = slices.Clone(f.Unknown)
	for i := range f.Unknown {
		f.Unknown[i].Beyond = true
	}
}

// omitted says how many packages --omit left out.
func omitted(n int) string {
	if n == 1 {
		return "1 development dependency is left out (--omit dev)"
	}
	return fmt.Sprintf("%d development dependencies are left out (--omit dev)", n)
}

// take files what an engine found under its subject.
func (r *run) take(s finding.Subject, found Found) {
	for _, f := range found.Findings {
		f.Subject = s
		f.Message = secret.Redact(f.Message)
		r.res.Findings = append(r.res.Findings, f)
	}
	for _, u := range found.Unknown {
		u.Subject = s
		r.res.Unknown = append(r.res.Unknown, u)
	}
	for _, c := range found.Covered {
		r.res.Coverage = append(r.res.Coverage, Coverage{s, c})
	}
	for _, w := range found.Warnings {
		r.warn(w)
	}
}

// document reads an SBOM, from a file or standard input.
func (r *run) document(path string) error {
	in, name := r.Stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		in, name = f, path
	}
	inv, err := sbom.Decode(in, name)
	if err != nil {
		return err
	}
	s := finding.Subject{Kind: finding.KindSBOM, Name: name}
	if inv.Subject.Name != "" {
		s = inv.Subject
	}
	inv.Subject = s
	r.add(Target{Subject: s, Inventory: inv}, Found{Findings: r.ask.aged(inv, r.Now())})
	return nil
}

// aged is what of an inventory is out of support, where rules are asked for.
func (a Ask) aged(inv *sbom.Inventory, now time.Time) []finding.Finding {
	if !a.Rules {
		return nil
	}
	return base.Aged(inv, now)
}
