package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// The part of SARIF 2.1.0 that is written here.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Files       []sarifFile       `json:"artifacts,omitempty"`
	Results     []sarifResult     `json:"results"`
	ColumnKind  string            `json:"columnKind"`
	Properties  map[string]any    `json:"properties,omitempty"`
}

// sarifData says from when the advisory data is, source by source.
func sarifData(d check.Database) map[string]any {
	if len(d.Sources) == 0 {
		return nil
	}
	dates := map[string]string{}
	for name, t := range d.Sources {
		dates[name] = day(t)
	}
	return map[string]any{"advisoryData": dates}
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID              string             `json:"ruleId"`
	RuleIndex           int                `json:"ruleIndex"`
	Kind                string             `json:"kind,omitempty"`
	Level               string             `json:"level"`
	Message             sarifText          `json:"message"`
	Locations           []sarifLocation    `json:"locations"`
	PartialFingerprints map[string]string  `json:"partialFingerprints"`
	Fixes               []sarifFix         `json:"fixes,omitempty"`
	Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
	Properties          sarifProperties    `json:"properties"`
}

// sarifProperties are what SARIF has no word for.
type sarifProperties struct {
	Subject      string   `json:"subject"`
	Package      string   `json:"package,omitempty"`
	Version      string   `json:"version,omitempty"`
	FixedIn      string   `json:"fixedIn,omitempty"`
	KEV          bool     `json:"kev,omitempty"`
	Dev          bool     `json:"dev,omitempty"`
	Via          []string `json:"via,omitempty"`
	Path         []string `json:"path,omitempty"`
	Use          string   `json:"use,omitempty"` // of the package, while a container was watched
	SuppressedBy string   `json:"suppressedBy,omitempty"`

	// Of a fix: "written", "ready" or "left"; how far it is proved, how safe it
	// is, and why it was left.
	Fix    string `json:"fix,omitempty"`
	Proof  string `json:"proof,omitempty"`
	Safety string `json:"safety,omitempty"`
	Why    string `json:"why,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

// SARIF writes res as SARIF 2.1.0. A vulnerability is a rule of its own, as
// code scanning expects; a result points at the Dockerfile or lock file line
// where one is known, else at the file in the image. What could not be told is
// a notification of an error, and a run with such is not a successful one: who
// reads the file must not take what is absent from it for solved.
func SARIF(w io.Writer, res *check.Result, opt Options) error {
	return writeSARIF(w, res, opt, sarifEdit{})
}

// writeSARIF writes res result by result; edit has the last word on the run and on
// each result, by its finding's place.
func writeSARIF(w io.Writer, res *check.Result, opt Options, edit sarifEdit) error {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "drydock", Version: opt.Tool, InformationURI: "https://github.com/drydock-dev/drydock", Rules: []sarifRule{},
		}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: len(finding.Asked(res.Unknown)) == 0}},
		ColumnKind:  "utf16CodeUnits",
		Properties:  sarifData(res.Database),
	}
	known := map[finding.RuleID]finding.Rule{}
	for _, r := range check.Rules() {
		known[r.ID] = r
	}
	rules := sarifRules{known: known, index: map[string]int{}}
	files := sarifFiles{index: map[string]int{}}
	for i := range res.Findings { // rules and files stand before the results
		rules.add(res.Findings[i])
		files.fixes(res.Findings[i])
	}
	rules.name()
	run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rules.all...)
	run.Files = files.all
	run.Invocations[0].Notifications = sarifNotifications(res)
	if edit.run != nil {
		edit.run(&run)
	}
	results := func(yield func(any) bool) {
		for i, f := range res.Findings {
			r := sarifResultOf(f, rules.add(f), &rules, &files)
			if edit.result != nil {
				edit.result(i, &r)
			}
			if !yield(&r) {
				return
			}
		}
	}
	runs := func(yield func(any) bool) {
		yield(jsonstream.Value{V: &run, Lists: jsonstream.Lists{"results": results}})
	}
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0"}
	return jsonstream.Write(w, jsonstream.Value{V: &log, Lists: jsonstream.Lists{"runs": runs}})
}

// sarifEdit is what another report has to say of a run and its results.
type sarifEdit struct {
	run    func(*sarifRun)
	result func(i int, r *sarifResult)
}

// sarifResultOf is a finding as a result of its rule.
func sarifResultOf(f finding.Finding, rule int, rules *sarifRules, files *sarifFiles) sarifResult {
	print := f.Fingerprint()
	r := sarifResult{
		RuleID: rules.all[rule].ID, RuleIndex: rule, Level: sarifLevel(f.Severity), Message: sarifMessage(f), Locations: sarifLocations(f),
		// GitHub takes the hash of the line for what tells results of a rule
		// apart across runs; ours holds for files that are not in its repository.
		PartialFingerprints: map[string]string{"primaryLocationLineHash": print + ":1", "drydock/v1": print},
		Fixes:               files.fixes(f),
		Properties:          sarifProperties{Subject: f.Subject.Name},
	}
	if v := f.Vuln; v != nil {
		r.Properties.Package, r.Properties.Version, r.Properties.FixedIn, r.Properties.KEV = v.Package, v.Version, v.FixedIn, v.KEV
		r.Properties.Use = string(v.Use.Status)
		r.Properties.Dev, r.Properties.Via, r.Properties.Path = v.Dev, v.Via, v.Path
	}
	if s := f.Suppressed; s != nil {
		r.Properties.SuppressedBy = s.By
		r.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: cut(clean(s.Reason), longestText)}}
	}
	return r
}

func sarifNotifications(res *check.Result) []sarifNotification {
	var all []sarifNotification
	for _, u := range res.Unknown {
		level := "error"
		if u.Beyond {
			level = "warning"
		}
		all = append(all, sarifNotification{Level: level, Message: plainText(about(res, u.Subject) + "could not be told: " + u.What + ": " + u.Why)})
	}
	for _, s := range coverageLines(res) {
		all = append(all, sarifNotification{Level: "note", Message: plainText("coverage: " + s)})
	}
	for _, w := range res.Warnings {
		all = append(all, sarifNotification{Level: "warning", Message: plainText(w)})
	}
	return all
}

// longestText is the most that code scanning keeps of a text.
const longestText = 1024

// plainText is a message without links in it: "[text](target)" is a link in
// SARIF's plain text (3.11.6), and foreign text may not make one.
func plainText(s string) sarifText {
	return sarifText{cmp.Or(cut(strings.ReplaceAll(clean(s), "](", `\](`), longestText), "–")}
}

func sarifLevel(s finding.Severity) string {
	switch s {
	case finding.Critical, finding.High:
		return "error"
	case finding.Medium:
		return "warning"
	}
	return "note"
}

func sarifMessage(f finding.Finding) sarifText {
	if f.Vuln != nil {
		return plainText(vulnSentence(f))
	}
	return plainText(f.Message)
}

// vulnSentence says a vulnerability in one line: what, where, how bad, what to do.
func vulnSentence(f finding.Finding) string {
	v := f.Vuln
	s := v.Name + " " + v.Version + ": " + v.ID + " (" + f.Severity.String() + "), "
	switch {
	case v.FixedIn != "":
		s += "fixed in " + v.FixedIn
	case v.NoFix != "":
		s += "no fix: " + v.NoFix
	default:
		s += "no fix"
	}
	if v.KEV {
		s += ", known to be exploited"
	}
	if b := presence(v); b != "" {
		s += ", " + b
	}
	if v.Title != "" {
		s += ": " + v.Title + " (" + credit(v.TitleSource) + ")"
	}
	return s
}

// named is a vulnerability's id with what it is, where that is known.
func named(v *finding.Vuln) string {
	if v.Title == "" {
		return v.ID
	}
	return v.ID + ": " + v.Title
}

// sarifRules collects the rules that results refer to by index.
type sarifRules struct {
	known map[finding.RuleID]finding.Rule
	all   []sarifRule
	names [][]string // packages of a vulnerability that is a rule

	titles []string // its id and title
	index  map[string]int
}

// add is the index of a finding's rule. Findings come worst first, so the first
// one of a rule says how bad the rule is.
func (r *sarifRules) add(f finding.Finding) int {
	id := cmp.Or(clean(string(f.Rule)), "unknown")
	if f.Vuln != nil {
		id = cmp.Or(clean(f.Vuln.ID), id)
	}
	i, seen := r.index[id]
	if !seen {
		i = len(r.all)
		r.index[id] = i
		r.names, r.titles = append(r.names, nil), append(r.titles, id)
		if f.Vuln != nil {
			r.titles[i] = named(f.Vuln)
			r.all = append(r.all, vulnRule(id, f))
		} else {
			r.all = append(r.all, r.ruleOf(id, f))
		}
	}
	if f.Vuln != nil && !slices.Contains(r.names[i], f.Vuln.Name) {
		r.names[i] = append(r.names[i], f.Vuln.Name)
	}
	return i
}

// name completes the rules that are vulnerabilities with what they are in.
func (r *sarifRules) name() {
	const most = 5
	for i, names := range r.names {
		if len(names) == 0 {
			continue
		}
		in := strings.Join(names[:min(len(names), most)], ", ")
		if len(names) > most {
			in += " and others"
		}
		r.all[i].ShortDescription = plainText(r.titles[i] + " in " + in)
	}
}
