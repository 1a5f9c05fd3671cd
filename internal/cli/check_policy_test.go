package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestCheckPolicy: check holds an image to the gate's policy, by what it found itself and by
// what the registry says; the exit code is the gate's.
func TestCheckPolicy(t *testing.T) {
	b, repo, _ := signed(t)
	b.env["COLUMNS"] = "250"
	old := oneFileImage(t, "amd64", "etc/alpine-release", "3.12.0\n")
	tag, err := name.NewTag(repo + ":old")
	check(t, err)
	check(t, remote.Write(mustRef(t, repo+":old"), old))
	check(t, tarball.WriteToFile("old.tar", tag, old))
	b.trust("sign "+repo+":old", "root "+repo+" -o app.root.json")
	rule := func(more string) string {
		return "schema: drydock/policy/v1\ndefault: deny\nrules:\n  - name: app\n    images: [\"" + repo + "\"]\n    " + more + "\n"
	}
	writeFiles(t, ".", map[string]string{
		"signed.yaml": rule("trust: [{roots: [app.root.json], signers: [release]}]"), "others.yaml": rule("trust: [{roots: [app.root.json], signers: [qa]}]"),
		"bases.yaml": rule("bases: {publishers: [official]}"), "elsewhere.yaml": "schema: drydock/policy/v1\ndefault: deny\n",
	})
	for _, target := range []string{"registry://" + repo + ":old", "old.tar"} {
		b.want(0, []string{`4 content trust +A +.*the policy allows .*rule app, trust.*signed by release`}, "check", "--policy", "signed.yaml", "--fail-on", "none", target)
		a := b.want(2, []string{`4 content trust +[C-F]`, "trust/policy", "the policy refuses it .rule app, trust.*asks for 1 of qa", "policy: refused by rule app"}, "check", "--all", "--policy", "others.yaml", "--fail-on", "none", target)
		if a.stdout == "" {
			t.Error("the card is not printed")
		}
		b.want(2, []string{"default is deny"}, "check", "--policy", "elsewhere.yaml", target)
		b.want(1, []string{"policy: unknown by rule app", "what it stands on is not known"}, "check", "--policy", "bases.yaml", target)
		a = b.run("check", "--policy", "others.yaml", "--severity", "critical", "--format", "json", target)
		var doc struct {
			Decisions []struct{ Verdict, Rule, Requirement, Image string }
			Findings  []struct{ Rule string }
		}
		check(t, json.Unmarshal([]byte(a.stdout), &doc))
		if a.code != 2 || len(doc.Decisions) != 1 || doc.Decisions[0].Verdict != "refused" || doc.Decisions[0].Requirement != "trust" {
			t.Errorf("%s: %d %+v", target, a.code, doc)
		}
		policy := 0
		for _, f := range doc.Findings {
			if f.Rule == "trust/policy" {
				policy++
			}
		}
		if policy != 1 {
			t.Errorf("%s: a filter leaves out what the policy says, or it is there twice: %+v", target, doc.Findings)
		}
	}
	writeFiles(t, ".", map[string]string{"src/go.mod": "module x\n\ngo 1.26\n"})
	b.want(1, []string{"there is none here"}, "check", "--policy", "signed.yaml", "src")
	b.want(1, []string{"no such file"}, "check", "--policy", "gone.yaml", "old.tar")
}
