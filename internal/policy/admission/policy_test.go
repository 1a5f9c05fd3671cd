package admission

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

const head = "schema: drydock/policy/v1\ndefault: deny\n"

// whole is a policy that says everything that one can say without a root.
const whole = head + `builds: deny
allow: [archive, plugins, swarm, "cap:SYS_PTRACE"]
rules:
  - name: app
    images: ["registry.example.com/me/**", nginx]
    freshness: {warn: 24h, refuse: 3d, recheck: 1m}
    bases: {images: ["docker.io/library/*"], publishers: [official]}
    vulnerabilities: {critical: 0d, high: {after: 14d, unfixed: true}}
    least-privilege:
      non-root: true
      read-only: true
      no-new-privileges: true
      drop-all: true
      capabilities: [CHOWN]
      seccomp: true
      memory: true
      processes: true
    allow: ["bind:/etc/ssl", host-network, device]
    builds: allow
  - name: old
    images: ["*/old/*"]
    deny: nobody looks after it
exceptions:
  - {image: "registry.example.com/me/app", except: [vulnerabilities, CVE-2026-1], reason: the fix comes in June, until: 2027-06-30}
`

func mustParse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse("policy.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	p := mustParse(t, whole)
	if r := p.Rules[0]; time.Duration(r.Freshness.Refuse) != 72*time.Hour || time.Duration(r.Vulnerabilities["high"].After) != 14*24*time.Hour ||
		!r.Vulnerabilities["high"].Unfixed || r.BuildsOf() != BuildsAllow || p.Rules[1].BuildsOf() != BuildsDeny {
		t.Errorf("%+v", r)
	}
	if q := mustParse(t, whole+"\n"); q.Digest == p.Digest || p.Digest == "" {
		t.Error("other bytes have the same digest")
	}
}

