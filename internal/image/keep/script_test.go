package keep

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadScript(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       script
	}{
		{"names", "#!/bin/sh -e\nset -e\nsed -i s/a/b/ /etc/x.conf | grep 'y'\nif test -f /opt/y; then . /opt/y; fi\nexec \"$@\"\n", script{
			Interpreter: []string{"/bin/sh", "-e"}, Programs: []string{"set", "sed", "/etc/x.conf", "grep", "test", "/opt/y", ".", "exec"},
		}},
		{"carried", "#!/bin/bash\nexec gosu redis redis-server\nenv A=b nice ls\n", script{
			Interpreter: []string{"/bin/bash"}, Programs: []string{"exec", "gosu", "redis", "redis-server", "env", "A=b", "nice", "ls"},
		}},
		{"dynamic", "#!/bin/sh\n$cmd now\n", script{Interpreter: []string{"/bin/sh"}, Dynamic: "line 2: $cmd"}},
		{"eval", "#!/bin/sh\neval \"$x\"\n", script{Interpreter: []string{"/bin/sh"}, Programs: []string{"eval"}, Dynamic: "line 2: eval"}},
		{"own functions", "#!/bin/sh\nf() { ls; }\nf\n", script{Interpreter: []string{"/bin/sh"}, Programs: []string{"ls"}}},
		{"env", "#!/usr/bin/env python3\nimport os\n", script{Interpreter: []string{"/usr/bin/env", "python3"}}},
		{"broken", "#!/bin/sh\nif then (\n", script{Interpreter: []string{"/bin/sh"}, Dynamic: "it is not a script that can be parsed"}},
	} {
		if d := cmp.Diff(c.want, readScript([]byte(c.text))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// FuzzScript: whatever the bytes are, what a script names is written in it, and bounded.
func FuzzScript(f *testing.F) {
	f.Add([]byte("#!/bin/sh\nexec \"$@\"\nsed x | grep y; /bin/ls\n"))
	f.Add([]byte("#!/usr/bin/env node\n"))
	f.Add([]byte("a() { b; }; a; $c; eval d; 'e f'\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<12 {
			return
		}
		s := readScript(b)
		if len(s.Programs) > maxNeeds {
			t.Fatalf("%d programs", len(s.Programs))
		}
		bare := strings.NewReplacer(`\`, "", `'`, "", `"`, "", "\n", "").Replace(string(b))
		for _, p := range s.Programs {
			if want := strings.NewReplacer(`\`, "", `'`, "", `"`, "", "\n", "").Replace(p); !strings.Contains(bare, want) {
				t.Errorf("%q is nowhere in %q", p, b)
			}
		}
	})
}
