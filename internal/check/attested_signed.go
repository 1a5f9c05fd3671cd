package check

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signedFor is how long the signed SBOM of an image is waited for.
const signedFor = sbomFor

// vouched adds to an inventory what an SBOM of the image lists beside, where one of the
// repository's signers attested it: what a build knows and no file in the image tells. It
// is asked for images of a registry whose root is pinned here. What nobody signed is told
// of, and not used. The answer is what to say.
func (r *run) vouched(ctx context.Context, t *Target) []string {
	if !r.ask.Vulnerabilities && !r.ask.Inventory || t.Image.Kind != "registry" || t.Inventory == nil || r.DataDir == "" {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, signedFor)
	defer stop()
	s := signatures{Surroundings: r.Surroundings, opt: r.ImageOptions(r.warn)}
	n, pin, err := s.pinned(t.Image)
	if pin == nil || err != nil {
		return nil // content trust says so, where it is graded
	}
	said, err := s.takeSBOM(ctx, t, n)
	if err != nil {
		return []string{"the signed SBOM of " + t.Subject.Name + " is not used: " + err.Error()}
	}
	return said
}

func (s *signatures) takeSBOM(ctx context.Context, t *Target, n image.Name) ([]string, error) {
	r, err := store.Open(ctx, n.Repository, false, s.opt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	r.Now = s.Now
	session := store.Session{Repository: r, Pins: keyring.Pins{Dir: pinsIn(s.DataDir), User: disk.Caller(s.Getenv)}}
	v, err := session.View(ctx)
	if err != nil {
		return nil, err
	}
	if verdict := judge(v, n, t.Image); verdict.Kind != "verified" {
		return nil, fmt.Errorf("%s: %s", verdict.Kind, verdict.Text())
	}
	about := v.Attestations(t.Image.Digest)
	if t.Image.Top != "" && t.Image.Top != t.Image.Digest {
		about = append(about, v.Attestations(t.Image.Top)...)
	}
	slices.SortStableFunc(about, func(a, b trust.Attested) int { return b.At.Compare(a.At) })
	for _, a := range about {
		if !trust.Predicate(a.Predicate).Is("sbom") {
			continue
		}
		st, err := session.ReadAttestation(ctx, v, a)
		if err != nil {
			return nil, err
		}
		by := strings.Join(a.Signers, ", ")
		inv, err := sbom.Decode(bytes.NewReader(st.Body), "the SBOM signed by "+by)
		if err != nil {
			return nil, err
		}
		more := addAttested(t.Inventory, inv, "SBOM signed by "+by)
		if more > 0 {
			t.remembered = "" // what the cache has lacks these
		}
		return []string{fmt.Sprintf("%s signed an SBOM of %s on %s (%s): %s that the scan does not find %s taken from it",
			by, t.Subject.Name, a.At.UTC().Format("2 January 2006"), finding.Count(len(inv.Packages), "package"), finding.Count(more, "package"), isAre(more))}, nil
	}
	if t.Image.Attested {
		return []string{t.Subject.Name + " has attestations of its build, and no SBOM that a signer of its repository signed: they are not used"}, nil
	}
	return nil, nil
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
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
