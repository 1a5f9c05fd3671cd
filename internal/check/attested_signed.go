package check

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signedFor is how long what is attested of an image is waited for.
const signedFor = sbomFor

// Voucher is whose word about images of a repository counts.
type Voucher struct {
	Root    []byte   // that their metadata are verified against; nil: the one that is pinned here
	Signers []string // none: all of the repository's
}

// Counts reports whether one of those who signed a statement is among them.
func (v Voucher) Counts(signers []string) bool {
	return len(v.Signers) == 0 || slices.ContainsFunc(signers, func(by string) bool { return slices.Contains(v.Signers, by) })
}

// vouched takes what signers of the image's repository attested of it: the packages of an
// SBOM that the scan does not find, which a build knows and no file in the image tells, and
// the scan that [run.compared] holds against this one. It is asked for images of a registry
// whose root is pinned here, or named by a policy. What nobody signed is told of, and not used.
func (r *run) vouched(ctx context.Context, t *Target) Found {
	if !r.ask.Vulnerabilities && !r.ask.Inventory || t.Inventory == nil || r.DataDir == "" {
		return Found{}
	}
	ctx, stop := context.WithTimeout(ctx, signedFor)
	defer stop()
	s := signatures{Surroundings: r.Surroundings, opt: r.ImageOptions(r.warn)}
	n, pin, err := s.pinned(t.Image)
	if err != nil {
		return Found{} // content trust says so, where it is graded
	}
	if pin == nil {
		if all := names(t.Image); len(all) > 0 {
			n = all[0]
		}
	}
	by := func(kind string) Voucher {
		if r.ask.Vouch == nil {
			return Voucher{}
		}
		return r.ask.Vouch(n.Repository, kind)
	}
	if n.Repository == "" || pin == nil && by("sbom").Root == nil {
		return Found{}
	}
	if t.Image.Kind != "registry" || r.Offline {
		return s.elsewhere(ctx, t, n, pin)
	}
	a := attesting{signatures: &s, t: t, n: n, by: by, scan: r.ask.Vulnerabilities}
	if err := a.take(ctx, pin); err != nil {
		a.found.Warnings = append(a.found.Warnings, "what is attested of "+t.Subject.Name+" is not used: "+err.Error())
	}
	return a.found
}

// elsewhere says that more is known of an image that was not read from its registry, by
// what was seen of it last.
func (s *signatures) elsewhere(ctx context.Context, t *Target, n image.Name, pin *keyring.Pin) (out Found) {
	if pin == nil {
		return out
	}
	v, err := s.view(ctx, n, pin, false)
	if err != nil || judge(v, n, t.Image).Kind != "verified" {
		return out // content trust says so
	}
	st, _ := v.Digest(judge(v, n, t.Image).Digest)
	about := []finding.Digest{st.Digest}
	for _, m := range st.Manifests {
		about = append(about, m.Digest)
	}
	for _, at := range v.Attestations(about...) {
		kind := trust.Predicate(at.Predicate).Kind()
		if kind != "sbom" && kind != "scan" {
			continue
		}
		out.Warnings = append(out.Warnings, fmt.Sprintf("%s signed the %s of %s on %s: only registry://%s reads it",
			strings.Join(at.Signers, ", "), attestedAs(kind), t.Subject.Name, day(at.At), n))
	}
	return out
}

