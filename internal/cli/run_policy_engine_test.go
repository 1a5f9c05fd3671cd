package cli_test

import (
	"os"
	"testing"
)

// TestRunPolicyEngine: drydock run starts what the policy allows, and nothing else.
func TestRunPolicyEngine(t *testing.T) {
	docker := engine(t)
	repo := registryServer(t, false) + "/me/run"
	t.Chdir(t.TempDir())
	b := signing(t)
	b.env["DOCKER_HOST"] = os.Getenv("DOCKER_HOST")
	for tag, text := range map[string]string{"v1": "one", "evil": "two"} {
		writeFiles(t, "ctx", map[string]string{"Dockerfile": "FROM scratch\nCOPY f /f\nCMD [\"/f\"]\n", "f": text})
		command(t, nil, docker, "build", "-q", "-t", repo+":"+tag, "ctx")
		removeAfter(t, docker, repo+":"+tag)
		command(t, nil, docker, "push", "-q", repo+":"+tag)
	}
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign --remote "+repo+":v1", "root "+repo+" -o app.root.json")
	writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo)})
	b.want(0, []string{"docker run"}, "run", "--policy", "policy.yaml", "--dry-run", repo+":v1")
	b.want(2, []string{"nobody signed evil", "rule app, trust"}, "run", "--policy", "policy.yaml", "--dry-run", repo+":evil")
	b.want(2, []string{"SYS_PTRACE"}, "run", "--policy", "policy.yaml", "--dry-run", "--cap-add", "SYS_PTRACE", repo+":v1")
	b.want(2, []string{"/etc"}, "run", "--policy", "policy.yaml", "--dry-run", "-v", "/etc:/x", repo+":v1")
	b.want(0, []string{"docker run"}, "run", "--dry-run", repo+":evil")
	b.env["DRYDOCK_POLICY"] = "policy.yaml"
	b.want(2, []string{"nobody signed evil"}, "run", "--dry-run", repo+":evil")
}
