package catalog

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/modfile"
)

// Projects are the projects that a folder is, by the manifests at its root, as
// package URLs. What cannot be read names none.
func Projects(dir string) []string {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer func() { _ = root.Close() }()
	var out []string
	for _, m := range []struct {
		file, typ string
		read      func([]byte) (name, version string)
	}{
		{"package.json", "npm", jsonProject},
		{"composer.json", "composer", jsonProject},
		{"go.mod", "golang", func(b []byte) (string, string) { return modfile.ModulePath(b), "" }},
		{"Cargo.toml", "cargo", tomlProject},
		{"pyproject.toml", "pypi", tomlProject},
		{"pom.xml", "maven", pomProject},
	} {
		f, err := root.Open(m.file)
		if err != nil {
			continue
		}
		const limit = 1 << 20
		b, err := io.ReadAll(io.LimitReader(f, limit))
		_ = f.Close()
		if err != nil {
			continue
		}
		name, version := m.read(b)
		if m.typ == "pypi" {
			name = pyName(name)
		}
		if !lockWord(name) || version != "" && !lockVersion(version) {
			continue
		}
		p := lockPackage("", m.typ, name, version, "", 0)
		out = append(out, p.PURL())
	}
	return out
}

func jsonProject(b []byte) (name, version string) {
	var m struct{ Name, Version string }
	if json.Unmarshal(b, &m) != nil {
		return "", ""
	}
	return m.Name, m.Version
}

func tomlProject(b []byte) (name, version string) {
	type project struct {
		Name    string `toml:"name"`
		Version any    `toml:"version"` // Cargo's may be the workspace's
	}
	var m struct {
		Package, Project project
		Tool             struct{ Poetry project }
	}
	if _, err := toml.Decode(string(b), &m); err != nil {
		return "", ""
	}
	for _, p := range []project{m.Package, m.Project, m.Tool.Poetry} {
		if p.Name != "" {
			version, _ = p.Version.(string)
			return p.Name, version
		}
	}
	return "", ""
}

func pomProject(b []byte) (name, version string) {
	type coordinates struct {
		Group    string `xml:"groupId"`
		Artifact string `xml:"artifactId"`
		Version  string `xml:"version"`
	}
	var m struct {
		coordinates
		Parent coordinates `xml:"parent"`
	}
	if xml.Unmarshal(b, &m) != nil || m.Artifact == "" {
		return "", ""
	}
	group, version := strings.TrimSpace(m.Group), strings.TrimSpace(m.Version)
	if group == "" {
		group = strings.TrimSpace(m.Parent.Group)
	}
	if version == "" {
		version = strings.TrimSpace(m.Parent.Version)
	}
	return group + "/" + strings.TrimSpace(m.Artifact), version
}
