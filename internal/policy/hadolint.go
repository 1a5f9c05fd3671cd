package policy

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Lint is what hadolint's configuration says about the rules for Dockerfiles.
// The zero value says nothing.
type Lint struct {
	Ignored Exceptions // rules whose findings do not count, by their names there
	// Overrides give rules another severity: hadolint's error, warning, info and
	// style are high, medium, low and negligible.
	Overrides         []Override
	TrustedRegistries []string          // the only ones that a base may come from, "*.gcr.io" is a pattern; empty: any
	LabelSchema       map[string]string // the kind of each label that there must be: "text", "url" …
	StrictLabels      bool              // no label but those of the schema
	IgnorePragma      bool              // "# hadolint ignore=" does not count
	NoFail            bool              // no finding makes a run fail
	FailOn            string            // a gate that ParseGate takes; empty: none given
	Warnings          []string          // what was left out because it was not understood

	said map[string]bool // which of the switches were given at all
}

// Override is one rule's severity.
type Override struct {
	ID       string // a rule's id, or its name in another tool
	Severity finding.Severity
}

// HadolintFiles are the places of hadolint's configuration, of which the first
// that exists is the one that counts, as that tool documents them. getenv looks
// up environment variables; dir is the folder that the user stands in.
func HadolintFiles(dir string, getenv func(string) string) []string {
	var out []string
	add := func(folder string, names ...string) {
		if folder == "" {
			return
		}
		for _, name := range names {
			for _, ext := range []string{".yaml", ".yml"} {
				if file := filepath.Join(folder, name+ext); !slices.Contains(out, file) {
					out = append(out, file)
				}
			}
		}
	}
	home := getenv("HOME")
	add(dir, ".hadolint")
	add(getenv("XDG_CONFIG_HOME"), "hadolint")
	add(getenv("LOCALAPPDATA"), "hadolint")
	if home != "" {
		add(filepath.Join(home, ".config"), "hadolint")
		add(filepath.Join(home, ".hadolint"), "hadolint", "config")
		add(filepath.Join(home, "hadolint"), "hadolint", "config")
		add(home, ".hadolint")
	}
	return out
}

// ParseHadolint reads a .hadolint.yaml. A value that makes no sense is an error
// with its line; an unknown key, which that tool passes over, is a warning.
func ParseHadolint(name string, b []byte) (*Lint, error) {
	y := yamlFile{name}
	root, err := y.document(b)
	if err != nil {
		return nil, err
	}
	l := &Lint{said: map[string]bool{}}
	if root == nil {
		return l, nil
	}
	if err := y.each(root, func(key string, v *yaml.Node) error { return l.set(y, key, v) }); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Lint) set(y yamlFile, key string, v *yaml.Node) (err error) {
	switch key {
	case "ignored":
		var items []*yaml.Node
		if items, err = l.names(y, v); err != nil {
			return err
		}
		for _, n := range items {
			l.Ignored.List = append(l.Ignored.List, Exception{ID: n.Value, By: "ignore-file", File: y.name, Line: n.Line})
		}
	case "override":
		if v.Tag == "!!null" {
			return nil
		}
		return y.each(v, func(word string, v *yaml.Node) error {
			severity, err := lintSeverity(word)
			if err != nil {
				return err
			}
			items, err := l.names(y, v)
			for _, n := range items {
				l.Overrides = append(l.Overrides, Override{n.Value, severity})
			}
			return err
		})
	case "trustedRegistries", "trusted-registries":
		l.TrustedRegistries, err = y.texts(v)
	case "label-schema":
		if v.Tag == "!!null" {
			return nil
		}
		return y.each(v, func(label string, v *yaml.Node) error {
			kind, err := y.text(v)
			if err != nil {
				return err
			}
			return l.label(label, kind)
		})
	case "strict-labels":
		l.StrictLabels, err = l.truth(y, key, v)
	case "disable-ignore-pragma":
		l.IgnorePragma, err = l.truth(y, key, v)
	case "no-fail":
		l.NoFail, err = l.truth(y, key, v)
	case "failure-threshold":
		var word string
		if word, err = y.text(v); err == nil {
			err = l.threshold(word)
		}
	case "format", "output-format", "no-color", "verbose":
		// That tool's own output.
	default:
		l.Warnings = append(l.Warnings, (&lineError{y.name, v.Line, fmt.Errorf("unknown key %q", key)}).Error())
	}
	return err
}

// names are the entries of a list of rules.
func (l *Lint) names(y yamlFile, v *yaml.Node) ([]*yaml.Node, error) {
	items, err := y.items(v)
	if err != nil {
		return nil, err
	}
	out := make([]*yaml.Node, 0, len(items))
	for _, n := range items {
		s, err := y.text(n)
		if err != nil {
			return nil, err
		}
		if s != "" {
			out = append(out, n)
		}
	}
	return out, nil
}

func (l *Lint) truth(y yamlFile, key string, v *yaml.Node) (bool, error) {
	l.said[key] = true
	return y.truth(v)
}

// lintSeverity reads hadolint's words for a severity.
func lintSeverity(word string) (finding.Severity, error) {
	switch word {
	case "error", "warning", "info", "style":
		return finding.ParseSeverity(word)
	}
	return 0, fmt.Errorf("unknown severity %q (one of error, warning, info, style)", word)
}

// threshold is the gate of a failure-threshold. "ignore" and "none" are below
// all that there is: any finding fails.
func (l *Lint) threshold(word string) error {
	switch word {
	case "":
		return nil
	case "ignore", "none":
		word = "style"
	}
	s, err := lintSeverity(word)
	if err != nil {
		return fmt.Errorf("unknown failure threshold %q (one of error, warning, info, style, ignore, none)", word)
	}
	l.FailOn = "severity:" + s.String()
	return nil
}

