package audit

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/finding"
)

// compose reads a compose file of one service.
func compose(t testing.TB, text string) *Container {
	t.Helper()
	got, err := ReadCompose("compose.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(got.Containers) != 1 {
		t.Fatalf("%d services in\n%s", len(got.Containers), text)
	}
	return got.Containers[0]
}

func check(t testing.TB, id finding.RuleID) Check {
	t.Helper()
	for _, c := range Checks() {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no rule %s", id)
	return Check{}
}

// fires are the findings of one rule, none of them suppressed.
func fires(t testing.TB, c *Container, id finding.RuleID) []finding.Finding {
	t.Helper()
	found, _ := Run(context.Background(), c, []Check{check(t, id)})
	return found
}

// A rule's own Bad fires it and its own Good does not, and each edit that it offers
// for its Bad leaves a file in which it fires no more.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		found := fires(t, compose(t, c.Bad), c.ID)
		if len(found) == 0 {
			t.Errorf("%s: Bad does not fire it", c.ID)
		}
		for _, f := range found {
			complete(t, f)
			for _, x := range f.Fixes {
				if len(x.Edits) > 0 && len(fires(t, compose(t, string(Apply([]byte(c.Bad), x.Edits[0]))), c.ID)) > 0 {
					t.Errorf("%s: %s leaves it", c.ID, x.Title)
				}
			}
		}
		for _, f := range fires(t, compose(t, c.Good), c.ID) {
			t.Errorf("%s: Good fires it: %s", c.ID, f.Message)
		}
	}
}

func complete(t testing.TB, f finding.Finding) {
	t.Helper()
	if f.Message == "" || f.Severity == 0 || f.Key == "" || strings.HasSuffix(f.Message, ".") || len(f.At) != 1 || len(f.Fixes) == 0 || f.Practice == "" {
		t.Errorf("%s: the finding is incomplete: %+v", f.Rule, f)
	}
	if s := f.At[0].Source; s != nil && (s.Line < 1 || s.Column < 1 || s.End < s.Start) {
		t.Errorf("%s: place %+v", f.Rule, *s)
	}
}

