package audit

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// kept are files by name.
func kept(all map[string]string) Files {
	return func(name string) ([]byte, error) {
		if text, ok := all[name]; ok {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
}

// TestProjectAsCompose: what a service extends in other files, and what its tags take away,
// comes to what Compose has.
func TestProjectAsCompose(t *testing.T) {
	base := "services:\n  base:\n    image: redis:7\n    privileged: true\n    cap_add: [SYS_ADMIN, CHOWN]\n    user: root\n" +
		"  more: {extends: base, cap_add: [NET_RAW], read_only: true}\n  far: {extends: {file: sub/far.yaml, service: far}}\n"
	far := "services:\n  far: {image: far, cap_add: [MKNOD], extends: {service: near}}\n  near: {pid: host, image: near}\n"
	for name, text := range map[string]string{
		"extends":          "extends: {file: base.yaml, service: base}",
		"extends twice":    "extends: {file: base.yaml, service: more}",
		"extends far":      "extends: {file: base.yaml, service: far}",
		"adds":             "extends: {file: base.yaml, service: base}\n    cap_add: [KILL]\n    image: own",
		"resets a list":    "extends: {file: base.yaml, service: base}\n    cap_add: !reset []",
		"resets a value":   "extends: {file: base.yaml, service: base}\n    privileged: !reset null\n    user: !reset null",
		"overrides a list": "extends: {file: base.yaml, service: base}\n    cap_add: !override [KILL]",
		"resets its own":   "image: x\n    privileged: !reset true\n    cap_add: !reset [ALL]",
		"overrides none":   "image: x\n    cap_add: !override [ALL]",
	} {
		text = "name: x\nservices:\n  web:\n    " + text + "\n"
		dir := t.TempDir()
		files := map[string]string{}
		for name, text := range map[string]string{"compose.yaml": text, "base.yaml": base, "sub/far.yaml": far} {
			at := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			files[at] = text
		}
		main := filepath.Join(dir, "compose.yaml")
		p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
			WorkingDir: dir, ConfigFiles: []types.ConfigFile{{Filename: main}}, Environment: map[string]string{},
		})
		if err != nil {
			t.Fatalf("%s: Compose: %v", name, err)
		}
		want := p.Services["web"]
		got, err := ReadProject(main, []byte(text), nil, kept(files))
		if err != nil || len(got.Containers) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		c := got.Containers[0]
		caps := slices.Clone(c.CapAdd)
		slices.Sort(caps)
		theirs := slices.Clone(want.CapAdd)
		slices.Sort(theirs)
		if c.Image != want.Image || c.Privileged != want.Privileged || c.User != want.User || c.PID != want.Pid || c.ReadOnly != want.ReadOnly || !slices.Equal(caps, theirs) {
			t.Errorf("%s: %+v, and Compose has %+v", name, c, want)
		}
		if why := c.Unsure("privileged") + c.Unsure("cap_add") + c.Unsure("*"); why != "" {
			t.Errorf("%s: not known: %s", name, why)
		}
		for i := range c.CapAdd { // places are in the file that says so
			if at := c.at(fmt.Sprintf("cap_add/%d", i)); at.Source == nil || !strings.Contains(files[at.Source.File][at.Source.Start:at.Source.End], c.CapAdd[i]) {
				t.Errorf("%s: %s is said to stand at %+v", name, c.CapAdd[i], at.Source)
			}
		}
	}
}