func (l *Lint) label(label, kind string) error {
	switch kind {
	case "":
		kind = "text"
	case "text", "url", "semver", "hash", "rfc3339", "spdx", "email":
	default:
		return fmt.Errorf("unknown kind of label %q (one of text, url, semver, hash, rfc3339, spdx, email)", kind)
	}
	if l.LabelSchema == nil {
		l.LabelSchema = map[string]string{}
	}
	l.LabelSchema[label] = kind
	return nil
}

// HadolintEnvironment reads the variables that hadolint documents. lookup is as
// os.LookupEnv.
func HadolintEnvironment(lookup func(string) (string, bool)) (*Lint, error) {
	l := &Lint{said: map[string]bool{}}
	get := func(name string) []string {
		s, _ := lookup(name)
		return splitList(s)
	}
	for _, id := range get("HADOLINT_IGNORE") {
		l.Ignored.List = append(l.Ignored.List, Exception{ID: id, By: "config", File: "HADOLINT_IGNORE"})
	}
	for _, word := range []string{"error", "warning", "info", "style"} {
		severity, _ := lintSeverity(word)
		for _, id := range get("HADOLINT_OVERRIDE_" + strings.ToUpper(word)) {
			l.Overrides = append(l.Overrides, Override{id, severity})
		}
	}
	l.TrustedRegistries = get("HADOLINT_TRUSTED_REGISTRIES")
	for _, term := range get("HADOLINT_REQUIRE_LABELS") {
		label, kind, _ := strings.Cut(term, ":")
		if err := l.label(label, kind); err != nil {
			return nil, fmt.Errorf("HADOLINT_REQUIRE_LABELS: %w", err)
		}
	}
	for name, to := range map[string]struct {
		key string
		set *bool
	}{
		"HADOLINT_STRICT_LABELS":         {"strict-labels", &l.StrictLabels},
		"HADOLINT_DISABLE_IGNORE_PRAGMA": {"disable-ignore-pragma", &l.IgnorePragma},
		"HADOLINT_NOFAIL":                {"no-fail", &l.NoFail},
	} {
		if v, ok := lookup(name); ok {
			l.said[to.key] = true
			*to.set = slices.Contains([]string{"1", "y", "on", "true", "yes"}, strings.ToLower(v))
		}
	}
	word, _ := lookup("HADOLINT_FAILURE_THRESHOLD")
	if err := l.threshold(word); err != nil {
		return nil, fmt.Errorf("HADOLINT_FAILURE_THRESHOLD: %w", err)
	}
	return l, nil
}

// Add joins what another place says, as hadolint does: lists grow, a switch or
// threshold that is given there is the one that counts. The environment comes
// after the file.
func (l *Lint) Add(more *Lint) {
	if more == nil {
		return
	}
	l.Ignored.Add(&more.Ignored)
	l.Overrides = append(l.Overrides, more.Overrides...)
	l.TrustedRegistries = append(l.TrustedRegistries, more.TrustedRegistries...)
	l.Warnings = append(l.Warnings, more.Warnings...)
	for label, kind := range more.LabelSchema {
		if _, ok := l.LabelSchema[label]; !ok {
			_ = l.label(label, kind) // it was taken there
		}
	}
	if l.said == nil {
		l.said = map[string]bool{}
	}
	for key, to := range map[string][2]*bool{
		"strict-labels":         {&l.StrictLabels, &more.StrictLabels},
		"disable-ignore-pragma": {&l.IgnorePragma, &more.IgnorePragma},
		"no-fail":               {&l.NoFail, &more.NoFail},
	} {
		if more.said[key] {
			l.said[key] = true
			*to[0] = *to[1]
		}
	}
	if more.FailOn != "" {
		l.FailOn = more.FailOn
	}
}

// Wants are the rules that are given a severity: those among them that are off
// by default are to be run, as hadolint runs its own.
func (l *Lint) Wants() []string {
	if l == nil {
		return nil
	}
	out := make([]string, 0, len(l.Overrides))
	for _, o := range l.Overrides {
		out = append(out, o.ID)
	}
	return out
}

// Apply returns the findings with their severities overridden, the worst one
// where several name a finding, and those of ignored rules suppressed. The
// findings given are not changed.
func (l *Lint) Apply(found []finding.Finding) []finding.Finding {
	if l == nil || len(l.Overrides) == 0 && len(l.Ignored.List) == 0 {
		return found
	}
	out := slices.Clone(found)
	for i := range out {
		f := &out[i]
		var worst finding.Severity
		for _, o := range l.Overrides {
			if e := (Exception{ID: o.ID}); e.namesRule(*f) {
				worst = max(worst, o.Severity)
			}
		}
		if worst != finding.Unspecified {
			f.Severity = worst
		}
		if f.Suppressed != nil {
			continue
		}
		for n := range l.Ignored.List {
			if e := &l.Ignored.List[n]; e.namesRule(*f) {
				f.Suppressed = &finding.Suppression{By: e.By, Source: e.source(), Reason: e.reason()}
				break
			}
		}
	}
	return out
}

// namesRule reports whether the exception's id is that of the finding's rule, here
// or in another tool.
func (e *Exception) namesRule(f finding.Finding) bool {
	id := normalID(e.ID)
	return strings.EqualFold(id, string(f.Rule)) ||
		slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.EqualFold(id, normalID(a)) })
}