func TestParseRefuses(t *testing.T) {
	rule := head + "rules:\n  - name: a\n    images: [x/y]\n"
	for text, want := range map[string]string{
		"default: deny\n": "schema",
		"schema: drydock/policy/v2\ndefault: deny\n":                                                 "schema",
		"schema: drydock/policy/v1\n":                                                                "default",
		"schema: drydock/policy/v1\ndefault: maybe\n":                                                "default",
		head + "defalt: allow\n":                                                                     "defalt",
		head + "default: allow\n":                                                                    "default",
		head + "---\nschema: x\n":                                                                    "one YAML document",
		head + "builds: sometimes\n":                                                                 "builds",
		head + "allow: [everything]\n":                                                               "everything",
		head + "allow: [\"bind:/\"]\n":                                                               "bind:/",
		head + "allow: [\"privileged:yes\"]\n":                                                       "privileged:yes",
		head + "rules: [{images: [x]}]\n":                                                            "name",
		head + "rules: [{name: a}]\n":                                                                "images",
		head + "rules: [{name: default, images: [x]}]\n":                                             "name",
		rule + "  - name: a\n    images: [z]\n":                                                      "name",
		rule + "    allow: [plugins]\n":                                                              "plugins",
		rule + "    truts: []\n":                                                                     "truts",
		rule + "    vulnerabilities: {hgih: 3d}\n":                                                   "hgih",
		rule + "    vulnerabilities: {high: {aftr: 3d}}":                                             "aftr",
		rule + "    vulnerabilities: {high: soon}\n":                                                 "soon",
		rule + "    freshness: {warn: 3d, refuse: 1d}\n":                                             "refuse",
		rule + "    bases: {}\n":                                                                     "bases",
		rule + "    trust: [{signers: [a]}]\n":                                                       "name roots, keys",
		rule + "    trust: [{roots: [r.json]}]\n":                                                    "no files",
		rule + "    attestations: [{type: sbom}]\n":                                                  "root",
		rule + "    builds: only-attested\n":                                                         "root",
		head + "rules: [{name: a, images: [\"me/*\"]}]":                                              "docker.io/me/*",
		head + "rules: [{name: a, images: [\"x:1\"]}]":                                               "tag",
		head + "rules: [{name: a, images: [\"r.io/a**\"]}]":                                          "alone",
		head + "rules: [{name: a, images: [\"[\"]}]":                                                 "pattern",
		head + "exceptions: [{image: x, except: [trust], until: 2027-01-01}]\n":                      "reason",
		head + "exceptions: [{image: x, except: [trust], reason: y}]\n":                              "last day",
		head + "exceptions: [{image: x, except: [tursted], reason: y, until: 2027-01-01}]\n":         "tursted",
		head + "exceptions: [{image: x, except: [trust], reason: y, until: tomorrow}]\n":             "tomorrow",
		head + "exceptions: [{image: \"x@md5:1\", except: [trust], reason: y, until: 2027-01-01}]\n": "digest",
		head + "rules: &r []\n":                                                                      "anchors",
	} {
		p, err := Parse("policy.yaml", []byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), want) || p != nil {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, repository string
		want                bool
	}{
		{"nginx", "docker.io/library/nginx", true},
		{"me/app", "docker.io/me/app", true},
		{"docker.io/library/*", "docker.io/library/nginx", true},
		{"docker.io/*", "docker.io/library/nginx", false},
		{"docker.io/**", "docker.io/library/nginx", true},
		{"r.example.com/**/app", "r.example.com/app", true},
		{"r.example.com/**/app", "r.example.com/a/b/app", true},
		{"r.example.com/me/**", "r.example.com/me", true},
		{"r.example.com/me/**", "r.example.com/mean/x", false},
		{"**", "r.example.com:5000/x", true},
		{"*/old/*", "r.example.com:5000/old/x", true},
		{"r.example.com/a?p", "r.example.com/app", true},
	} {
		if got := Matches(c.pattern, c.repository); got != c.want {
			t.Errorf("Matches(%q, %q) = %v", c.pattern, c.repository, got)
		}
	}
	p := mustParse(t, whole)
	for repository, rule := range map[string]string{
		"docker.io/library/nginx": "app", "registry.example.com/me/x/y": "app", "r/old/x": "old", "docker.io/library/redis": "default", "": "default",
	} {
		if got := p.Rule(repository).Name; got != rule {
			t.Errorf("%q: rule %s, want %s", repository, got, rule)
		}
	}
}