func daemonOf(t testing.TB, text string) *Daemon {
	t.Helper()
	d := &Daemon{}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDaemonExamples(t *testing.T) {
	for _, c := range DaemonChecks() {
		found, unknown := RunDaemon(context.Background(), daemonOf(t, c.Bad), []DaemonCheck{c})
		if len(found) == 0 || len(unknown) > 0 {
			t.Errorf("%s: Bad: %d findings, unknown %v", c.ID, len(found), unknown)
		}
		for _, f := range found {
			complete(t, f)
		}
		found, unknown = RunDaemon(context.Background(), daemonOf(t, c.Good), []DaemonCheck{c})
		if len(found) > 0 || len(unknown) > 0 {
			t.Errorf("%s: Good fires it: %v %v", c.ID, found, unknown)
		}
	}
}

func TestDocumentation(t *testing.T) {
	id := regexp.MustCompile(`^runtime/[a-z-]+$`)
	alias := regexp.MustCompile(`^(CIS-[2-57]\.\d+|CVE-\d{4}-\d+)$`)
	seen := map[finding.RuleID]bool{}
	for _, r := range Rules() {
		if !id.MatchString(string(r.ID)) || seen[r.ID] {
			t.Errorf("id %q", r.ID)
		}
		seen[r.ID] = true
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || len(r.Why) < 80 || r.Bad == "" || r.Good == "" || r.Severity == 0 || !slices.Contains(finding.Practices(), r.Practice) {
			t.Errorf("%s: documentation is incomplete", r.ID)
		}
		for _, a := range r.Aliases {
			if !alias.MatchString(a) {
				t.Errorf("%s: alias %q", r.ID, a)
			}
		}
	}
}

// What a service says in each way that Compose knows.
func TestComposeReading(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		fires      []finding.RuleID
		quiet      []finding.RuleID
		unknown    string
	}{
		{
			name:  "long syntax",
			text:  "services:\n  a:\n    image: x:1\n    volumes:\n      - {type: bind, source: /var/run/docker.sock, target: /s}\n    ports:\n      - {target: 80, published: '8080'}\n",
			fires: []finding.RuleID{"runtime/docker-socket", "runtime/published-everywhere"},
		},
		{
			name:  "loopback, a named volume and a tmpfs",
			text:  "services:\n  a:\n    image: x:1\n    volumes: [data:/etc, {type: volume, source: etc, target: /etc}]\n    ports: ['127.0.0.1:1:1', '[::1]:2:2', {target: 80, host_ip: 127.0.0.1}]\n",
			quiet: []finding.RuleID{"runtime/sensitive-mount", "runtime/published-everywhere"},
		},
		{
			name:  "limits of deploy",
			text:  "services:\n  a:\n    image: x:1\n    deploy: {resources: {limits: {memory: 50M, pids: 5, cpus: '0.5'}}}\n",
			quiet: []finding.RuleID{"runtime/no-memory-limit", "runtime/no-pids-limit", "runtime/no-cpu-limit"},
		},
		{
			name:  "a merge",
			text:  "x-a: &a\n  privileged: true\n  security_opt: [no-new-privileges]\nservices:\n  a:\n    <<: *a\n    image: x:1\n",
			fires: []finding.RuleID{"runtime/privileged"},
			quiet: []finding.RuleID{"runtime/new-privileges"},
		},
		{
			name:    "a variable without a value",
			text:    "services:\n  a:\n    image: x:1\n    read_only: ${RO}\n    mem_limit: ${MEM}\n",
			quiet:   []finding.RuleID{"runtime/writable-root", "runtime/no-memory-limit"},
			unknown: "what read_only comes to",
		},
		{
			name:    "another file",
			text:    "services:\n  a:\n    extends: {file: other.yaml, service: b}\n    privileged: true\n",
			fires:   []finding.RuleID{"runtime/privileged"},
			quiet:   []finding.RuleID{"runtime/writable-root", "runtime/no-memory-limit", "runtime/new-privileges"},
			unknown: "what it says in all",
		},
		{
			name:  "seccomp with either sign, and capabilities with their prefix",
			text:  "services:\n  a:\n    image: x:1\n    cap_add: [cap_sys_admin]\n    security_opt: ['seccomp=unconfined']\n",
			fires: []finding.RuleID{"runtime/unconfined", "runtime/added-capability"},
		},
		{
			name:  "no user but root's number",
			text:  "services:\n  a:\n    image: x:1\n    user: '0:0'\n",
			fires: []finding.RuleID{"runtime/root-user"},
		},
		{
			name:    "the image's user",
			text:    "services:\n  a:\n    image: x:1\n",
			quiet:   []finding.RuleID{"runtime/root-user"},
			unknown: "the user that it runs as",
		},
		{
			name:  "a registry's port is no tag",
			text:  "services:\n  a:\n    image: localhost:5000/x\n",
			fires: []finding.RuleID{"runtime/latest-tag"},
		},
		{
			name:  "flags where another program has them",
			text:  "services:\n  a:\n    image: docker:28\n    command: docker run --cap-drop ALL x\n",
			quiet: []finding.RuleID{"runtime/no-effect"},
		},
		{
			name:  "dropped capabilities of a privileged container",
			text:  "services:\n  a:\n    image: x:1\n    privileged: true\n    cap_drop: [ALL]\n",
			fires: []finding.RuleID{"runtime/no-effect"},
		},
		{
			name:  "secrets",
			text:  "services:\n  a:\n    image: x:1\n    environment: [DB_PASSWORD=k7Qp2mWz9xLr]\n",
			fires: []finding.RuleID{"runtime/literal-secret"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := compose(t, tt.text)
			found, unknown := Run(context.Background(), c, Checks())
			has := func(id finding.RuleID) bool {
				return slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Rule == id })
			}
			for _, id := range tt.fires {
				if !has(id) {
					t.Errorf("%s does not fire", id)
				}
			}
			for _, id := range tt.quiet {
				if has(id) {
					t.Errorf("%s fires", id)
				}
			}
			if tt.unknown != "" && !slices.ContainsFunc(unknown, func(u finding.Unknown) bool { return u.What == tt.unknown }) {
				t.Errorf("unknown: %+v", unknown)
			}
		})
	}
}

