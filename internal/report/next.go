package report

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/recommend"
	"github.com/drydock-dev/drydock/internal/repair"
)

// step is a command to type next, with what it is for: it does what it says when
// it is typed, as it stands.
func (p *page) step(what, verb string, flags []string, targets ...string) string {
	var own []string
	for _, w := range flags {
		if name, ok := strings.CutPrefix(w, "--"); ok {
			name, _, _ = strings.Cut(name, "=")
			own = append(own, name)
		}
	}
	words := []string{verb}
	for _, w := range p.again(verb, own...) {
		words = append(words, shellWord(clean(w)))
	}
	words = append(words, flags...)
	if len(targets) > 0 && strings.HasPrefix(targets[0], "-") {
		words = append(words, "--")
	}
	for _, t := range targets {
		words = append(words, shellWord(t))
	}
	return what + " → " + strings.Join(words, " ")
}

func (p *page) again(verb string, but ...string) []string {
	if p.opt.Again == nil {
		return nil
	}
	return p.opt.Again(verb, but...)
}

// next is what to type after this, for what was found.
func (p *page) next() []string {
	if p.opt.Quiet {
		return nil
	}
	target := p.opt.Target
	if target == "" && len(p.res.Subjects) > 0 {
		target = p.res.Subjects[0].Name
	}
	piped := target == "-" || strings.HasSuffix(target, "://-") // nobody can read it twice
	var next []string
	fixable := slices.ContainsFunc(p.res.Findings, func(f finding.Finding) bool {
		return f.Suppressed == nil && f.Vuln != nil && f.Vuln.FixedIn != ""
	})
	edits := slices.ContainsFunc(p.res.Findings, func(f finding.Finding) bool {
		return f.Suppressed == nil && f.Subject.Kind == finding.KindDockerfile && len(f.Fixes) > 0 && len(f.Fixes[0].Edits) > 0
	})
	if p.opt.View != CVEs && fixable && !piped {
		next = append(next, p.step("what an upgrade fixes", "cves", []string{"--only-fixed"}, target))
	}
	if p.opt.View == Card && edits && !piped {
		next = append(next, p.step("put Dockerfiles right, with proof", "fix", nil, target))
	}
	if i := slices.IndexFunc(p.res.Findings, func(f finding.Finding) bool { return f.Suppressed == nil && f.Vuln != nil }); i >= 0 {
		next = append(next, p.step("why the worst one matters", "explain", nil, p.res.Findings[i].Vuln.ID))
	}
	if len(p.res.Targets) > 0 && p.res.Targets[0].Image != nil && p.opt.View != Layers && !piped {
		next = append(next, p.step("what is in each layer", "layers", nil, target))
	}
	if used := p.ecosystems(); p.res.Database.Embedded && len(used) > 0 && !p.opt.Kept {
		next = append(next, p.step("today's advisories", "db update", nil, used...))
	}
	return next
}

// ecosystems are those whose advisories were looked at, without their releases.
func (p *page) ecosystems() []string {
	var out []string
	for _, c := range p.res.Coverage {
		name, _, _ := strings.Cut(c.Ecosystem, ":")
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// targets are those that the user named, or the folder that he is in.
func (p *page) targets() []string {
	if p.opt.Target == "" {
		return []string{"."}
	}
	return append([]string{p.opt.Target}, p.opt.More...)
}

// composeFiles are those in which something was found.
func (p *page) composeFiles() []string {
	var out []string
	for _, s := range p.res.Subjects {
		if file, _, _ := strings.Cut(s.Name, "#"); (s.Kind == finding.KindService || s.Kind == finding.KindPod) && !slices.Contains(out, file) {
			out = append(out, file)
		}
	}
	return out
}

// lintNext is what to type after lint.
func (p *page) lintNext(fixable int) []string {
	if p.opt.Quiet {
		return nil
	}
	var next []string
	if targets := p.targets(); fixable > 0 && !slices.Contains(targets, "-") {
		var flags []string
		if p.opt.View == Audit {
			flags = []string{"--unsafe"} // none of them is but a change of what runs
			targets = p.composeFiles()
		}
		next = append(next, p.step("see the fixes as a diff", "fix", flags, targets...))
	}
	var worst *finding.Finding
	for i, f := range p.res.Findings {
		if f.Suppressed == nil && (worst == nil || f.Severity > worst.Severity) {
			worst = &p.res.Findings[i]
		}
	}
	if worst != nil {
		next = append(next, p.step("why the worst one matters", "explain", nil, string(worst.Rule)))
	}
	return next
}

// nextFix is what to type after fix.
func (p *page) nextFix(res *repair.Result) []string {
	if p.opt.Quiet {
		return nil
	}
	ready, review := false, false
	for _, f := range res.Fixed {
		ready = ready || len(f.Files) > 0 && !f.Files[0].Written && !f.Short()
		review = review || slices.ContainsFunc(f.Left, func(i fix.Item) bool { return i.Unsafe })
	}
	var next []string
	if ready && res.Branch == nil {
		next = append(next, p.step("write it", "fix", []string{"--write"}, p.targets()...))
	}
	if review && !slices.Contains(p.again("fix"), "--unsafe") {
		what, flags := "also what changes behaviour", []string{"--unsafe"}
		if !slices.ContainsFunc(res.Fixed, func(f repair.Fixed) bool { return f.Subject.Kind == finding.KindPod }) {
			what, flags = what+", proved by running it", append(flags, "--prove", "run")
		}
		next = append(next, p.step(what, "fix", flags, p.targets()...))
	}
	return next
}

// nextBase is what to type after recommend.
func (p *page) nextBase(rec *recommend.Result) []string {
	if p.opt.Quiet || len(rec.Places) == 0 {
		return nil
	}
	var next []string
	pl := &rec.Places[0]
	for _, g := range []base.Group{base.Slim, base.Update, base.Refresh} {
		if o := pl.Advice.Best(g); o != nil && o.Ref != pl.Advice.Ref && !p.opt.Kept {
			next = append(next, p.step("what would change", "compare", nil, clean(pl.Advice.Ref), clean(o.Ref)))
			break
		}
	}
	if !rec.AsOf.IsZero() || rec.Network {
		return next
	}
	const what = "ask the registry too"
	target := p.opt.Target
	if target == "" {
		target = clean(pl.Advice.Ref)
	}
	switch {
	case p.opt.Kept:
		next = append(next, p.step(what, "recommend", []string{"--offline=false"}, target))
	case p.opt.Offline:
		next = append(next, p.step(what, "recommend", nil, target))
	case pl.Base.By == "name" && !image.Pinned(pl.Base.Ref):
		next = append(next, p.step(what, "recommend", nil, clean(pl.Advice.Ref)))
	}
	return next
}

// shellWord quotes a word that a shell would not take as it is.
func shellWord(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// ShellLine is a command line as a shell takes it.
func ShellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}
