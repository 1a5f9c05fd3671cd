package audit

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/finding"
)

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
			"a port in full", "runtime/published-everywhere",
			"services:\n  a:\n    image: x:1\n    ports:\n      - target: 80\n        published: \"8080\" # web\n",
			"services:\n  a:\n    image: x:1\n    ports:\n      - target: 80\n        host_ip: 127.0.0.1\n        published: \"8080\" # web\n",
		},
		{
			"a port in full, that says all", "runtime/published-everywhere",
			"services:\n  a:\n    image: x:1\n    ports: [{target: 80, host_ip: 0.0.0.0}]\n",
			"services:\n  a:\n    image: x:1\n    ports: [{target: 80, host_ip: 127.0.0.1}]\n",
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
		{
			"a service in braces", "runtime/writable-root",
			"services:\n  a: {image: 'x:1'}\n", "services:\n  a: {read_only: true, image: 'x:1'}\n",
		},
		{
			"a list in brackets", "runtime/new-privileges",
			"services:\n  a:\n    image: x:1\n    security_opt: [label:disable, x]\n",
			"services:\n  a:\n    image: x:1\n    security_opt: [no-new-privileges:true, label:disable, x]\n",
		},
		{
			"the last of a list in brackets", "runtime/unconfined",
			"services:\n  a:\n    image: x:1\n    security_opt: [no-new-privileges, 'seccomp:unconfined'] # sic\n",
			"services:\n  a:\n    image: x:1\n    security_opt: [no-new-privileges] # sic\n",
		},
		{
			"the first of a list in brackets", "runtime/unconfined",
			"services:\n  a:\n    image: x:1\n    security_opt: [seccomp:unconfined, no-new-privileges]\n",
			"services:\n  a:\n    image: x:1\n    security_opt: [no-new-privileges]\n",
		},
		{
			"a limit where the others are", "runtime/no-pids-limit",
			"services:\n  a:\n    image: x:1\n    deploy:\n      resources:\n        limits:\n          memory: 1G\n",
			"services:\n  a:\n    image: x:1\n    deploy:\n      resources:\n        limits:\n          pids: 256\n          memory: 1G\n",
		},
		{
			"a mark of the encoding", "runtime/writable-root",
			"\xef\xbb\xbfservices:\n  a:\n    image: x:1\n", "\xef\xbb\xbfservices:\n  a:\n    image: x:1\n    read_only: true\n",
		},
		{"a service that another extends", "runtime/writable-root", "services:\n  b:\n    image: x:1\n  a:\n    extends: {service: b}\n", ""},
		{"an extended service", "runtime/writable-root", "services:\n  a:\n    extends: b\n    image: x:1\n  b:\n    image: x:1\n", ""},
		{
			"a secret that another service has as well", "runtime/literal-secret",
			"services:\n  a:\n    image: x:1\n    environment: {DB_PASSWORD: k7Qp2mWz9xLr}\n  b:\n    image: x:1\n    environment: ['DB_PASSWORD=k7Qp2mWz9xLr']\n",
			"services:\n  a:\n    image: x:1\n    environment: {DB_PASSWORD: \"${DB_PASSWORD:?}\"}\n  b:\n    image: x:1\n    environment: ['DB_PASSWORD=k7Qp2mWz9xLr']\n",
		},
		{
			"a secret that a command of the container reads", "runtime/literal-secret",
			"services:\n  a:\n    image: x:1\n    command: echo $$DB_PASSWORD\n    environment: {DB_PASSWORD: k7Qp2mWz9xLr}\n",
			"services:\n  a:\n    image: x:1\n    command: echo $$DB_PASSWORD\n    environment: {DB_PASSWORD: \"${DB_PASSWORD:?}\"}\n",
		},
		{
			"a secret of a name that another service has otherwise", "runtime/literal-secret",
			"services:\n  a:\n    image: x:1\n    environment: {DB_PASSWORD: k7Qp2mWz9xLr}\n  b:\n    image: x:1\n    environment: ['DB_PASSWORD=v9Rt4nXb7cPe']\n", "",
		},
		{
			"a secret of a name that the file asks for", "runtime/literal-secret",
			"services:\n  a:\n    image: x:1\n    environment: {DB_PASSWORD: k7Qp2mWz9xLr}\n  b:\n    image: x:1\n    environment: {A: \"${DB_PASSWORD:-x}\"}\n", "",
		},
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
	defer f.Close()
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
			found := Run(c, Checks()).Findings
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
		found := Run(c, Checks()).Findings
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
		edits(t, text, got.Containers, func(c *Container) string {
			_, name, _ := strings.Cut(c.Subject.Name, "#")
			return "/services/" + escape(name)
		})
	})
}

// edits makes each edit that is offered for containers of a file by itself: it leaves
// YAML, and what the file means differs below the place of the container alone.
func edits(t *testing.T, text string, containers []*Container, place func(*Container) string) {
	t.Helper()
	was, err := parse("compose.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := was.meaning()
	for _, c := range containers {
		for _, x := range Run(c, Checks()).Findings {
			for _, e := range x.Fixes[0].Edits {
				now, err := parse("compose.yaml", Apply([]byte(text), e))
				if err != nil {
					t.Fatalf("%s leaves no YAML: %v", x.Rule, err)
				}
				after, _ := now.meaning()
				for _, path := range differing(before, after) {
					if !strings.HasPrefix(path, place(c)+"/") {
						t.Fatalf("%s of %s changes %s", x.Rule, c.Subject.Name, path)
					}
				}
			}
		}
	}
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
