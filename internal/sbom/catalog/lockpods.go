package catalog

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// podLock reads Podfile.lock of CocoaPods. A pod with subspecs is one package.
// Pods of the project's own folders are none.
func podLock() lockParser {
	return lockParser{Name: "podfile-lock", Wants: lockNamed("Podfile.lock"), Read: podRead}
}

func podRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	f := podFile{file: file, at: map[string]int{}, from: map[string]map[string]string{}}
	err := lockYAML(body, f.document)
	if err == nil && !f.known {
		err = errors.New("not a lock file of CocoaPods: it has neither PODS nor PODFILE CHECKSUM")
	}
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	for _, p := range f.bad {
		r.odd(p.name, p.line)
	}
	g := lockJoin{}
	project := g.project("", "", file, "")
	for _, p := range f.pods {
		from := f.from[p.name]
		if own := from[":path"]; own != "" { // the project's own code
			g.call(g.project(p.name, p.version, file, lockFolderOf(own)), p.name)
			continue
		}
		g.call(g.node(len(r.Packages)), p.name)
		pkg := lockPackage("podfile-lock", "cocoapods", p.name, p.version, file, p.line)
		if git := from[":git"]; git != "" {
			ref := from[":commit"]
			if ref == "" {
				ref = from[":tag"]
			}
			pkg.Origin = lockOrigin("git+" + git + "#" + ref)
		} else if from[":http"] != "" {
			pkg.Origin = lockOrigin(from[":http"])
		}
		r.Packages = append(r.Packages, pkg)
	}
	for _, need := range f.needs {
		from, ok := g.at[need[0]]
		if need[0] == "" {
			from, ok = project, true
		}
		if to, known := g.at[need[1]]; ok && known && from != to {
			g.nodes[from].needs = append(g.nodes[from].needs, to)
		}
	}
	r.graph = g.join()
	return r, nil
}

type pod struct {
	name, version string
	line          int
}

type podFile struct {
	file  string
	known bool
	pods  []pod
	bad   []pod
	at    map[string]int // by name: the index of the pod
	from  map[string]map[string]string
	needs [][2]string // names; of the project: ""
}

// need takes in that a pod, or the project, depends on what the nodes of a list
// name: "Alamofire (~> 5.0)", "AFNetworking/UIKit".
func (f *podFile) need(from string, list *yaml.Node) error {
	if list = yamlNode(list); list.Kind != yaml.SequenceNode {
		return nil
	}
	for _, n := range list.Content {
		if len(f.needs) > maxLeaves {
			return errLockMany
		}
		name, _, _ := strings.Cut(yamlText(yamlNode(n)), " ")
		name, _, _ = strings.Cut(name, "/")
		f.needs = append(f.needs, [2]string{from, name})
	}
	return nil
}

func (f *podFile) document(root *yaml.Node) error {
	return yamlMembers("the document", root, func(key, value *yaml.Node) error {
		switch key.Value {
		case "PODFILE CHECKSUM":
			f.known = true
		case "PODS":
			f.known = true
			if value.Kind != yaml.SequenceNode {
				return fmt.Errorf("line %d: PODS is not a list", key.Line)
			}
			for _, n := range value.Content {
				if err := f.pod(yamlNode(n)); err != nil {
					return err
				}
			}
		case "DEPENDENCIES":
			return f.need("", value)
		case "EXTERNAL SOURCES", "CHECKOUT OPTIONS":
			return yamlMembers(key.Value, value, func(name, options *yaml.Node) error {
				if len(f.from) > maxPackages {
					return errLockMany
				}
				if f.from[name.Value] == nil {
					f.from[name.Value] = map[string]string{}
				}
				return yamlMembers(name.Value, options, func(k, v *yaml.Node) error {
					f.from[name.Value][k.Value] = yamlText(v)
					return nil
				})
			})
		}
		return nil
	})
}

// pod reads "Name/Subspec (1.2.3)", which is a mapping's key where the pod depends
// on others.
func (f *podFile) pod(n *yaml.Node) error {
	if len(f.pods)+len(f.bad) >= maxPackages {
		return errLockMany
	}
	line := n.Line
	var needs *yaml.Node
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		n, needs = yamlNode(n.Content[0]), n.Content[1]
	}
	name, rest, _ := strings.Cut(yamlText(n), " (")
	version, closed := strings.CutSuffix(rest, ")")
	name, _, _ = strings.Cut(name, "/")
	if !closed || !lockWord(name) || !lockVersion(version) {
		f.bad = append(f.bad, pod{name: name, line: line})
		return nil
	}
	if needs != nil {
		if err := f.need(name, needs); err != nil {
			return err
		}
	}
	if i, known := f.at[name]; known && f.pods[i].version == version {
		return nil
	}
	f.at[name] = len(f.pods)
	f.pods = append(f.pods, pod{name, version, line})
	return nil
}
