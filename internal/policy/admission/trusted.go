package admission

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// trusted holds the image to every entry of trust, and to the root that is pinned for its
// repository: another scheme alone is no answer where there is one.
func (x *deciding) trusted(ctx context.Context) error {
	entries := x.rule.Trust
	if !slices.ContainsFunc(entries, func(t Trust) bool { return len(t.roots) > 0 }) {
		root, err := x.pinned()
		if err != nil {
			return err
		}
		if root != nil {
			entries = append([]Trust{{roots: map[string][]byte{x.s.Name.Repository: root}, Threshold: 1}}, entries...)
		}
	}
	for _, t := range entries {
		look := x.byScheme
		if len(t.roots) > 0 {
			look = x.byRoot
		}
		if err := look(ctx, t); err != nil {
			return x.built(ctx, err)
		}
	}
	return nil
}

// pinned is the root of the image's repository that another rule names, or that is pinned
// on this machine.
func (x *deciding) pinned() ([]byte, error) {
	for _, r := range x.rule.policy.Rules {
		for _, t := range r.Trust {
			if root := t.roots[x.s.Name.Repository]; root != nil {
				return root, nil
			}
		}
	}
	return x.facts.Pinned(x.s.Name.Repository)
}

// byRoot holds the image to the metadata of its repository.
func (x *deciding) byRoot(ctx context.Context, t Trust) error {
	root := t.roots[x.s.Name.Repository]
	if root == nil {
		return &refusedError{"no-root", "the rule has no root of " + x.s.Name.Repository, "add it to the rule: drydock trust root REPOSITORY -o FILE writes it"}
	}
	seen, err := x.facts.Trust(ctx, x.s.Name.Repository, root, x.rule.Freshness)
	if err != nil {
		return err
	}
	if err := x.fresh(seen); err != nil {
		return err
	}
	x.views = append(x.views, seen.View)
	verdict := x.judge(seen.View)
	if verdict.Kind != "verified" {
		return &refusedError{verdict.Kind, verdict.Text(), x.advice(verdict.Kind)}
	}
	signers := verdict.Signers
	if len(t.Signers) > 0 {
		signers = slices.DeleteFunc(slices.Clone(signers), func(s string) bool { return !slices.Contains(t.Signers, s) })
	}
	if len(signers) < t.Threshold {
		return &refusedError{
			"signers", fmt.Sprintf("%s, and the rule asks for %d of %s", verdict.Text(), t.Threshold, asked(t.Signers)),
			"the others sign it too: drydock trust sign " + x.s.Name.String(),
		}
	}
	x.top = append(x.top, verdict.Digest)
	for _, m := range verdict.Manifests {
		x.top = append(x.top, m.Digest)
	}
	x.d.Requirement, x.d.Reason, x.d.Signers = "trust", verdict.Text(), signers
	return nil
}

func asked(signers []string) string {
	if len(signers) == 0 {
		return "its signers"
	}
	return strings.Join(signers, ", ")
}

// byScheme holds the image to signatures of another scheme than TUF.
func (x *deciding) byScheme(ctx context.Context, t Trust) error {
	all, err := x.facts.Manifests(ctx, x.s)
	if err != nil {
		return err
	}
	most, why := 0, ""
	for _, d := range all {
		found, err := x.facts.Marks(ctx, x.s.Name.Repository, d, t.who)
		if err != nil {
			return err
		}
		if len(found.By) >= t.Threshold {
			x.top = append(x.top, d)
			if x.d.Reason = "signed by " + found.By[0].Name; len(found.By) > 1 {
				x.d.Reason = fmt.Sprintf("signed by %d of the rule's %s", len(found.By), t.who)
			}
			if lacks := found.By[0].Lacks; lacks != "" {
				x.d.Reason += "; " + lacks
			}
			x.d.Requirement = "trust"
			return nil
		}
		if most = max(most, len(found.By)); why == "" && len(found.Why) > 0 {
			why = "; " + found.Why[0].Error()
		}
	}
	return &refusedError{"unsigned", fmt.Sprintf("%d of the rule's %s signed %s, and %d have to%s", most, t.who, x.d.Image, t.Threshold, why), ""}
}