// TestProjectFiles: included files are read; what cannot be read is told, and never taken for
// nothing.
func TestProjectFiles(t *testing.T) {
	files := kept(map[string]string{
		"a/one.yaml":     "services:\n  one: {image: one, privileged: true}\n",
		"a/sub/two.yaml": "include: [../one.yaml]\nservices:\n  two: {image: two, volumes: [\"./x:/x\"]}\n",
		"a/loop.yaml":    "include: [loop.yaml]\nservices: {l: {image: l}}\n",
		"a/bad.yaml":     "services: [",
		"a/empty.yaml":   "name: x\n",
		"a/var.yaml":     "services: {v: {image: v, privileged: '${P}'}}\n",
		"a/own/.env":     "P=true\n",
		"a/own/var.yaml": "services: {v: {image: v, privileged: '${P}'}}\n",
		"a/own/via.yaml": "include: ['${P}.yaml']\n",
	})
	known := func(value string) (string, []string, error) {
		return unexpanded(strings.ReplaceAll(value, "${P}", "false"))
	}
	for name, c := range map[string]struct {
		text, services, unknown string
	}{
		"one":                        {"include: [one.yaml]\nservices: {w: {image: w}}", "a/one.yaml#one a/compose.yaml#w", ""},
		"no others":                  {"include: [one.yaml]", "a/one.yaml#one", ""},
		"by path":                    {"include: [{path: sub/two.yaml}]\nservices: {}", "a/one.yaml#one a/sub/two.yaml#two", ""},
		"one of one":                 {"include: [{path: [one.yaml]}]\nservices: {}", "a/one.yaml#one", ""},
		"several":                    {"include: [{path: [one.yaml, sub/two.yaml]}]\nservices: {}", "", "several files are merged"},
		"a loop":                     {"include: [loop.yaml]\nservices: {}", "a/loop.yaml#l", "includes itself"},
		"itself":                     {"include: [compose.yaml]\nservices: {}", "", "not exist"},
		"none":                       {"include: [none.yaml]\nservices: {}", "", "not exist"},
		"broken":                     {"include: [bad.yaml]\nservices: {}", "", "a/bad.yaml"},
		"without any":                {"include: [empty.yaml]\nservices: {}", "", "no services"},
		"far away":                   {"include: [\"https://example.com/a.yaml\"]\nservices: {}", "", "is no file here"},
		"a variable":                 {"include: [\"${X}.yaml\"]\nservices: {}", "", "is not set"},
		"no list":                    {"include: {a: b}\nservices: {}", "", "no list"},
		"extends none":               {"services: {w: {image: w, extends: {file: none.yaml, service: x}}}", "a/compose.yaml#w", "*: it extends a service of none.yaml, which is not read"},
		"extends what is not there":  {"services: {w: {image: w, extends: {file: one.yaml, service: x}}}", "a/compose.yaml#w", "*: it extends \"x\""},
		"a volume of another folder": {"services: {w: {extends: {file: sub/two.yaml, service: two}}}", "a/compose.yaml#w", "volumes: paths of a/sub/two.yaml begin at its folder"},
		"a project directory":        {"include: [{path: sub/two.yaml, project_directory: /}]", "a/one.yaml#one a/sub/two.yaml#two", "volumes: paths of a/sub/two.yaml begin at its project_directory"},
		"a variable from here":       {"include: [var.yaml]", "a/var.yaml#v", ""},
		"a folder's own variables":   {"include: [own/var.yaml]", "a/own/var.yaml#v", "privileged: the variables of the included file are not read"},
		"variables that are named":   {"include: [{path: var.yaml, env_file: x}]", "a/var.yaml#v", "privileged: the variables of the included file are not read"},
		"variables further on":       {"include: [own/via.yaml]", "", "the variables of the included file are not read"},
		"a tag within":               {"services: {w: {image: w, deploy: {resources: !reset null}}}", "a/compose.yaml#w", "deploy: a tag in it"},
		"a tag of one's own":         {"services: {w: {image: w, privileged: !mine true}}", "a/compose.yaml#w", "privileged: a tag in it"},
	} {
		got, err := ReadProject("a/compose.yaml", []byte(c.text), known, files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var services, unknown []string
		for _, s := range got.Containers {
			services = append(services, s.Subject.Name)
			for _, field := range []string{"*", "volumes", "deploy", "privileged"} {
				if why := s.Unsure(field); why != "" {
					unknown = append(unknown, field+": "+why)
				}
			}
		}
		for _, u := range got.Unknown {
			unknown = append(unknown, u.Why)
		}
		if all := strings.Join(unknown, "; "); strings.Join(services, " ") != c.services || c.unknown == "" != (all == "") || !strings.Contains(all, c.unknown) {
			t.Errorf("%s: %v, unknown: %s", name, services, all)
		}
	}
	if got, err := ReadCompose("a/compose.yaml", []byte("include: [one.yaml]\nservices: {w: {image: w}}"), nil); err != nil || len(got.Containers) != 1 || len(got.Unknown) != 1 || !got.Unknown[0].Beyond {
		t.Errorf("without files: %+v %v", got, err)
	}
}
