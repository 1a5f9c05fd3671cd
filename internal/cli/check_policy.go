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
			return basesIn(t), firstOf(unknown)
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

// judgePolicy turns what the policy says into an exit code, as the gate does: 2 where it
// refuses an image, 1 where it is not known.
func (f *flags) judgePolicy(res *check.Result) error {
	if len(res.Decisions) == 0 {
		return usageError{errors.New("--policy judges images, and there is none here"), "drydock gate check holds a compose file to it"}
	}
	code := 0
	for _, d := range res.Decisions {
		if d.Verdict == admission.Allowed {
			continue
		}
		if code = max(code, 1); d.Verdict == admission.Refused {
			code = 2
		}
		if !f.quiet {
			fmt.Fprintf(f.env.Stderr, "policy: %s\n", foreign(string(d.Verdict)+" by rule "+d.Rule+": "+d.Reason))
		}
	}
	if code == 0 {
		return nil
	}
	return exitError(code)
}
