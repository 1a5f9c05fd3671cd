package cli_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A privileged and a confined container of a real Engine: the rules see in what it
// says of them what was asked for, each by itself and among all that it has.
func TestEngineAudit(t *testing.T) {
	docker := engine(t)
	prefix, base := importBase(t, docker)
	b := newBench(t)
	create := func(name string, args ...string) string {
		name = strings.ReplaceAll(prefix, "/", "-") + "-" + name
		command(t, nil, docker, append([]string{"create", "--name", name}, args...)...)
		t.Cleanup(func() {
			if out, err := exec.Command(docker, "rm", "--force", name).CombinedOutput(); err != nil {
				t.Errorf("docker rm %s: %v\n%s", name, err, out)
			}
		})
		return name
	}
	open := create("open", "--privileged", "--pid", "host", "--volume", "/var/run/docker.sock:/s:ro", "--volume", "/etc:/host", "--publish", "18080:80",
		"--env", "DB_PASSWORD=v9Rt4nXb7cPe", "--restart", "always", base, "sleep", "1", "--cap-drop", "ALL")
	tight := create("tight", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--user", "1000:1000", "--memory", "64m",
		"--pids-limit", "20", "--cpus", "0.5", "--ulimit", "nofile=64", "--network", "none", base, "sleep", "1")

	want := map[string]string{
		open: "docker-socket host-namespace literal-secret new-privileges no-cpu-limit no-effect no-healthcheck no-memory-limit no-pids-limit no-ulimit privileged " +
			"published-everywhere restart-storm root-user sensitive-mount writable-root default-bridge",
		tight: "",
	}
	all := b.audit()
	for name, rules := range want {
		rules := slices.Sorted(slices.Values(strings.Fields(rules)))
		if diff := cmp.Diff(rules, b.audit("container://" + name)[name]); diff != "" {
			t.Errorf("container://%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(rules, all[name]); diff != "" {
			t.Errorf("%s among all (-want +got):\n%s", name, diff)
		}
	}
	if a := b.run("audit", "container://"+open, "--format", "json"); strings.Contains(a.stdout, "v9Rt4nXb7cPe") {
		t.Error("the secret of an inspected container is shown")
	}
	if a := b.run("audit", "container://"+prefix+"none"); a.code != 1 || !strings.Contains(a.stderr, "has no container") {
		t.Errorf("a container that is not there: exit code %d\n%s", a.code, a.stderr)
	}
}

// audit is the rules, without their area, that fire for each subject of a run.
func (b *workbench) audit(args ...string) map[string][]string {
	b.t.Helper()
	a := b.run(append([]string{"audit", "--format", "json"}, args...)...)
	var doc struct {
		Subjects []struct{ Kind, Name string }
		Findings []struct {
			Subject int
			Rule    string
		}
	}
	if err := json.Unmarshal([]byte(a.stdout), &doc); err != nil {
		b.t.Fatalf("%v\n%s", err, a.stderr)
	}
	if len(args) == 0 && !slices.ContainsFunc(doc.Subjects, func(s struct{ Kind, Name string }) bool { return s.Kind == "engine" }) {
		b.t.Errorf("no Engine among %v", doc.Subjects)
	}
	out := map[string][]string{}
	for _, f := range doc.Findings {
		name := doc.Subjects[f.Subject].Name
		if _, rule, _ := strings.Cut(f.Rule, "/"); !slices.Contains(out[name], rule) {
			out[name] = append(out[name], rule)
		}
	}
	for _, rules := range out {
		slices.Sort(rules)
	}
	return out
}