func TestPrivileges(t *testing.T) {
	plain := mustParse(t, head+"rules: [{name: a, images: [x]}]").Rule("docker.io/library/x")
	guarded := append(ProtectedPaths(), "/srv/drydock", "/data/docker")
	for what, s := range map[string]Start{
		"privileged":                            {Privileged: true},
		"host-network":                          {Network: "host"},
		"host-pid":                              {PID: "host"},
		"host-ipc":                              {IPC: "host"},
		"host-uts":                              {UTS: "host"},
		"host-userns":                           {Userns: "host"},
		"host-cgroup":                           {Cgroupns: "host"},
		"cap:SYS_ADMIN":                         {CapAdd: []string{"cap_sys_admin"}},
		"cap:SYS_MODULE":                        {CapAdd: []string{"SYS_MODULE"}},
		"cap:SYS_PTRACE":                        {CapAdd: []string{" sys_ptrace"}},
		"cap:ALL":                               {CapAdd: []string{"all"}},
		"device:/dev/fuse":                      {Devices: []string{"/dev/fuse"}},
		"bind:/":                                {Binds: []Bind{{Source: "/"}}},
		"bind://":                               {Binds: []Bind{{Source: "//"}}},
		"bind:/etc":                             {Binds: []Bind{{Source: "/etc", ReadOnly: true}}},
		"bind:/etc/shadow":                      {Binds: []Bind{{Source: "/etc/shadow"}}},
		"bind:/etc/localtime":                   {Binds: []Bind{{Source: "/etc/localtime"}}}, // it may write
		"bind:/proc/1/root":                     {Binds: []Bind{{Source: "/proc/1/root"}}},
		"bind:/sys":                             {Binds: []Bind{{Source: "/sys"}}},
		"bind:/run":                             {Binds: []Bind{{Source: "/run"}}},
		"bind:/var":                             {Binds: []Bind{{Source: "/var"}}},
		"bind:/var/lib/docker":                  {Binds: []Bind{{Source: "/var/lib/docker"}}},
		"bind:/run/docker/plugins/drydock.sock": {Binds: []Bind{{Source: "/run/docker/plugins/drydock.sock"}}},
		"bind:/run/containerd/containerd.sock":  {Binds: []Bind{{Source: "/run/containerd/containerd.sock"}}},
		"bind:/srv":                             {Binds: []Bind{{Source: "/srv"}}},
		"bind:/srv/drydock/gate":                {Binds: []Bind{{Source: "/srv/drydock/gate"}}},
		"unmasked":                              {Unmasked: true},
		"runtime:/tmp/shim":                     {Runtime: "/tmp/shim"},
		"checkpoint":                            {Checkpoint: "c1"},
	} {
		no := plain.Privileges(s, guarded)
		if len(no) != 1 || no[0].What != what || no[0].Why == "" {
			t.Errorf("%s: %+v", what, no)
		}
	}
	for name, s := range map[string]Start{
		"nothing":   {},
		"ordinary":  {Network: "bridge", PID: "container:x", IPC: "shareable", CapAdd: []string{"NET_BIND_SERVICE"}, CapDrop: []string{"ALL"}, Runtime: "runc"},
		"a folder":  {Binds: []Bind{{Source: "/srv/app"}, {Source: "/home/me/etc"}, {Source: "/variety"}}},
		"the time":  {Binds: []Bind{{Source: "/etc/localtime", ReadOnly: true}}},
		"a seccomp": {SecurityOpt: []string{"seccomp={}"}},
	} {
		if no := plain.Privileges(s, guarded); len(no) > 0 {
			t.Errorf("%s: %+v", name, no)
		}
	}
	app := mustParse(t, whole).Rule("docker.io/library/nginx").WithoutLeast()
	s := Start{Network: "host", Devices: []string{"/dev/fuse", "/dev/kvm"}, Binds: []Bind{{Source: "/etc/ssl/certs"}}, CapAdd: []string{"SYS_PTRACE"}}
	if no := app.Privileges(s, guarded); len(no) > 0 {
		t.Errorf("allowed by the rule or the policy: %+v", no)
	}
	if no := app.Privileges(Start{Binds: []Bind{{Source: "/etc/sslx"}}, PID: "host"}, guarded); len(no) != 2 {
		t.Errorf("not allowed: %+v", no)
	}
}

func TestLeastPrivilege(t *testing.T) {
	r := mustParse(t, whole).Rule("docker.io/library/nginx")
	var all []string
	for _, n := range r.Privileges(Start{CapAdd: []string{"NET_RAW"}, SecurityOpt: []string{"seccomp=unconfined"}}, nil) {
		all = append(all, n.What)
	}
	want := []string{"non-root", "read-only", "no-new-privileges", "drop-all", "capabilities", "seccomp", "memory", "processes"}
	if !slices.Equal(all, want) {
		t.Errorf("%q, want %q", all, want)
	}
	tight := Start{User: "33:0", ReadOnly: true, SecurityOpt: []string{"no-new-privileges"}, CapDrop: []string{"CAP_ALL"}, CapAdd: []string{"chown"}, Memory: 1, Processes: 5}
	if no := r.Privileges(tight, nil); len(no) > 0 {
		t.Errorf("%+v", no)
	}
	for _, root := range []string{"", "root", "0", "000", "root:1", "0:0"} {
		tight.User = root
		if len(r.Privileges(tight, nil)) != 1 {
			t.Errorf("user %q is not root", root)
		}
	}
}