// Edits keep comments, order, anchors, quotes and line ends, and are refused where
// they would say more than they mean.
func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		name string
		rule finding.RuleID
		was  string
		is   string // empty: there is no edit
	}{
		{
			"a list gets an item", "runtime/new-privileges",
			"services:\n  a: # the app\n    image: x:1\n    security_opt:\n      # why\n      - label:disable # here\n    tty: true\n",
			"services:\n  a: # the app\n    image: x:1\n    security_opt:\n      # why\n      - label:disable # here\n      - no-new-privileges:true\n    tty: true\n",
		},
		{
			"a field below the image", "runtime/writable-root",
			"services:\n  a:\n    tty: true\n    image: x:1 # pinned\n    # next\n    init: true\n",
			"services:\n  a:\n    tty: true\n    image: x:1 # pinned\n    read_only: true\n    # next\n    init: true\n",
		},
		{
			"a field that is there", "runtime/writable-root",
			"services:\n  a:\n    image: x:1\n    read_only:   false # sic\n",
			"services:\n  a:\n    image: x:1\n    read_only:   true # sic\n",
		},
		{
			"carriage returns", "runtime/writable-root",
			"services:\r\n  a:\r\n    image: x:1\r\n    tty: true\r\n",
			"services:\r\n  a:\r\n    image: x:1\r\n    read_only: true\r\n    tty: true\r\n",
		},
		{
			"no line end", "runtime/writable-root",
			"services:\n  a:\n    image: x:1",
			"services:\n  a:\n    image: x:1\n    read_only: true",
		},
		{
			"the item alone goes with its field", "runtime/unconfined",
			"services:\n  a:\n    image: x:1\n    security_opt:\n      - seccomp:unconfined\n    tty: true\n",
			"services:\n  a:\n    image: x:1\n    tty: true\n",
		},
		{
			"a comment would go with it", "runtime/unconfined",
			"services:\n  a:\n    image: x:1\n    security_opt:\n      - seccomp:unconfined # for gdb\n    tty: true\n", "",
		},
		{
			"quotes", "runtime/published-everywhere",
			"services:\n  a:\n    image: x:1\n    ports: ['80:80']\n",
			"services:\n  a:\n    image: x:1\n    ports: [\"127.0.0.1:80:80\"]\n",
		},
		{
			"a service that others are made from", "runtime/writable-root",
			"services:\n  a: &a\n    image: x:1\n  b:\n    <<: *a\n    tty: true\n", "",
		},
		{
			"a merge of what is not edited", "runtime/writable-root",
			"x-c: &c\n  init: true\nservices:\n  a:\n    <<: *c\n    image: x:1\n",
			"x-c: &c\n  init: true\nservices:\n  a:\n    <<: *c\n    image: x:1\n    read_only: true\n",
		},
		{
			"a value that is merged in", "runtime/privileged",
			"x-c: &c\n  privileged: true\nservices:\n  a:\n    <<: *c\n    image: x:1\n  b:\n    <<: *c\n    image: x:1\n", "",
		},
		{"a service in braces", "runtime/writable-root", "services:\n  a: {image: 'x:1'}\n", ""},
		{"an extended service", "runtime/writable-root", "services:\n  a:\n    extends: b\n    image: x:1\n  b:\n    image: x:1\n", ""},
		{
			"secrets of a list", "runtime/literal-secret",
			"services:\n  a:\n    image: x:1\n    environment:\n      - DB_PASSWORD=k7Qp2mWz9xLr\n",
			"services:\n  a:\n    image: x:1\n    environment:\n      - \"DB_PASSWORD=${DB_PASSWORD:?}\"\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadCompose("compose.yaml", []byte(tt.was), nil)
			if err != nil {
				t.Fatal(err)
			}
			found := fires(t, got.Containers[0], tt.rule)
			if len(found) == 0 {
				t.Fatal("it does not fire")
			}
			edits := found[0].Fixes[0].Edits
			if tt.is == "" {
				if len(edits) > 0 {
					t.Errorf("it is edited to\n%s", Apply([]byte(tt.was), edits[0]))
				}
				return
			}
			if len(edits) != 1 {
				t.Fatalf("%d edits", len(edits))
			}
			if is := string(Apply([]byte(tt.was), edits[0])); is != tt.is {
				t.Errorf("it is edited to\n%s\nand not to\n%s", is, tt.is)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	text := "# start it\n" +
		"sudo docker run -d --name web -p80:80 --read-only --cap-drop=ALL --security-opt no-new-privileges -m 64m \\\n" +
		"  --pids-limit 20 --cpus .5 --user 33 --network web nginx:1.28\n" +
		"docker container run -it --privileged=true -v /:/host alpine sh -c 'ls; id'\n" +
		"docker run --unheard-of x y\n" +
		"docker run --memory $MEM alpine:3 --security-opt seccomp=x.json\n"
	got, err := ReadCommands("<stdin>", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range got.Containers {
		found, unknown := Run(context.Background(), c, Checks())
		line := c.Subject.Name + ":"
		for _, f := range found {
			line += " " + strings.TrimPrefix(string(f.Rule), "runtime/")
		}
		for _, u := range unknown {
			if !u.Beyond {
				line += " ?" + u.What
			}
		}
		lines = append(lines, line)
	}
	for _, u := range got.Unknown {
		lines = append(lines, u.What+": "+u.Why)
	}
	want := []string{
		"<stdin>:2: published-everywhere",
		"<stdin>:4: privileged new-privileges writable-root no-memory-limit no-pids-limit no-cpu-limit sensitive-mount default-bridge latest-tag",
		"<stdin>:6: new-privileges writable-root no-pids-limit no-cpu-limit default-bridge no-effect ?what mem_limit comes to",
		"<stdin>:5: the container that it starts: the flag --unheard-of is not known here, nor whether it takes a value",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// What a host ignores is told of it, and what it has no part in is not.
func TestIgnoredByTheHost(t *testing.T) {
	text := "services:\n  a:\n    image: x:1\n    security_opt: ['apparmor:mine', 'label:type:x']\n    mem_limit: 1g\n    pids_limit: 5\n"
	c := compose(t, text)
	c.Host = &Host{Seccomp: true, SELinux: true, PIDsLimit: true}
	var got []string
	for _, f := range fires(t, c, "runtime/no-effect") {
		got = append(got, f.Key)
	}
	if strings.Join(got, " ") != "apparmor:mine mem_limit" {
		t.Errorf("ignored: %q", got)
	}
	c.Host = &Host{Seccomp: true, AppArmor: true, SELinux: true, PIDsLimit: true, MemoryLimit: true}
	if found := fires(t, c, "runtime/no-effect"); len(found) > 0 {
		t.Errorf("nothing is ignored: %v", found)
	}
}

func TestOlder(t *testing.T) {
	for v, want := range map[string]bool{"29.3.0": true, "29.3.1": false, "20.10.24+dfsg1": true, "30.0.0": false, "29.3.1-rc.1": false, "dev": false, "29": true} {
		if older(v, 29, 3, 1) != want {
			t.Errorf("%s: %v", v, !want)
		}
	}
}

// wild are the compose files of the corpus.
func wild(t testing.TB) map[string][]byte {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "compose", "corpus.tar.xz"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	defer f.Close() //nolint:errcheck // read only
	x, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for tr := tar.NewReader(x); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, ".tsv") {
			continue
		}
		if out[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

// Over the compose files from the wild: each is read, each finding has a place, and
// after each edit the rule has one finding less and every other service, and every
// other field of the service, says what it said.
func TestWild(t *testing.T) {
	files := wild(t)
	if len(files) < 60 {
		t.Fatalf("%d files", len(files))
	}
	fired, edited, refused := map[finding.RuleID]int{}, 0, 0
	for name, b := range files {
		got, err := ReadCompose(name, b, nil)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		before := tally(t, got)
		for _, c := range got.Containers {
			found, _ := Run(context.Background(), c, Checks())
			for _, f := range found {
				fired[f.Rule]++
				complete(t, f)
				if len(f.Fixes[0].Edits) == 0 {
					refused++
					continue
				}
				edited++
				now := Apply(b, f.Fixes[0].Edits[0])
				again, err := ReadCompose(name, now, nil)
				if err != nil {
					t.Errorf("%s: %s: %v", name, f.Fixes[0].Title, err)
					continue
				}
				after := tally(t, again)
				key := c.Subject.Name + " " + string(f.Rule)
				if after[key] != before[key]-1 {
					t.Errorf("%s: %s: %d findings, then %d\n%s", key, f.Fixes[0].Title, before[key], after[key], now)
				}
				for k, n := range after {
					if k != key && n != before[k] {
						t.Errorf("%s: %s: %s had %d findings, and has %d", key, f.Fixes[0].Title, k, before[k], n)
					}
				}
				if comments(b) != comments(now) {
					t.Errorf("%s: %s: a comment is lost", key, f.Fixes[0].Title)
				}
			}
		}
	}
	t.Logf("%d files, %d edits, %d findings without one, %v", len(files), edited, refused, fired)
	if edited < 500 {
		t.Errorf("only %d edits", edited)
	}
}

// tally counts the findings of each service and rule.
func tally(t testing.TB, r *Read) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, c := range r.Containers {
		found, _ := Run(context.Background(), c, Checks())
		for _, f := range found {
			out[c.Subject.Name+" "+string(f.Rule)]++
		}
	}
	return out
}

// comments are those of a file that stand on lines of their own.
func comments(b []byte) string {
	var out []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// FuzzCompose: whatever the bytes are, an edit that is offered changes one field of
// the service that it is for, and no other part of the file's meaning.
func FuzzCompose(f *testing.F) {
	for _, c := range Checks() {
		f.Add(c.Bad)
		f.Add(c.Good)
	}
	f.Add("x: &a\n  privileged: true\nservices:\n  'a/b': {<<: *a, image: \"x\\u0041\"}\n  c:\n    <<: [*a]\n    ports: [80, \"1:2\"]\n")
	f.Add("services:\n  a: &b\n    extends: {service: c}\n    environment: {A: &x y, DB_PASSWORD: *x}\n  c: *b\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadCompose("compose.yaml", []byte(text), nil)
		if err != nil {
			return
		}
		was, err := parse("compose.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		before, _ := was.meaning()
		for _, c := range got.Containers {
			found, _ := Run(context.Background(), c, Checks())
			for _, x := range found {
				for _, e := range x.Fixes[0].Edits {
					now, err := parse("compose.yaml", Apply([]byte(text), e))
					if err != nil {
						t.Fatalf("%s leaves no YAML: %v", x.Rule, err)
					}
					after, _ := now.meaning()
					_, name, _ := strings.Cut(c.Subject.Name, "#")
					for _, path := range differing(before, after) {
						if !strings.HasPrefix(path, "/services/"+escape(name)+"/") {
							t.Fatalf("%s of %s changes %s", x.Rule, c.Subject.Name, path)
						}
					}
				}
			}
		}
	})
}

func differing(a, b map[string]string) []string {
	var out []string
	for p, v := range a {
		if w, ok := b[p]; !ok || v != w {
			out = append(out, p)
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			out = append(out, p)
		}
	}
	return out
}
