package catalog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"
)

// condaEnvironment reads environment.yml: conda's packages, and pip's in a list
// of their own.
func condaEnvironment() lockParser {
	wants := lockNamed("environment.yml", "environment.yaml")
	return lockParser{Name: "conda-environment", Wants: wants, Read: condaRead}
}

// condaFile reports whether a file of such a name is conda's.
func condaFile(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return err == nil && bytes.Contains(body, []byte("dependencies:"))
}

func condaRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	err := lockYAML(body, func(root *yaml.Node) error {
		// conda env export writes the folder too, and every version whole.
		exported := yamlText(yamlMember(root, "prefix")) != ""
		return yamlMembers("the document", root, func(key, value *yaml.Node) error {
			if key.Value != "dependencies" || yamlEmpty(value) {
				return nil
			}
			if value.Kind != yaml.SequenceNode {
				return nil // another program's file
			}
			for _, n := range value.Content {
				if r.full() {
					return errLockMany
				}
				switch n = yamlNode(n); n.Kind {
				case yaml.ScalarNode:
					condaSpec(&r, file, n.Line, n.Value, exported)
				case yaml.MappingNode:
					if err := condaPip(&r, file, n); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		return lockResult{}, err
	}
	if len(r.Unknown) > 0 {
		r.Why = "not pinned to one version; conda env export says which, or scan the built image"
	}
	return r, nil
}

// condaPip reads "- pip: [flask==1.0, …]".
func condaPip(r *lockResult, file string, n *yaml.Node) error {
	return yamlMembers("dependencies", n, func(key, value *yaml.Node) error {
		if key.Value != "pip" || value.Kind != yaml.SequenceNode {
			return nil
		}
		for _, n := range value.Content {
			if r.full() {
				return errLockMany
			}
			before := len(r.Packages)
			pipLine(r, file, n.Line, strings.TrimSpace(pipComment(yamlText(n))))
			for i := before; i < len(r.Packages); i++ {
				r.Packages[i].Cataloger = "conda-environment"
			}
		}
		return nil
	})
}

// condaSpec reads one match specification of conda:
// "channel::name=version=build". A single = asks for a version that begins so: it
// is the whole one where it has three parts or a build.
func condaSpec(r *lockResult, file string, line int, spec string, exported bool) {
	if _, after, ok := strings.Cut(spec, "::"); ok {
		spec = after
	}
	spec, _, _ = strings.Cut(strings.TrimSpace(spec), "[")
	name, rest := spec, ""
	if i := strings.IndexAny(spec, " =<>!~"); i >= 0 {
		name, rest = spec[:i], strings.TrimSpace(spec[i:])
	}
	version, whole := strings.CutPrefix(rest, "==")
	if !whole {
		version = strings.TrimPrefix(rest, "=")
	}
	version = strings.TrimSpace(version)
	if v, build, ok := strings.Cut(strings.ReplaceAll(version, " ", "="), "="); ok {
		version, whole = v, build != "" && !strings.ContainsAny(build, "<>!=")
	}
	whole = whole || exported || strings.Count(version, ".") >= 2
	if !lockWord(name) || strings.Contains(name, "/") {
		name, whole = fmt.Sprintf("%.80q", spec), false
	}
	if !whole || !lockVersion(version) || strings.ContainsAny(version, "*,|<>=!~") {
		r.Unknown = append(r.Unknown, name)
		return
	}
	r.Packages = append(r.Packages, lockPackage("conda-environment", "conda", strings.ToLower(name), version, file, line))
}