func attestedAs(kind string) string {
	if kind == "sbom" {
		return "SBOM"
	}
	return kind
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// attesting reads what is attested of one image.
type attesting struct {
	*signatures
	t     *Target
	n     image.Name
	by    func(kind string) Voucher
	scan  bool // a scan is looked for, too
	found Found

	session store.Session
	v       *trust.View
}

func (a *attesting) take(ctx context.Context, pin *keyring.Pin) error {
	r, err := store.Open(ctx, a.n.Repository, false, a.opt)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Now = a.Now
	a.session = store.Session{Repository: r, Pins: keyring.Pins{Dir: pinsIn(a.DataDir), User: disk.Caller(a.Getenv)}}
	if pin != nil {
		if a.v, err = a.session.View(ctx); err != nil {
			return err
		}
	}
	if root := a.by("sbom").Root; root != nil {
		if a.v, err = r.View(ctx, trust.State{trust.Root: root}); err != nil {
			return err
		}
	}
	if verdict := judge(a.v, a.n, a.t.Image); verdict.Kind != "verified" {
		return fmt.Errorf("%s: %s", verdict.Kind, verdict.Text())
	}
	about := a.v.Attestations(a.t.Image.Digest)
	if top := a.t.Image.Top; top != "" && top != a.t.Image.Digest {
		about = append(about, a.v.Attestations(top)...)
	}
	sorting.By(about, func(a, b trust.Attested) int { return b.At.Compare(a.At) })
	signed := a.newest(ctx, about, "sbom", a.packages)
	if a.scan {
		a.newest(ctx, about, "scan", a.scanned)
	}
	if !signed && a.t.Image.Attested {
		a.found.Warnings = append(a.found.Warnings, a.t.Subject.Name+" has attestations of its build, and no SBOM that a signer of its repository signed: they are not used")
	}
	return nil
}

// newest hands on the newest statement of a kind. One that was signed and cannot be read
// is an Unknown: what it says would count.
func (a *attesting) newest(ctx context.Context, about []trust.Attested, kind string, use func(trust.Attested, trust.Statement) error) bool {
	voucher := a.by(kind)
	i := slices.IndexFunc(about, func(at trust.Attested) bool {
		return trust.Predicate(at.Predicate).Is(kind) && voucher.Counts(at.Signers)
	})
	if i < 0 {
		return false
	}
	st, err := a.session.ReadAttestation(ctx, a.v, about[i])
	if err == nil {
		err = use(about[i], st)
	}
	if err != nil {
		a.found.Unknown = append(a.found.Unknown, finding.Unknown{
			What: fmt.Sprintf("the %s of %s that %s signed", attestedAs(kind), a.t.Subject.Name, strings.Join(about[i].Signers, ", ")),
			Why:  err.Error(), Beyond: true,
		})
	}
	return true
}

func (a *attesting) packages(at trust.Attested, st trust.Statement) error {
	by := strings.Join(at.Signers, ", ")
	inv, err := sbom.Decode(bytes.NewReader(st.Body), "the SBOM signed by "+by)
	if err != nil {
		return err
	}
	more := addAttested(a.t.Inventory, inv, "SBOM signed by "+by)
	if more > 0 {
		a.t.remembered = "" // what the cache has lacks these
	}
	a.found.Warnings = append(a.found.Warnings, fmt.Sprintf("%s signed an SBOM of %s on %s (%s): %s that the scan does not find %s taken from it",
		by, a.t.Subject.Name, day(at.At), finding.Count(len(inv.Packages), "package"), finding.Count(more, "package"), plural(more, "is", "are")))
	return nil
}

// addAttested adds the packages that only an SBOM has, and says how many there were. Of a
// distribution's packages the image's own database knows better.
func addAttested(to, from *sbom.Inventory, by string) int {
	key := func(p sbom.Package) string {
		return strings.Join([]string{p.Type, p.Namespace, p.Name, p.Version}, "\x00")
	}
	have := map[string]bool{}
	for _, p := range to.Packages {
		have[key(p)] = true
	}
	n := 0
	for _, p := range from.Packages {
		ofDistro := to.Distro != nil && slices.Contains([]string{"deb", "apk", "rpm"}, p.Type)
		if ofDistro || p.Removed || have[key(p)] {
			continue
		}
		have[key(p)] = true
		p.Node, p.Layer, p.LayerIndex, p.InBase, p.Locations, p.Owner, p.Cataloger = 0, "", -1, nil, nil, "", by
		to.Packages = append(to.Packages, p)
		n++
	}
	if n > 0 {
		to.Sort()
	}
	return n
}
