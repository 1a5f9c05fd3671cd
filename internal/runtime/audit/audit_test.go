package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// compose reads a compose file of one service.
func compose(t testing.TB, text string) *Container {
	t.Helper()
	read := func(name string, b []byte) (*Read, error) { return ReadCompose(name, b, nil) }
	if IsManifest([]byte(text)) {
		read = ReadManifest
	}
	got, err := read("compose.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(got.Containers) != 1 {
		t.Fatalf("%d services in\n%s", len(got.Containers), text)
	}
	return got.Containers[0]
}

func check(t testing.TB, id finding.RuleID) Check[*Container] {
	t.Helper()
	for _, c := range Checks() {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no rule %s", id)
	return Check[*Container]{}
}

// fires are the findings of one rule, none of them suppressed.
func fires(t testing.TB, c *Container, id finding.RuleID) []finding.Finding {
	t.Helper()
	return Run(c, []Check[*Container]{check(t, id)}).Findings
}

// A rule's own Bad fires it and its own Good does not, and each edit that it offers
// for its Bad leaves a file in which it fires no more.
func TestExamples(t *testing.T) {
	watched := func(text string) *Container {
		c := compose(t, text)
		c.Observed = &observe.Observation{Status: observe.Complete, Service: "app", Writable: []string{}, Peaks: observe.Peaks{Memory: 10 << 20, PIDs: 2}}
		return c
	}
	for _, c := range Checks() {
		found := fires(t, watched(c.Bad), c.ID)
		if len(found) == 0 {
			t.Errorf("%s: Bad does not fire it", c.ID)
		}
		for _, f := range found {
			complete(t, f)
			for _, x := range f.Fixes {
				if len(x.Edits) > 0 && len(fires(t, watched(string(Apply([]byte(c.Bad), x.Edits[0]))), c.ID)) > 0 {
					t.Errorf("%s: %s leaves it", c.ID, x.Title)
				}
			}
		}
		for _, f := range fires(t, watched(c.Good), c.ID) {
			t.Errorf("%s: Good fires it: %s", c.ID, f.Message)
		}
	}
}

func TestExecExamples(t *testing.T) {
	for _, c := range ExecChecks() {
		for text, want := range map[string]int{c.Bad: 1, c.Good: 0} {
			read, err := ReadCommands("-", []byte(text))
			if err != nil || len(read.Execs) != 1 {
				t.Fatalf("%s: %v, %d programs", c.ID, err, len(read.Execs))
			}
			got := Run(read.Execs[0], []Check[*Exec]{c})
			if len(got.Findings) != want || len(got.Unknown) > 0 {
				t.Errorf("%s: %s: %+v", c.ID, text, got)
			}
			for _, f := range got.Findings {
				complete(t, f)
			}
		}
	}
}

// Programs that Compose starts beside a service's own are read as those of docker exec.
func TestHooks(t *testing.T) {
	read, err := ReadCompose("c.yaml", []byte("services:\n  a:\n    image: x:1\n    post_start:\n    - {command: a, user: root, privileged: true}\n    - command: b\n    pre_stop:\n    - {command: c, user: \"0:0\"}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range read.Execs {
		for _, f := range Run(e, ExecChecks()).Findings {
			complete(t, f)
			got = append(got, e.Subject.Name+" "+string(f.Rule)+" "+f.At[0].Config)
		}
	}
	want := []string{
		"c.yaml#a/post_start/0 runtime/exec-root /services/a/post_start/0/user", "c.yaml#a/post_start/0 runtime/exec-privileged /services/a/post_start/0/privileged",
		"c.yaml#a/pre_stop/0 runtime/exec-root /services/a/pre_stop/0/user",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// What stands in deploy and does nothing without a swarm is told, and what does is not.
func TestDeployWithoutSwarm(t *testing.T) {
	const deploy = "services:\n  app:\n    image: alpine:3.22\n    deploy:\n      resources:\n        limits: {cpus: '1', memory: 64m, pids: 20}\n" +
		"        reservations: {cpus: '0.5', memory: 32m}\n      restart_policy: {condition: on-failure, max_attempts: 3, delay: 5s, window: 1m}\n"
	var lines []int
	for _, f := range fires(t, compose(t, deploy), "runtime/no-effect") {
		complete(t, f)
		if !strings.HasSuffix(f.Message, " has no effect without a swarm: Compose ignores it") {
			t.Errorf("%s", f.Message)
		}
		lines = append(lines, f.At[0].Source.Line)
	}
	if !slices.Equal(lines, []int{7, 8, 8}) {
		t.Errorf("in lines %v", lines)
	}
	if found := fires(t, compose(t, deploy+"      endpoint_mode: vip\n"), "runtime/no-effect"); len(found) > 0 {
		t.Errorf("for a swarm: %+v", found)
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
		bad := Run(daemonOf(t, c.Bad), []Check[*Daemon]{c})
		if len(bad.Findings) == 0 || len(bad.Unknown) > 0 {
			t.Errorf("%s: Bad: %d findings, unknown %v", c.ID, len(bad.Findings), bad.Unknown)
		}
		for _, f := range bad.Findings {
			complete(t, f)
		}
		if good := Run(daemonOf(t, c.Good), []Check[*Daemon]{c}); len(good.Findings)+len(good.Unknown) > 0 {
			t.Errorf("%s: Good fires it: %v %v", c.ID, good.Findings, good.Unknown)
		}
	}
}

// Each item of the benchmark has a rule that answers it, or says why none can; and
// no rule carries an id that the benchmark has not.
func TestBenchmark(t *testing.T) {
	answered := map[string]bool{}
	for _, r := range append(Rules(), documentation(ImageChecks())...) {
		for _, a := range r.Aliases {
			if strings.HasPrefix(a, "CIS-") && !strings.HasPrefix(a, "CIS-DI-") && !IsItem(a) {
				t.Errorf("%s: the benchmark has no %s", r.ID, a)
			}
			answered[a] = true
		}
	}
	for _, r := range documentation(ExecChecks()) { // which a script says, and no Engine
		for _, a := range r.Aliases {
			delete(answered, a)
		}
	}
	for _, i := range Items() {
		if answered[i.ID] == (i.Manual != "") {
			t.Errorf("%s: a rule for it: %v, and by hand because %q", i.ID, answered[i.ID], i.Manual)
		}
	}
	if n := len(Items()); n != 20+18+24+12+32 {
		t.Errorf("%d items", n)
	}
}

func TestDocumentation(t *testing.T) {
	id := regexp.MustCompile(`^runtime/[a-z-]+$`)
	alias := regexp.MustCompile(`^(CIS-[1-5](\.\d+)+|CVE-\d{4}-\d+)$`)
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
			name:  "a volume that is a part of the host",
			text:  "services:\n  a:\n    image: x:1\n    volumes: [s:/s, {type: volume, source: r, target: /r}, d:/d]\nvolumes:\n  s: {driver_opts: {type: none, o: bind, device: /var/run/docker.sock}}\n  r: {driver_opts: {o: 'rbind,ro', device: /etc}}\n  d: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}\n",
			fires: []finding.RuleID{"runtime/docker-socket", "runtime/sensitive-mount"},
		},
		{
			name:  "the socket by a field of its own",
			text:  "services:\n  a:\n    image: x:1\n    use_api_socket: true\n",
			fires: []finding.RuleID{"runtime/docker-socket"},
		},
		{
			name:  "a configuration that is a file of the host",
			text:  "services:\n  a:\n    image: x:1\n    configs: [{source: c, target: /x}]\nconfigs: {c: {file: /etc/shadow}}\n",
			fires: []finding.RuleID{"runtime/sensitive-mount"},
		},
		{
			name:  "cards of the machine",
			text:  "services:\n  a:\n    image: x:1\n    gpus: all\n",
			fires: []finding.RuleID{"runtime/device"},
		},
		{
			name:  "cards of the machine, reserved",
			text:  "services:\n  a:\n    image: x:1\n    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}\n",
			fires: []finding.RuleID{"runtime/device"},
		},
		{
			name:  "a build that is the host's",
			text:  "services:\n  a:\n    image: x:1\n    build: {context: ., entitlements: [security.insecure], network: host, args: [DB_PASSWORD=v9Rt4nXb7cPe]}\n",
			fires: []finding.RuleID{"runtime/privileged", "runtime/host-namespace", "runtime/literal-secret"},
		},
		{
			name:  "a build with privileges",
			text:  "services:\n  a:\n    build: {context: ., privileged: true, network: none, args: {DB_PASSWORD: $DB_PASSWORD}}\n",
			fires: []finding.RuleID{"runtime/privileged"}, quiet: []finding.RuleID{"runtime/host-namespace", "runtime/literal-secret"},
		},
		{
			name:  "a secret as a default",
			text:  "services:\n  a:\n    image: x:1\n    environment: ['DB_PASSWORD=${PW:-v9Rt4nXb7cPe}']\n",
			fires: []finding.RuleID{"runtime/literal-secret"},
		},
		{
			name:  "variables without a secret as a default",
			text:  "services:\n  a:\n    image: x:1\n    environment: {A_PASSWORD: '${PW:?}', B_PASSWORD: '${PW:-}', C_PASSWORD: '${PW:-$OTHER}', D_PASSWORD: '${PW:?not-here-at-all}'}\n",
			quiet: []finding.RuleID{"runtime/literal-secret"},
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
			name:  "sockets and folders below variables, drives, pipes",
			text:  "services:\n  a:\n    image: x:1\n    volumes: ['${XDG_RUNTIME_DIR}/docker.sock:/s', '//./pipe/docker_engine:/p', '${HOME}/.ssh:/k:ro']\n",
			fires: []finding.RuleID{"runtime/docker-socket", "runtime/sensitive-mount"}, unknown: "what volumes comes to",
		},
		{
			name:  "a folder around the socket",
			text:  "services:\n  a:\n    image: x:1\n    volumes: ['/run:/host/run']\n",
			fires: []finding.RuleID{"runtime/docker-socket"},
		},
		{
			name:  "all addresses, by their names",
			text:  "services:\n  a:\n    image: x:1\n    ports: ['0.0.0.0:80:80']\n    healthcheck: {test: [NONE]}\n",
			fires: []finding.RuleID{"runtime/published-everywhere", "runtime/privileged-port", "runtime/no-healthcheck"},
		},
		{
			name:  "of IPv6 too, and a range",
			text:  "services:\n  a:\n    image: x:1\n    ports: ['[::]:1000-1100:80', {target: 1, published: 1024, host_ip: '::'}]\n",
			fires: []finding.RuleID{"runtime/published-everywhere", "runtime/privileged-port"},
		},
		{
			name:  "limits that are none",
			text:  "services:\n  a:\n    image: x:1\n    mem_limit: 0\n    pids_limit: -1\n    cpus: 0\n    restart: on-failure\n",
			fires: []finding.RuleID{"runtime/no-memory-limit", "runtime/no-pids-limit", "runtime/no-cpu-limit", "runtime/restart-storm"},
		},
		{
			name:  "what a swarm has no use for",
			text:  "services:\n  a:\n    image: x:1\n    security_opt: [no-new-privileges]\n    deploy: {placement: {constraints: [a]}}\n",
			fires: []finding.RuleID{"runtime/no-effect"},
		},
		{
			name:  "the mode of a secret that is a file",
			text:  "services:\n  a:\n    image: x:1\n    secrets: [{source: k, mode: 0400}]\nsecrets: {k: {file: k.txt}}\n",
			fires: []finding.RuleID{"runtime/no-effect"}, quiet: []finding.RuleID{"runtime/secret-readable"},
		},
		{
			name:  "the mode of a secret, as text",
			text:  "services:\n  a:\n    image: x:1\n    secrets: [{source: k, mode: '444'}]\nsecrets: {k: {environment: K}}\n",
			fires: []finding.RuleID{"runtime/secret-readable"}, quiet: []finding.RuleID{"runtime/no-effect"},
		},
		{
			name:  "a limit and swap without end",
			text:  "services:\n  a:\n    image: x:1\n    mem_limit: 1g\n    memswap_limit: -1\n",
			fires: []finding.RuleID{"runtime/no-effect"},
		},
		{
			name:  "a secret in a command",
			text:  "services:\n  a:\n    image: x:1\n    command: redis-server --requirepass k7Qp2mWz9xLr --password=k7Qp2mWz9xLr\n",
			fires: []finding.RuleID{"runtime/literal-secret"},
		},
		{
			name:  "secrets",
			text:  "services:\n  a:\n    image: x:1\n    environment: [DB_PASSWORD=k7Qp2mWz9xLr]\n",
			fires: []finding.RuleID{"runtime/literal-secret"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := compose(t, tt.text)
			looked := Run(c, Checks())
			found, unknown := looked.Findings, looked.Unknown
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

// A secret is as open as its file on the host.
func TestSecretFiles(t *testing.T) {
	dir := laid(t, map[string]string{"open.txt": "x", "closed.txt": "x"})
	if err := os.Chmod(filepath.Join(dir, "closed.txt"), 0o640); err != nil {
		t.Fatal(err)
	}
	c := compose(t, "services:\n  a:\n    image: x:1\n    secrets: [o, c, e, {source: n}]\n"+
		"secrets:\n  o: {file: ./open.txt}\n  c: {file: "+filepath.Join(dir, "closed.txt")+"}\n  e: {external: true}\n  n: {file: none.txt}\n")
	c.Look(dir, os.Stat)
	found := fires(t, c, "runtime/secret-readable")
	if len(found) != 1 || found[0].Key != "./open.txt" {
		t.Errorf("%+v", found)
	}
}
