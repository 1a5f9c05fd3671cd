package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// stackLock reads stack.yaml.lock: the packages that a project takes beside its
// snapshot. What the snapshot has is not in the file.
func stackLock() lockParser {
	return lockParser{Name: "stack-lock", Wants: lockNamed("stack.yaml.lock"), Read: stackRead}
}

func stackRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	some := false
	err := lockYAML(body, func(root *yaml.Node) error {
		return yamlMembers("the document", root, func(key, value *yaml.Node) error {
			switch key.Value {
			case "packages", "snapshots":
				some = true
			default:
				return nil
			}
			if value.Kind != yaml.SequenceNode {
				if yamlEmpty(value) {
					return nil
				}
				return fmt.Errorf("line %d: %s is not a list", key.Line, key.Value)
			}
			for _, n := range value.Content {
				if r.full() {
					return errLockMany
				}
				if err := stackEntry(&r, file, key.Value == "snapshots", yamlNode(n)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err == nil && !some {
		err = errors.New("not a lock file of Stack: it has neither packages nor snapshots")
	}
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

func stackEntry(r *lockResult, file string, snapshot bool, n *yaml.Node) error {
	said := map[string]string{}
	original := ""
	err := yamlMembers("an entry", n, func(key, value *yaml.Node) error {
		if key.Value == "original" {
			if original = yamlText(value); value.Kind == yaml.MappingNode {
				original = yamlText(yamlMember(value, "url")) + yamlText(yamlMember(value, "snapshot"))
			}
		}
		if key.Value != "completed" {
			return nil
		}
		return yamlMembers("completed", value, func(k, v *yaml.Node) error {
			said[k.Value] = yamlText(v)
			return nil
		})
	})
	switch {
	case err != nil:
		return err
	case snapshot:
		r.Unknown = append(r.Unknown, fmt.Sprintf("what the snapshot %.200s has", original))
		r.Why = "the lock file does not list it; stack ls dependencies does, or scan the built image"
		return nil
	}
	name, version := said["name"], said["version"]
	if hackage := said["hackage"]; hackage != "" {
		hackage, _, _ = strings.Cut(hackage, "@")
		if i := strings.LastIndexByte(hackage, '-'); i > 0 {
			name, version = hackage[:i], hackage[i+1:]
		}
	}
	if !lockWord(name) || strings.Contains(name, "/") || !lockVersion(version) {
		r.odd(name, n.Line)
		return nil
	}
	p := lockPackage("stack-lock", "hackage", name, version, file, n.Line)
	switch {
	case said["git"] != "":
		p.Origin = lockOrigin("git+" + said["git"] + "#" + said["commit"])
	case said["hackage"] == "":
		p.Origin = lockOrigin(said["url"])
	}
	r.Packages = append(r.Packages, p)
	return nil
}

// yamlMember is the value of a mapping's key, or an empty node.
func yamlMember(n *yaml.Node, name string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return yamlNode(n.Content[i+1])
		}
	}
	return &yaml.Node{}
}

// cabalFreeze reads cabal.project.freeze: "constraints: any.aeson ==2.0.3.0,".
func cabalFreeze() lockParser {
	pin := regexp.MustCompile(`^(?:any\.)?([A-Za-z0-9-]+) *== *([0-9.]+)$`)
	read := func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		within, some := false, false
		err := lockLine(body, func(n int, line string) error {
			text := strings.TrimSpace(line)
			if text == "" || strings.HasPrefix(text, "--") {
				return nil
			}
			if line[0] != ' ' && line[0] != '\t' {
				some = true
				within = strings.HasPrefix(text, "constraints:")
				text = strings.TrimPrefix(text, "constraints:")
			}
			for part := range strings.SplitSeq(text, ",") {
				if part = strings.TrimSpace(part); !within || part == "" {
					continue
				}
				if r.full() {
					return errLockMany
				}
				if m := pin.FindStringSubmatch(part); m != nil {
					r.Packages = append(r.Packages, lockPackage("cabal-freeze", "hackage", m[1], m[2], file, n))
				} // else a flag: "aeson +ordered-keymap"
			}
			return nil
		})
		if err == nil && !some {
			err = errors.New("not a frozen project of Cabal: it has no fields")
		}
		if err != nil {
			return lockResult{}, err
		}
		return r, nil
	}
	return lockParser{Name: "cabal-freeze", Wants: lockNamed("cabal.project.freeze"), Read: read}
}