// TestSchema holds the published schema to the types, and to what Parse takes.
func TestSchema(t *testing.T) {
	b, err := os.ReadFile("../../../docs/schema/policy.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("policy", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	sameFields(t, "policy", raw, reflect.TypeFor[Policy]())
	valid := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		x, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.ReplaceAll(string(j), "T00:00:00Z", "")))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(x)
	}
	if err := valid(whole); err != nil {
		t.Errorf("what Parse takes: %v", err)
	}
	for _, text := range []string{
		"default: deny\n", head + "defalt: x\n", head + "builds: maybe\n", head + "allow: [everything]\n", head + "rules: [{name: a}]\n",
		head + "rules: [{name: a, images: [x], vulnerabilities: {hgih: 3d}}]\n", head + "exceptions: [{image: x, except: [trust], until: 2027-01-01}]\n",
	} {
		if valid(text) == nil {
			t.Errorf("the schema takes %q", text)
		}
	}
}

// sameFields holds a schema's properties to the fields of a type.
func sameFields(t *testing.T, at string, schema map[string]any, typ reflect.Type) {
	t.Helper()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ.Kind() == reflect.Slice:
		if items, ok := schema["items"].(map[string]any); ok {
			sameFields(t, at+"[]", items, typ.Elem())
		}
		return
	case typ.Kind() == reflect.Map:
		for _, o := range schema["additionalProperties"].(map[string]any)["oneOf"].([]any) {
			if m := o.(map[string]any); m["properties"] != nil {
				sameFields(t, at+"{}", m, typ.Elem())
			}
		}
		return
	case typ.Kind() != reflect.Struct || typ == reflect.TypeFor[Day]():
		return
	}
	props, _ := schema["properties"].(map[string]any)
	seen := 0
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		seen++
		p, ok := props[name].(map[string]any)
		if !ok {
			t.Errorf("%s: the schema lacks %s", at, name)
			continue
		}
		sameFields(t, at+"."+name, p, typ.Field(i).Type)
	}
	if seen != len(props) {
		t.Errorf("%s: %d fields, and the schema has %d", at, seen, len(props))
	}
}

// FuzzPolicy: whatever the bytes, what Parse takes has a rule for every repository, and
// no image passes that no rule allows where the default is deny.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{whole, head, head + "rules: [{name: a, images: [\"**\"]}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse("p", b, nil)
		if err != nil {
			if p != nil {
				t.Fatal("a policy and an error")
			}
			return
		}
		for _, repository := range []string{"", "docker.io/library/nginx", "r.example.com/a/b/c"} {
			r := p.Rule(repository)
			if r.plain && (r.Deny == "") != (p.Default == Allow) {
				t.Fatalf("%q: the default is %s, and the rule says %q", repository, p.Default, r.Deny)
			}
			if no := r.Privileges(Start{Privileged: true}, nil); len(no) == 0 && !r.allows("privileged") {
				t.Fatal("privileged passes")
			}
		}
	})
}

func TestEmptyPolicy(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n"} {
		if _, err := Parse("policy.yaml", []byte(text), nil); err == nil || !strings.Contains(err.Error(), "policy.yaml is empty") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestVoucher: whose attestations of a kind count, by the rule of a repository.
func TestVoucher(t *testing.T) {
	roots := map[string][]byte{"h.example/app": []byte("root")}
	p := &Policy{Rules: []Rule{
		{Images: []string{"h.example/app"}, Trust: []Trust{{roots: roots, Signers: []string{"a"}}}, Attestations: []Attestation{{Type: "scan", Signers: []string{"b"}}}},
		{Images: []string{"h.example/*"}},
	}}
	for _, c := range []struct{ repository, kind, root, signers string }{
		{"h.example/app", "scan", "root", "[b]"}, {"h.example/app", "sbom", "root", "[a]"}, {"h.example/other", "scan", "", "[]"}, {"x", "scan", "", "[]"},
	} {
		root, signers := p.Voucher(c.repository, c.kind)
		if string(root) != c.root || fmt.Sprint(signers) != c.signers {
			t.Errorf("%s, %s: %s %v", c.repository, c.kind, root, signers)
		}
	}
}
