package confine

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// FuzzDocuments has a hostile workload choose its names: each document, read back by the
// rules of its own format, has the same names and nothing else.
func FuzzDocuments(f *testing.F) {
	f.Add("/var/lib/x", "/etc/app.conf", "nginx")
	f.Add("/a\nprivileged: true", "/x\nr", "x: y\n- z")
	f.Add(`/"{*},[]^@`, `/"{*},[]^@ #\`, `'; rm -rf / #`)
	f.Add("/%n\\", "/\x00\xff", "--privileged")
	f.Add("/a b\u2028c", "/{a,b}", "A.B/c_d:e@f")
	f.Add("/\xff", "/é", "(block x")
	f.Add("/**", "/etc/**", "a")
	f.Add("/a*b/*/**c", "/*", "*")
	f.Fuzz(func(t *testing.T, dir, file, name string) {
		dir, file = "/"+strings.Trim(dir, "/"), "/"+strings.Trim(file, "/")
		if strings.ContainsRune(dir+file, 0) || len(dir)+len(file)+len(name) > 300 {
			return // no kernel has such a path
		}
		o := nginx(t)
		o.Image.Name, o.Image.Volumes = name, nil
		o.Writable, o.Files = []string{dir}, []observe.File{{Path: file, Read: true}, {Path: dir + "/x", Write: true}}
		p, err := Draft(o, Options{})
		if err != nil {
			o.Writable = nil // refused by name; the file's name is still the workload's
			if p, err = Draft(o, Options{}); err != nil {
				t.Fatal(err)
			}
		}
		docs, err := p.Documents("/d", Unproved(p, o), o.Files)
		if err != nil {
			t.Fatal(err)
		}
		dirs := slices.Concat(p.Tmpfs, p.Volumes)
		for _, d := range docs {
			var got, want []string
			switch body := string(d.Body); d.Name {
			case "docker-run.args":
				got, want = mounted(body), dirs
				if n := strings.Count(body, "\n"); n != len(p.DockerArgs("/d/seccomp.json")) {
					t.Fatalf("%d lines of %d options:\n%s", n, len(p.DockerArgs("/d/seccomp.json")), body)
				}
			case "compose.override.yaml":
				got, want = ofCompose(t, body), dirs
			case "kubernetes.yaml":
				got, want = ofKubernetes(t, body), dirs
			case "systemd.conf":
				got, want = ofSystemd(t, body), dirs
				if !p.ReadOnly {
					want = nil
				}
			case "apparmor.profile":
				got = ofAppArmor(t, body)
				want = []string{file, dir + "/x"}
				for _, dir := range dirs {
					want = append(want, dir+"/", dir+"/**")
				}
			case "selinux.cil":
				got, want = ofCIL(t, body), []string{"block", "blockinherit", "blockinherit"}
				if len(p.Capabilities) > 0 {
					want = []string{"allow", "block", "blockinherit", "blockinherit", "capability"}
				}
			case "profile.json":
				var q Profile
				if err := json.Unmarshal(d.Body, &q); err != nil {
					t.Fatal(err)
				}
				got, want = slices.Concat(q.Tmpfs, q.Volumes), dirs
			}
			slices.Sort(got)
			want = slices.Clone(want)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s has %q, want %q:\n%s", d.Name, got, want, d.Body)
			}
		}
	})
}

// mounted are the folders of options of docker run.
func mounted(body string) (dirs []string) {
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if v, ok := strings.CutPrefix(line, "--tmpfs="); ok {
			dir, _, _ := strings.Cut(v, ":")
			dirs = append(dirs, dir)
		} else if dir, ok := strings.CutPrefix(line, "--volume="); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func ofCompose(t *testing.T, body string) (dirs []string) {
	t.Helper()
	var doc struct {
		Services map[string]struct {
			Tmpfs   []string
			Volumes []struct{ Type, Target string }
			Rest    map[string]any `yaml:",inline"`
		}
		Networks map[string]any
	}
	if err := yaml.Unmarshal([]byte(body), &doc); err != nil || len(doc.Services) != 1 {
		t.Fatalf("%v\n%s", err, body)
	}
	for _, s := range doc.Services {
		for _, v := range s.Tmpfs {
			dir, _, _ := strings.Cut(v, ":")
			dirs = append(dirs, dir)
		}
		for _, v := range s.Volumes {
			dirs = append(dirs, v.Target)
		}
		if _, ok := s.Rest["privileged"]; ok {
			t.Fatal(body)
		}
	}
	return dirs
}

func ofKubernetes(t *testing.T, body string) (dirs []string) {
	t.Helper()
	kinds := 0
	for part := range strings.SplitSeq(body, "\n---\n") {
		var doc struct {
			Kind string
			Spec struct {
				Containers []struct {
					VolumeMounts []struct {
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
			}
		}
		if err := yaml.Unmarshal([]byte(part), &doc); err != nil {
			t.Fatalf("%v\n%s", err, part)
		}
		kinds++
		for _, c := range doc.Spec.Containers {
			for _, m := range c.VolumeMounts {
				dirs = append(dirs, m.MountPath)
			}
		}
	}
	if kinds != 3 {
		t.Fatalf("%d documents\n%s", kinds, body)
	}
	return dirs
}

// ofSystemd reads the paths of a unit's lines (systemd.syntax(7)).
func ofSystemd(t *testing.T, body string) (dirs []string) {
	t.Helper()
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if line == "[Service]" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Fatalf("%q is no setting", line)
		}
		if name != "ReadWritePaths" {
			continue
		}
		if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
			t.Fatal(line)
		}
		var b strings.Builder
		for in := value[1 : len(value)-1]; in != ""; {
			switch {
			case strings.HasPrefix(in, "%%"), strings.HasPrefix(in, `\\`), strings.HasPrefix(in, `\"`):
				b.WriteByte(in[1])
				in = in[2:]
			case in[0] == '%', in[0] == '\\', in[0] == '"':
				t.Fatal(line)
			default:
				b.WriteByte(in[0])
				in = in[1:]
			}
		}
		dirs = append(dirs, b.String())
	}
	return dirs
}

