package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

// loaded is what Compose's own loader makes of a file: what each path of the project
// says.
func loaded(text string) (map[string]string, error) {
	env := types.Mapping{}
	for _, m := range regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`).FindAllStringSubmatch(text, -1) {
		env[m[1]] = "1"
	}
	logrus.SetLevel(logrus.ErrorLevel)
	p, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: os.TempDir(), Environment: env, ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
	}, func(o *loader.Options) {
		o.SetProjectName("law", true)
		o.SkipResolveEnvironment, o.SkipInclude = true, true
		o.Profiles = []string{"*"}
	})
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	out := map[string]string{}
	flatten("", doc, out)
	return out, nil
}

func flatten(path string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			flatten(path+"/"+escape(k), one, out)
		}
	case []any:
		for i, one := range v {
			flatten(fmt.Sprintf("%s/%d", path, i), one, out)
		}
	default:
		out[path] = fmt.Sprint(v)
	}
}

// holdLaw makes each edit that is offered for a compose file by itself. Compose must
// then read the file as before, but for the field of the service that the fix is for.
func holdLaw(t fataler, name, text string) (edits int) {
	before, err := loaded(text)
	if err != nil {
		return -1
	}
	got, err := ReadCompose(name, []byte(text), nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	was, err := parse(name, []byte(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	said, _ := was.meaning()
	var together []finding.Edit
	for _, c := range got.Containers {
		_, service, _ := strings.Cut(c.Subject.Name, "#")
		for _, f := range Run(c, Checks()).Findings {
			for _, e := range f.Fixes[0].Edits {
				edits++
				together = append(together, e)
				now := string(Apply([]byte(text), e))
				after, err := loaded(now)
				if err != nil {
					t.Fatalf("%s: %s: Compose refuses it: %v\n%s", f.Subject.Name, f.Fixes[0].Title, err, now)
				}
				is, err := parse(name, []byte(now))
				if err != nil {
					t.Fatalf("%v", err)
				}
				says, _ := is.meaning()
				meant := fields(differing(said, says), service)
				read := slices.DeleteFunc(fields(differing(before, after), service), func(p string) bool {
					// Out of another network mode, a service is in the project's own network.
					return slices.Contains(meant, "network_mode") && (p == "networks" || strings.HasPrefix(p, "/networks/default/"))
				})
				if !slices.Equal(read, meant) {
					t.Fatalf("%s: %s: it means %q, and Compose reads %q\n%s", f.Subject.Name, f.Fixes[0].Title, meant, read, now)
				}
				if comments(([]byte)(text)) != comments([]byte(now)) {
					t.Fatalf("%s: %s: a comment is lost\n%s", f.Subject.Name, f.Fixes[0].Title, now)
				}
			}
		}
	}
	now := atOnce([]byte(text), together)
	if _, err := loaded(string(now)); err != nil {
		t.Fatalf("%s: Compose refuses what all fixes at once come to: %v\n%s", name, err, now)
	}
	if comments([]byte(text)) != comments(now) {
		t.Fatalf("%s: all fixes at once lose a comment\n%s", name, now)
	}
	return edits
}

// atOnce makes all edits, but for those that want bytes that another has: a round of
// fixes.
func atOnce(b []byte, edits []finding.Edit) []byte {
	slices.SortStableFunc(edits, func(a, b finding.Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.New, b.New))
	})
	var taken []finding.Edit
	for _, e := range edits {
		if !slices.ContainsFunc(taken, func(x finding.Edit) bool {
			if x.Start == x.End || e.Start == e.End {
				return x.Start < e.Start && e.Start < x.End || e.Start < x.Start && x.Start < e.End || x == e
			}
			return x.Start < e.End && e.Start < x.End
		}) {
			taken = append(taken, e)
		}
	}
	for _, e := range slices.Backward(taken) {
		b = Apply(b, e)
	}
	return b
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// fields are those of a service that paths are in; what is elsewhere is a path.
func fields(paths []string, service string) []string {
	var out []string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, "/services/"+escape(service)+"/"); ok {
			p, _, _ = strings.Cut(rest, "/")
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// Over the compose files from the wild, and every example of a rule.
func TestComposeLaw(t *testing.T) {
	files, edits := wild(t), 0
	for _, c := range Checks() {
		if !IsManifest([]byte(c.Bad)) {
			files[string(c.ID)] = []byte(c.Bad)
		}
	}
	refused := 0
	for name, b := range files {
		if n := holdLaw(t, name, string(b)); n >= 0 {
			edits += n
		} else {
			refused++
		}
	}
	t.Logf("%d files, of which Compose reads %d; %d edits", len(files), len(files)-refused, edits)
	if refused > 3 || edits < 500 {
		t.Errorf("%d edits, and %d files that Compose does not read", edits, refused)
	}
}

// oneOf draws one of some texts.
func oneOf(t *rapid.T, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, "text") }

// drawnField is a field of a service in one of the ways in which people write it.
func drawnField(t *rapid.T, name string) string {
	switch name {
	case "image":
		return oneOf(t, "image: nginx:1.28", "image: 'nginx:1.28'", "image: \"nginx\"", "image: nginx:latest # newest", "image: nginx:${TAG:-1}")
	case "ports":
		return oneOf(t, "ports: ['80:80', \"443\"]", "ports:\n- 8080:80\n- 127.0.0.1:1:1 # mine", "ports:\n  - target: 80\n    published: 8080\n    # all\n    host_ip: 0.0.0.0",
			"ports:\n- {target: 80, mode: host}", "ports:\n  -   \"6060:6060/udp\"")
	case "volumes":
		return oneOf(t, "volumes: [data:/data]", "volumes:\n- type: bind\n  source: /etc\n  target: /e\n  read_only: true", "volumes:\n- /var/run/docker.sock:/s:ro # why")
	case "environment":
		return oneOf(t, "environment:\n  DB_PASSWORD: v9Rt4nXb7cPe", "environment:\n- DB_PASSWORD=v9Rt4nXb7cPe # sic\n- A", "environment: {API_TOKEN: 'v9Rt4nXb7cPe', B: \"x\"}",
			"environment:\n  A: |\n    many\n    lines")
	case "security_opt":
		return oneOf(t, "security_opt: [seccomp:unconfined]", "security_opt:\n- label:disable\n- seccomp=unconfined", "security_opt:\n  # why\n  - no-new-privileges:false",
			"security_opt: ['apparmor:unconfined', \"label:disable\"]")
	case "cap_add":
		return oneOf(t, "cap_add: [SYS_ADMIN, CHOWN]", "cap_add:\n- NET_ADMIN", "cap_add:\n  - 'SYS_PTRACE'\n  - KILL", "cap_add: [ ALL ]")
	case "deploy":
		return oneOf(t, "deploy:\n  resources:\n    limits:\n      memory: 1G", "deploy: {resources: {limits: {cpus: '0.5'}}}", "deploy:\n  restart_policy:\n    condition: any",
			"deploy:\n  replicas: 2")
	case "command":
		return oneOf(t, "command: sh -c 'echo $$HOME'", "command: [\"a\", \"--cap-drop\", \"ALL\"]", "command: >\n  a\n  b")
	}
	return oneOf(t, name+": "+oneOf(t, map[string][]string{
		"privileged": {"true", "false", "\"true\""}, "read_only": {"false", "true # yes"}, "user": {"root", "\"0:0\"", "1000"}, "restart": {"always", "'unless-stopped'", "\"no\""},
		"network_mode": {"host", "bridge"}, "pid": {"host"}, "mem_limit": {"0", "1g"}, "pids_limit": {"-1", "0x10", "10"}, "cgroup_parent": {"/x", "'/x'"}, "tty": {"true"},
	}[name]...))
}

// drawnFile is a compose file as people write them: with comments, anchors, merges,
// braces, quotes, an extended service, line ends of either kind.
func drawnFile(t *rapid.T) string {
	var b strings.Builder
	comment := func(indent string) {
		if rapid.IntRange(0, 3).Draw(t, "comment") == 0 {
			b.WriteString(indent + oneOf(t, "# a comment\n", "\n", "#\n"))
		}
	}
	comment("")
	merged := rapid.Bool().Draw(t, "merged")
	if merged {
		b.WriteString("x-common: &common" + oneOf(t, "\n  restart: always\n  tty: true\n", " {read_only: false, init: true}\n", " # all\n  security_opt: &opts\n  - label:disable\n"))
	}
	if rapid.Bool().Draw(t, "version") {
		b.WriteString(oneOf(t, "version: '3.8'\n", "name: law\n"))
	}
	comment("")
	b.WriteString("services:\n")
	step := oneOf(t, "  ", "    ")
	names := []string{"web", "'db'", "a.b-c"}[:rapid.IntRange(1, 3).Draw(t, "services")]
	for i, name := range names {
		comment(step)
		if i > 0 && rapid.IntRange(0, 5).Draw(t, "flow") == 0 {
			b.WriteString(step + name + ": {image: 'x:1', " + oneOf(t, "privileged: true", "cap_add: [BPF, KILL]", "restart: always", "ports: ['1:1']") + "}\n")
			continue
		}
		b.WriteString(step + name + ":" + oneOf(t, "\n", " # a service\n"))
		var lines []string
		if merged && rapid.Bool().Draw(t, "merge") {
			lines = append(lines, oneOf(t, "<<: *common", "<<: [*common]"))
		}
		if i > 0 && rapid.IntRange(0, 4).Draw(t, "extends") == 0 {
			lines = append(lines, "extends:\n  service: web")
		}
		others := []string{
			"ports", "volumes", "environment", "security_opt", "cap_add", "deploy", "command", "privileged", "read_only", "user", "restart", "network_mode", "pid",
			"mem_limit", "pids_limit", "cgroup_parent", "tty",
		}
		for _, f := range append([]string{"image"}, rapid.SliceOfNDistinct(rapid.SampledFrom(others), 0, 6, func(s string) string { return s }).Draw(t, "fields")...) {
			lines = append(lines, drawnField(t, f))
		}
		if rapid.Bool().Draw(t, "image last") {
			slices.Reverse(lines)
		}
		for _, l := range lines {
			comment(step + step)
			b.WriteString(step + step + strings.ReplaceAll(l, "\n", "\n"+step+step) + "\n")
		}
	}
	b.WriteString("volumes:\n" + step + "data:\n")
	text := b.String()
	switch oneOf(t, "as it is", "carriage returns", "no line end", "mark") {
	case "carriage returns":
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case "no line end":
		text = strings.TrimSuffix(text, "\n")
	case "mark":
		text = "\xef\xbb\xbf" + text
	}
	return text
}

func TestComposeLawDrawn(t *testing.T) {
	files, read, edits := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		files++
		if n := holdLaw(t, "compose.yaml", drawnFile(t)); n >= 0 {
			read++
			edits += n
		}
	})
	t.Logf("%d files drawn, Compose reads %d; %d edits", files, read, edits)
	if read < files/2 || edits < files {
		t.Errorf("%d files drawn, Compose reads %d; %d edits", files, read, edits)
	}
}
