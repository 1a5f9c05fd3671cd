package policy

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Config is a project's .drydock.yaml. Flags and environment variables win
// over it.
type Config struct {
	Exceptions Exceptions // "ignore"
	FailOn     string     // a gate that ParseGate takes; empty: none given
	Severities []finding.Severity
	OnlyFixed  bool
	IgnoreBase bool
	VEX        []string      // files, relative to the configuration's folder
	Baseline   string        // file, likewise
	MaxDBAge   time.Duration // 0: not given
	Exclude    []string      // globs of paths that a folder's scan leaves out
	Publishers []string      // repositories, or the beginnings of them, whose images are trusted as bases
}

// Excludes reports whether a path, relative to the folder that is looked at, is to
// be left out.
func (c *Config) Excludes(path string) bool {
	return c != nil && slices.ContainsFunc(c.Exclude, func(glob string) bool { return matchPath(glob, path) })
}

// ParseConfig reads .drydock.yaml. A key that it does not know, or a value
// that makes no sense, is an error with its line: a misspelt exception must
// not be silence. name is used for messages and as the exceptions' place.
func ParseConfig(name string, b []byte) (*Config, error) {
	y := yamlFile{name}
	root, err := y.document(b)
	if err != nil {
		return nil, err
	}
	cfg := &Config{}
	if root == nil {
		return cfg, nil
	}
	if err := y.each(root, func(key string, v *yaml.Node) error { return cfg.set(y, key, v) }); err != nil {
		return nil, err
	}
	return cfg, nil
}

func (c *Config) set(y yamlFile, key string, v *yaml.Node) (err error) {
	switch key {
	case "ignore":
		c.Exceptions.List, err = parseIgnore(y, v)
	case "fail-on":
		var terms []string
		if terms, err = y.texts(v); err != nil {
			return err
		}
		for i, t := range terms {
			if i > 0 {
				c.FailOn += ","
			}
			c.FailOn += t
		}
		_, err = ParseGate(c.FailOn)
	case "severity":
		var words []string
		if words, err = y.texts(v); err == nil {
			c.Severities, err = ParseSeverities(words)
		}
	case "only-fixed":
		c.OnlyFixed, err = y.truth(v)
	case "ignore-base":
		c.IgnoreBase, err = y.truth(v)
	case "vex":
		c.VEX, err = y.texts(v)
	case "baseline":
		c.Baseline, err = y.text(v)
	case "max-db-age":
		var s string
		if s, err = y.text(v); err == nil {
			c.MaxDBAge, err = ParseAge(s)
		}
	case "exclude":
		c.Exclude, err = y.texts(v)
	case "publishers":
		c.Publishers, err = y.texts(v)
	default:
		return y.errorf(v, "unknown key %q (one of ignore, fail-on, severity, only-fixed, ignore-base, vex, baseline, max-db-age, exclude, publishers)", key)
	}
	return err
}

// parseIgnore reads the list of exceptions. Each needs a reason, and something
// that it is about.
func parseIgnore(y yamlFile, n *yaml.Node) ([]Exception, error) {
	items, err := y.items(n)
	if err != nil {
		return nil, err
	}
	out := make([]Exception, 0, len(items))
	for _, item := range items {
		e := Exception{By: "config", File: y.name, Line: item.Line}
		err := y.each(item, func(key string, v *yaml.Node) (err error) {
			var s string
			switch key {
			case "id":
				e.ID, err = y.text(v)
			case "package":
				if s, err = y.text(v); s != "" {
					e.Packages = []string{s}
				}
			case "path":
				e.Paths, err = y.texts(v)
			case "until":
				if s, err = y.text(v); err == nil {
					e.Until, err = lastDay(s)
				}
			case "reason":
				e.Reason, err = y.text(v)
			default:
				err = fmt.Errorf("unknown key %q (one of id, package, path, until, reason)", key)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if e.empty() {
			return nil, y.errorf(item, "an exception needs an id, a package or a path")
		}
		if e.Reason == "" {
			return nil, y.errorf(item, "an exception needs a reason")
		}
		out = append(out, e)
	}
	return out, nil
}

// InitConfig is the commented .drydock.yaml that "drydock init" writes.
func InitConfig() string {
	return `# Drydock's configuration: https://github.com/drydock-dev/drydock
# Every key is optional; flags and DRYDOCK_* variables win over this file.
# A key that Drydock does not know is an error, so that a slip of the pen never
# hides a finding.

# What makes a run fail (exit code 2), comma-separated or as a list:
#   severity:high      a finding of this severity or worse
#   kev                a vulnerability that is known to be exploited
#   epss:0.5           one with at least this probability of exploitation
#   efficiency:0.95    an image that is less efficient (and wastes 4 MB or more)
#   waste:20MB         an image that wastes more (and 1 MB or more)
#   user-waste:10%     the same, as a share of the layers above the first
# fail-on: severity:high

# Show and count only these severities, or only what can be fixed today.
# severity: [critical, high]
# only-fixed: true

# Leave out vulnerabilities that the base image brings.
# ignore-base: true

# What is accepted, until when, and why. An entry holds where all of its parts
# do; when its last day has passed, it is reported as a finding itself.
#   id       a rule, an alias of one, a vulnerability's id or alias
#   package  a name or a purl, its version optional
#   path     a glob; every place of the finding has to match
#   until    the last day on which it holds
#   reason   required
ignore: []
#  - id: CVE-2022-0778
#    package: openssl
#    until: 2026-12-31
#    reason: certificates are parsed by the proxy in front

# VEX documents (OpenVEX, CycloneDX, CSAF) to apply.
# vex: [vex/product.openvex.json]

# Report only what an earlier JSON report did not have.
# baseline: drydock-baseline.json

# Warn when fetched advisory data is older.
# max-db-age: 7d

# Leave these paths of a folder out of its scan.
# exclude: ["**/testdata/**"]

# Whose images are trusted as bases, beside official ones: registries and
# repositories, or the beginnings of them.
# publishers: [registry.example.com/base]
`
}