// ofAppArmor reads the paths of a profile's rules (apparmor.d(5)): a pattern in quotes.
// Of characters with a meaning, only "*" may stand there unescaped, as a whole name, and
// what we put behind a path.
func ofAppArmor(t *testing.T, body string) (paths []string) {
	t.Helper()
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, `"`) {
			continue
		}
		var b strings.Builder
		in := line[1:]
		for in != "" && in[0] != '"' {
			switch {
			case strings.HasPrefix(in, `{,/}"`):
				in = in[len(`{,/}`):]
			case strings.HasPrefix(in, `/**"`) && strings.HasSuffix(in, ` rwk,`):
				b.WriteString("/**")
				in = in[len("/**"):]
			case in[0] == '*' && (!strings.HasSuffix(b.String(), "/") || len(in) > 1 && !strings.ContainsRune(`/"{`, rune(in[1]))):
				t.Fatalf("a pattern in %s", line)
			case in[0] == '\\' && len(in) > 3 && in[1] >= '0' && in[1] <= '3':
				n, err := strconv.ParseUint(in[1:4], 8, 8)
				if err != nil {
					t.Fatal(line)
				}
				b.WriteByte(byte(n))
				in = in[4:]
			case in[0] == '\\' && len(in) > 1:
				b.WriteByte(in[1])
				in = in[2:]
			case strings.IndexByte(`?[]{}^,@#`, in[0]) >= 0 || in[0] < 0x20:
				t.Fatalf("%q in %s", in[0], line)
			default:
				b.WriteByte(in[0])
				in = in[1:]
			}
		}
		how, ok := strings.CutPrefix(in, `" `)
		if !ok || !slices.Contains([]string{"mrix,", "rwk,", "mr,", "rw,"}, how) {
			t.Fatalf("after the path: %q in %s", in, line)
		}
		paths = append(paths, b.String())
	}
	return paths
}

// ofCIL are the statements of a module: its lists begin with them. Whatever else is in
// it is a name.
func ofCIL(t *testing.T, body string) (statements []string) {
	t.Helper()
	depth := 0
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, ";") {
			continue
		}
		for i, c := range line {
			switch {
			case c == '(':
				depth++
				word := strings.FieldsFunc(line[i+1:], func(r rune) bool { return r == ' ' || r == '(' || r == ')' || r == '\n' })[0]
				if slices.Contains([]string{"block", "blockinherit", "allow", "capability", "capability2"}, word) {
					statements = append(statements, word)
				}
			case c == ')':
				depth--
			case !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_ \n", c):
				t.Fatalf("%q in %s", c, line)
			}
		}
	}
	if depth != 0 {
		t.Fatal(body)
	}
	return statements
}

// TestSyntax has AppArmor's and SELinux's own compilers read what is written, where they
// are, and what is wrong.
func TestSyntax(t *testing.T) {
	o := nginx(t)
	o.Image.Name = "9 Names(; with) \"all\""
	o.Files = append(o.Files, observe.File{Path: `/srv/"{*},[]^@ #`, Read: true}, observe.File{Path: "/srv/a\nb\xff", Write: true})
	p, err := Draft(o, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Capabilities = append(p.Capabilities, "SYS_ADMIN", "BPF", "SYSLOG", "CHECKPOINT_RESTORE")
	docs, err := p.Documents("/d", Unproved(p, o), o.Files)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Check(t.Context(), t.TempDir(), docs)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 2 {
		lacking(t, "apparmor_parser or secilc is not here: %v", all)
	}
	for _, c := range all {
		if c.Error != "" {
			t.Errorf("%s: %s", c.By, c.Error)
		}
	}
	wrong := []Document{{"apparmor.profile", []byte("profile x { no such rule }")}, {"selinux.cil", []byte("(block x (allow y y (process (no_such))))")}}
	all, err = Check(t.Context(), t.TempDir(), wrong)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Error == "" || strings.Contains(c.Error, "/tmp/") {
			t.Errorf("%s: %q", c.By, c.Error)
		}
	}
}
