package report

import (
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/secret"
)

// DocFixes is the JSON of a run of fixes.
type DocFixes struct {
	Schema  string       `json:"schema"`
	Tool    DocTool      `json:"tool"`
	Fixed   []DocFixed   `json:"fixed"`
	Unknown []DocUnknown `json:"unknown"`
	Branch  *DocBranch   `json:"branch,omitempty"`
}

// DocBranch is a branch that the fixes were committed on.
type DocBranch struct {
	Name    string   `json:"name"`
	Commits []string `json:"commits"`
}

// DocFixed is what was fixed of one subject.
type DocFixed struct {
	Subject DocSubject     `json:"subject"`
	Wanted  finding.Proof  `json:"wanted"`
	Proof   *DocVerdict    `json:"proof,omitempty"`
	Applied []DocFixItem   `json:"applied"`
	Left    []DocFixItem   `json:"left"`
	ByHand  int            `json:"byHand"`
	Files   []DocFixedFile `json:"files"`
	Todo    []string       `json:"todo,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
}

// DocFixItem is one fix of one finding.
type DocFixItem struct {
	Rule        finding.RuleID `json:"rule"`
	Key         string         `json:"key,omitempty"`
	Fingerprint string         `json:"fingerprint"`
	Message     string         `json:"message"`
	Source      *DocSpan       `json:"source,omitempty"`
	Fix         DocFix         `json:"fix"`
	Resolves    []string       `json:"resolves,omitempty"` // vulnerabilities
	Why         string         `json:"why,omitempty"`
	Failed      *DocFailure    `json:"failed,omitempty"`
}

// DocFixedFile is a file that fixes change. Its diff has no secret in it.
type DocFixedFile struct {
	Name    string         `json:"name"`
	New     bool           `json:"new"`
	Before  finding.Digest `json:"before"`
	After   finding.Digest `json:"after"`
	Diff    string         `json:"diff"`
	Starred bool           `json:"starred,omitempty"` // the diff shows stars for secrets, and is no patch
	Written bool           `json:"written"`
}

// DocVerdict is how far a change is proved.
type DocVerdict struct {
	Reached finding.Proof `json:"reached"`
	Steps   []DocStep     `json:"steps"`
	Failed  *DocFailure   `json:"failed,omitempty"`
	Short   *DocFailure   `json:"short,omitempty"`
	Notes   []string      `json:"notes,omitempty"`
	Before  *DocBuilt     `json:"before,omitempty"`
	After   *DocBuilt     `json:"after,omitempty"`
	Cache   *DocCache     `json:"cache,omitempty"`
	Left    []string      `json:"leftBehind,omitempty"`
}

// DocStep is one step of a proof; seconds.
type DocStep struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Did     string  `json:"did,omitempty"`
}

// DocFailure is a step that did not go well.
type DocFailure struct {
	Step string   `json:"step"`
	Why  string   `json:"why"`
	Log  []string `json:"log,omitempty"`
	Hint string   `json:"hint,omitempty"`
}

// DocBuilt is one of the two images that were built; bytes.
type DocBuilt struct {
	Size            int64          `json:"size"`
	Layers          int            `json:"layers"`
	Packages        int            `json:"packages"`
	Vulnerabilities map[string]int `json:"vulnerabilities"`
	User            string         `json:"user"`
	Unknown         int            `json:"unknown,omitempty"`
}

// DocCache is what of a build is kept after one source file has changed.
type DocCache struct {
	File   string `json:"file"`
	Before [2]int `json:"before"` // steps from the cache, and all
	After  [2]int `json:"after"`
}

func docFixes(res *repair.Result, opt Options) DocFixes {
	d := DocFixes{Schema: Schema, Tool: DocTool{Name: "drydock", Version: opt.Tool}, Fixed: []DocFixed{}, Unknown: []DocUnknown{}}
	for i := range res.Fixed {
		d.Fixed = append(d.Fixed, docFixed(&res.Fixed[i]))
	}
	if b := res.Branch; b != nil {
		d.Branch = &DocBranch{Name: b.Name, Commits: b.Commits}
	}
	for _, u := range res.Unknown {
		d.Unknown = append(d.Unknown, DocUnknown{What: secret.Redact(u.What), Why: secret.Redact(u.Why), Beyond: u.Beyond})
	}
	return d
}

func docFixed(f *repair.Fixed) DocFixed {
	d := DocFixed{
		Subject: DocSubject{Kind: f.Subject.Kind, Name: secret.Redact(f.Subject.Name), Digest: f.Subject.Digest}, Wanted: f.Wanted,
		Applied: docItems(f.Applied, f.Secrets), Left: docItems(f.Left, f.Secrets), ByHand: f.ByHand, Files: []DocFixedFile{}, Todo: redacted(f.Todo), Notes: redacted(f.Notes),
	}
	for _, x := range f.Files {
		d.Files = append(d.Files, DocFixedFile{
			Name: secret.Redact(x.Name), New: x.New, Before: finding.DigestOf(x.Before), After: finding.DigestOf(x.After),
			Diff: fix.Unified(secret.Redact(x.Name), x.Hunks), Written: x.Written, Starred: x.Starred,
		})
	}
	if v := f.Verdict; v != nil {
		d.Proof = docVerdict(v)
	}
	return d
}

func docItems(items []fix.Item, secrets []string) []DocFixItem {
	out := []DocFixItem{}
	for _, it := range items {
		shown := shownFix(it.Fix, secrets)
		shown.Title = secret.Redact(shown.Title)
		x := DocFixItem{
			Rule: it.Finding.Rule, Key: secret.Redact(it.Finding.Key), Fingerprint: it.Finding.Fingerprint(), Message: secret.Redact(it.Finding.Message),
			Fix:      docFix(shown),
			Resolves: it.Resolves(), Why: secret.Redact(it.Why), Failed: docFailure(it.Failure),
		}
		if s := sourceOf(it.Finding); s != nil {
			x.Source = &DocSpan{File: s.File, Line: s.Line, Column: s.Column, Start: s.Start, End: s.End}
		}
		out = append(out, x)
	}
	return out
}

func docFailure(f *fix.Failure) *DocFailure {
	if f == nil {
		return nil
	}
	return &DocFailure{Step: secret.Redact(f.Step), Why: secret.Redact(f.Why), Log: lastLines(f.Log, 4*logLines), Hint: secret.Redact(f.Hint)}
}

func docVerdict(v *fix.Verdict) *DocVerdict {
	d := &DocVerdict{
		Reached: v.Reached, Steps: []DocStep{}, Failed: docFailure(v.Failed), Short: docFailure(v.Short), Notes: redacted(v.Notes), Left: redacted(v.Left),
		Before: docBuilt(v.Before), After: docBuilt(v.After),
	}
	for _, s := range v.Steps {
		d.Steps = append(d.Steps, DocStep{Name: s.Name, Seconds: s.Took.Seconds(), Did: secret.Redact(s.Did)})
	}
	if c := v.Cache; c != nil {
		d.Cache = &DocCache{File: secret.Redact(c.File), Before: [2]int{c.CachedBefore, c.StepsBefore}, After: [2]int{c.CachedAfter, c.StepsAfter}}
	}
	return d
}

func docBuilt(s *fix.Side) *DocBuilt {
	if s == nil || s.Measured == nil {
		return nil
	}
	d := &DocBuilt{Size: s.Size, Layers: s.Layers, Packages: s.Packages, User: secret.Redact(s.Image.User), Unknown: len(s.Unknown)}
	if s.Vulnerabilities != nil {
		d.Vulnerabilities = map[string]int{}
		for _, sev := range finding.Severities() {
			d.Vulnerabilities[sev.String()] = s.Vulnerabilities[sev]
		}
	}
	return d
}

// redacted is each text without its secrets.
func redacted(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = secret.Redact(s)
	}
	return out
}
