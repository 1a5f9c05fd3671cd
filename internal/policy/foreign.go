package policy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// IgnoreFiles are the names of other tools' ignore files that are honoured
// where they lie beside the target, in the order in which they count.
func IgnoreFiles() []string {
	return []string{".trivyignore", ".trivyignore.yaml", ".trivyignore.yml", ".grype.yaml", ".grype.yml", "osv-scanner.toml"}
}

// ParseIgnoreFile reads another tool's ignore file, told by its name. An entry
// with a condition that is not understood here is left out with a warning, for
// without the condition it would except too much.
func ParseIgnoreFile(name string, b []byte) (*Exceptions, error) {
	if len(b) > maxFile {
		return nil, &lineError{name, 0, errLarge}
	}
	switch path.Base(strings.ReplaceAll(name, `\`, "/")) {
	case ".trivyignore":
		return parseTrivyIgnore(name, b)
	case ".trivyignore.yaml", ".trivyignore.yml":
		return parseTrivyYAML(name, b)
	case ".grype.yaml", ".grype.yml":
		return parseGrype(name, b)
	case "osv-scanner.toml":
		return parseOSVScanner(name, b)
	}
	return nil, fmt.Errorf("read %s: not an ignore file that is known (one of %s)", name, strings.Join(IgnoreFiles(), ", "))
}

func (s *Exceptions) warn(name string, line int, format string, args ...any) {
	s.Warnings = append(s.Warnings, (&lineError{name, line, fmt.Errorf(format, args...)}).Error())
}

// parseTrivyIgnore reads ids one a line, with "#" comments, of which the one on
// an entry's line or those directly above are its reason, and "exp:2025-06-30",
// from which day on the entry does not hold. A comment that begins the file and
// stands above a list is the file's heading and no entry's reason.
func parseTrivyIgnore(name string, b []byte) (*Exceptions, error) {
	out := &Exceptions{}
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, maxFile+1)
	reason, heading := "", true // whether only comments came before
	headed := -1                // the entry right under the heading
	for line := 1; s.Scan(); line++ {
		text, comment, _ := strings.Cut(s.Text(), "#")
		comment = strings.TrimSpace(comment)
		fields := strings.Fields(text)
		if len(fields) == 0 {
			headed = -1
			switch {
			case comment == "":
				reason, heading = "", false
			case reason == "":
				reason = comment
			default:
				reason += " " + comment
			}
			continue
		}
		if len(out.List) >= maxEntries {
			return nil, &lineError{name, line, errLarge}
		}
		e := Exception{ID: fields[0], By: "ignore-file", File: name, Line: line, Reason: reason}
		if headed >= 0 {
			out.List[headed].Reason = ""
		}
		headed = -1
		switch {
		case comment != "":
			e.Reason = comment
		case heading && reason != "":
			headed = len(out.List)
		}
		heading = false
		for _, f := range fields[1:] {
			day, ok := strings.CutPrefix(f, "exp:")
			if !ok {
				continue // Trivy takes what else stands there for a comment
			}
			var err error
			if e.Until, err = parseDay(day); err != nil {
				return nil, &lineError{name, line, err}
			}
		}
		out.List = append(out.List, e)
		reason = ""
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return out, nil
}

// parseTrivyYAML reads the same with paths, purls and statements. Entries
// about licences are left out: Drydock judges none.
func parseTrivyYAML(name string, b []byte) (*Exceptions, error) {
	y := yamlFile{name}
	root, err := y.document(b)
	if err != nil {
		return nil, err
	}
	out := &Exceptions{}
	if root == nil {
		return out, nil
	}
	err = y.each(root, func(key string, v *yaml.Node) error {
		switch key {
		case "vulnerabilities", "misconfigurations", "secrets":
			return y.entries(v, out, trivyEntry)
		case "licenses":
			return nil
		}
		out.warn(name, v.Line, "unknown key %q", key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// errSkip says that an entry has a condition that is not understood.
var errSkip = errors.New("is not understood here")

// entries reads a list of exceptions; one whose key is not understood is left
// out with a warning.
func (y yamlFile) entries(n *yaml.Node, out *Exceptions, set func(yamlFile, *Exception, string, *yaml.Node) error) error {
	items, err := y.items(n)
	if err != nil {
		return err
	}
	for _, item := range items {
		e := Exception{By: "ignore-file", File: y.name, Line: item.Line}
		skip := ""
		err := y.each(item, func(key string, v *yaml.Node) error {
			err := set(y, &e, key, v)
			if errors.Is(err, errSkip) {
				skip = key
				return nil
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case skip != "":
			out.warn(y.name, item.Line, "entry left out: its %q %w", skip, errSkip)
		case e.empty():
			out.warn(y.name, item.Line, "entry left out: it would except everything")
		default:
			out.List = append(out.List, e)
		}
	}
	return nil
}

func trivyEntry(y yamlFile, e *Exception, key string, v *yaml.Node) (err error) {
	switch key {
	case "id":
		e.ID, err = y.text(v)
	case "paths":
		e.Paths, err = y.texts(v)
	case "purls":
		e.Packages, err = y.texts(v)
	case "statement":
		e.Reason, err = y.text(v)
	case "expired_at":
		var s string
		if s, err = y.text(v); err == nil && s != "" {
			e.Until, err = parseDay(s)
		}
	default:
		err = errSkip
	}
	return err
}

// parseGrype reads the "ignore" list of Grype's configuration; the rest of it
// is Grype's own business.
func parseGrype(name string, b []byte) (*Exceptions, error) {
	y := yamlFile{name}
	root, err := y.document(b)
	if err != nil {
		return nil, err
	}
	out := &Exceptions{}
	if root == nil {
		return out, nil
	}
	err = y.each(root, func(key string, v *yaml.Node) error {
		if key != "ignore" {
			return nil
		}
		return y.entries(v, out, grypeEntry)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func grypeEntry(y yamlFile, e *Exception, key string, v *yaml.Node) (err error) {
	switch key {
	case "vulnerability":
		e.ID, err = y.text(v)
	case "include-aliases":
		_, err = y.truth(v) // ids shown here are CVEs where Grype shows GHSAs, so that aliases always count
	case "reason":
		e.Reason, err = y.text(v)
	case "namespace":
		e.Namespace, err = y.text(v)
	case "fix-state":
		if e.FixState, err = y.text(v); err == nil {
			switch e.FixState {
			case "", "fixed", "not-fixed", "wont-fix", "unknown":
			default:
				err = fmt.Errorf("unknown fix state %q", e.FixState)
			}
		}
	case "package":
		return y.each(v, func(key string, v *yaml.Node) error { return grypePackage(y, e, key, v) })
	default:
		err = errSkip // vex-status, vex-justification, match-type
	}
	return err
}

func grypePackage(y yamlFile, e *Exception, key string, v *yaml.Node) error {
	s, err := y.text(v)
	if err != nil || s == "" {
		return err
	}
	switch key {
	case "name":
		// A regular expression over the whole name.
		e.Name, err = regexp.Compile("^(?:" + s + ")$")
	case "version":
		e.Version = s
	case "type", "language":
		e.Type = purlType(s)
	case "location":
		e.Paths = []string{s}
	default: // upstream-name
		err = errSkip
	}
	return err
}
