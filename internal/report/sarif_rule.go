package report

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

type sarifRule struct {
	ID               string           `json:"id"`
	Name             string           `json:"name,omitempty"`
	ShortDescription sarifText        `json:"shortDescription"`
	FullDescription  sarifText        `json:"fullDescription"`
	HelpURI          string           `json:"helpUri,omitempty"`
	Help             sarifHelp        `json:"help"`
	Default          sarifDefault     `json:"defaultConfiguration"`
	Properties       sarifRuleDetails `json:"properties"`
}

type sarifHelp struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

// sarifRuleDetails are the properties that code scanning reads: a rule with the
// tag "security" is shown by its security-severity, in CVSS's bands.
type sarifRuleDetails struct {
	Tags             []string `json:"tags"`
	SecuritySeverity string   `json:"security-severity,omitempty"`
	Precision        string   `json:"precision"`
}

// mostTags is how many tags of a rule code scanning takes.
const mostTags = 10

// vulnRule is a vulnerability as a rule. Its short description is left to the
// end, when all that it is in is known.
func vulnRule(id string, f finding.Finding) sarifRule {
	v := f.Vuln
	r := sarifRule{ID: id, Name: string(f.Rule), HelpURI: webURL(v.URL), Default: sarifDefault{sarifLevel(f.Severity)}}
	r.FullDescription = plainText(vulnSentence(f))
	var facts []string
	fact := func(name, value string) {
		if value = clean(value); value != "" {
			facts = append(facts, name+": "+cut(value, 200))
		}
	}
	if v.Title != "" {
		fact("What", v.Title+" ("+credit(v.TitleSource)+")")
	}
	fact("Severity", f.Severity.String()+by(v.SeveritySource))
	fact("No severity", v.Unrated)
	if v.CVSS.Score > 0 {
		fact("CVSS", fmt.Sprintf("%.1f%s %s", v.CVSS.Score, by(v.CVSS.Source), v.CVSS.Vector))
	}
	if v.EPSS.Date != "" {
		fact("EPSS", fmt.Sprintf("%.2f%% as of %s", 100*v.EPSS.Score, v.EPSS.Date))
	}
	if v.KEV {
		fact("Known to be exploited", strings.TrimSpace("CISA KEV "+v.KEVAdded))
	}
	fact("Also known as", strings.Join(v.Aliases, ", "))
	fact("Advisory", webURL(v.URL))
	r.Help = help(facts)
	r.Properties = sarifRuleDetails{
		Tags:             tags(append([]string{"security", "vulnerability", v.PackageType}, v.Aliases...)),
		SecuritySeverity: securitySeverity(f.Severity, v.CVSS.Score), Precision: "very-high",
	}
	return r
}

func by(source string) string {
	if source == "" {
		return ""
	}
	return " (" + source + ")"
}

// ruleOf is the rule of a finding that is no vulnerability.
func (r *sarifRules) ruleOf(id string, f finding.Finding) sarifRule {
	out := sarifRule{
		ID: id, ShortDescription: plainText(id), FullDescription: plainText(id), Default: sarifDefault{sarifLevel(f.Severity)},
		Properties: sarifRuleDetails{
			Tags: tags(append([]string{"security", string(f.Practice)}, f.Aliases...)), SecuritySeverity: securitySeverity(f.Severity, 0), Precision: "high",
		},
	}
	rule, ok := r.known[f.Rule]
	if !ok {
		out.Help = help([]string{out.ShortDescription.Text})
		return out
	}
	out.Name, out.ShortDescription, out.FullDescription = string(rule.ID), plainText(rule.Title), plainText(rule.Why)
	out.Help = sarifHelp{Text: rule.Why, Markdown: rule.Why}
	for _, e := range [][2]string{{"Fires on", rule.Bad}, {"Quiet on", rule.Good}} {
		if e[1] != "" {
			out.Help.Text += "\n\n" + e[0] + ":\n\n" + e[1]
			out.Help.Markdown += "\n\n" + e[0] + ":\n\n```\n" + strings.TrimRight(e[1], "\n") + "\n```"
		}
	}
	return out
}

// help is a list of facts, each on its line.
func help(facts []string) sarifHelp {
	h := sarifHelp{Text: strings.Join(facts, "\n")}
	for i, f := range facts {
		facts[i] = "- " + escape(cut(clean(f), longestCell))
	}
	h.Markdown = strings.Join(facts, "\n")
	return h
}

// tags are words, each once, as many as code scanning takes.
func tags(in []string) []string {
	out := []string{}
	seen := map[string]bool{}
	for _, t := range in {
		if t = cut(clean(t), 100); t != "" && !seen[t] && len(out) < mostTags {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// securitySeverity is a score that code scanning shows as severity s: the CVSS
// score where it is in the band of that severity, else the middle of the band.
// Where a distribution knows better than the score, the distribution is shown.
func securitySeverity(s finding.Severity, score float64) string {
	low, high, middle := 0.0, 0.0, 0.0
	switch s {
	case finding.Critical:
		low, high, middle = 9, 10, 9.5
	case finding.High:
		low, high, middle = 7, 8.9, 8
	case finding.Medium:
		low, high, middle = 4, 6.9, 5.5
	case finding.Low:
		low, high, middle = 0.1, 3.9, 2
	case finding.Unspecified:
		return "" // nobody has said; a zero would say "none"
	}
	if score < low || score > high {
		score = middle
	}
	return fmt.Sprintf("%.1f", score)
}
