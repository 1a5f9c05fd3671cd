package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// admits asks a policy about images that were scanned already: by what the scan found, and
// else by what registries say.
func (f *flags) admits(p *admission.Policy) check.Admit {
	return func(ctx context.Context, t *check.Target, found []finding.Finding, unknown []finding.Unknown) admission.Decision {
		v := f.verifier()
		v.Scan = func(context.Context, admission.Subject) ([]admission.Vulnerability, error) {
			return vulnerabilitiesIn(found), firstOf(unknown)
		}
		v.Base = func(context.Context, admission.Subject) ([]admission.Base, error) {
			return t.Bases(), firstOf(unknown)
		}
		s := subjectOf(t.Image)
		return p.Rule(s.Name.Repository).Decide(ctx, s, v, f.env.Now())
	}
}

// vouchers are those whose attestations a policy takes.
func vouchers(p *admission.Policy) check.Vouch {
	return func(repository, kind string) (v check.Voucher) {
		v.Root, v.Signers = p.Voucher(repository, kind)
		return v
	}
}

// subjectOf is an image as a policy is asked about it: by the digest that a registry, an
// Engine or an archive has it by.
func subjectOf(im *image.Image) admission.Subject {
	s := admission.Subject{Local: im.Kind != "registry"}
	for _, ref := range append([]string{im.Name}, im.Tags...) {
		if n, err := image.ParseName(ref); err == nil && !im.ByID() && (n.Tag != "" || n.Digest != "") {
			s.Name = n
			break
		}
	}
	for _, d := range []finding.Digest{im.Top, im.Digest} {
		if d != "" && d != im.ID {
			s.Hints = append(s.Hints, d)
		}
	}
	switch {
	case !s.Local && len(s.Hints) > 0:
		s.Digest = s.Hints[0]
	case im.EngineID != "" && im.EngineID != im.ID:
		s.Digest = im.EngineID
	default:
		s.Digest, s.Config = im.ID, true
	}
	return s
}

// standards are the policies of a file that images keep to, with what registries tell.
func (f *flags) standards(p *admission.Policy, env string) *check.Standards {
	if len(p.Policies) == 0 {
		return nil
	}
	return &check.Standards{List: p.Policies, Env: env, Tell: func(ctx context.Context, t *check.Target, k *admission.Known) {
		if t.Image == nil {
			why := "only its packages are known, and not the image"
			k.Signed.Why, k.Attested.Why, k.Newer.Why = why, why, why
			return
		}
		s, v := subjectOf(t.Image), f.verifier()
		if s.Name.Repository != "" {
			k.Repository = s.Name.Repository
		}
		if admission.Ask(p.Policies, admission.AsksSignatures) {
			k.Signed = p.Signed(ctx, s, v, k.Now)
		}
		if admission.Ask(p.Policies, admission.AsksAttestations) {
			k.Attested = p.Attested(ctx, s, v, k.Now, admission.AttestationTypes(p.Policies))
		}
		if admission.Ask(p.Policies, admission.AsksBase) {
			k.Newer = f.newer(ctx, t)
		}
	}}
}

// newer asks the registry of an image's base whether its tag means another image now.
func (f *flags) newer(ctx context.Context, t *check.Target) admission.Fact[string] {
	if len(t.Bases()) == 0 {
		return admission.Fact[string]{Why: "what it stands on is not known"}
	}
	if f.offline {
		return admission.Fact[string]{Why: "--offline: the registry of its base is not asked"}
	}
	opt := f.images()
	opt.Platform = t.Image.Platform
	now, err := image.Open(ctx, "registry://"+t.Base.Ref, opt)
	if err != nil {
		return admission.Fact[string]{Why: t.Base.Ref + ": " + err.Error()}
	}
	defer now.Close() //nolint:errcheck // read only
	same := len(now.Layers) > 0 && len(now.Layers) <= len(t.Image.Layers)
	for i := range now.Layers {
		same = same && now.Layers[i].DiffID == t.Image.Layers[i].DiffID
	}
	if !same {
		return admission.Is("its base " + t.Base.Ref + " means a newer image now")
	}
	return admission.Fact[string]{Known: true}
}

// judgePolicy turns what the policy says into an exit code, as the gate does: 2 where it
// refuses an image or one violates a policy, 1 where that is not known.
func (f *flags) judgePolicy(res *check.Result) error {
	if len(res.Decisions)+len(res.Health) == 0 {
		return usageError{errors.New("--policy judges images, and there is none here"), "drydock gate check holds a compose file to it"}
	}
	code := 0
	not := func(bad bool, format string, args ...any) {
		if code = max(code, 1); bad {
			code = 2
		}
		if !f.quiet {
			fmt.Fprintf(f.env.Stderr, "policy: %s\n", foreign(fmt.Sprintf(format, args...)))
		}
	}
	for _, d := range res.Decisions {
		if d.Verdict != admission.Allowed {
			not(d.Verdict == admission.Refused, "%s by rule %s: %s", d.Verdict, d.Rule, d.Reason)
		}
	}
	for _, h := range res.Health {
		for _, r := range h.Results {
			switch r.Outcome {
			case admission.Violates:
				not(true, "violated: %s: %s", r.Title, r.Reason)
			case admission.NotKnown:
				not(false, "unknown: %s: %s", r.Title, r.Reason)
			}
		}
	}
	if code == 0 {
		return nil
	}
	return exitError(code)
}
