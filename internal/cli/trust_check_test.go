package cli_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestTrustOnTheCard: check grades the images of repositories whose root is pinned
// here, and says of others that nothing is known.
func TestTrustOnTheCard(t *testing.T) {
	b, repo, _ := signed(t)
	img := oneFileImage(t, "amd64", "etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n")
	check(t, remote.Write(mustRef(t, repo+":one"), img))
	tag, err := name.NewTag(repo + ":one")
	check(t, err)
	check(t, tarball.WriteToFile("one.tar", tag, img))
	other := oneFileImage(t, "amd64", "etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n")
	check(t, tarball.WriteToFile("other.tar", tag, other))
	check(t, remote.Write(mustRef(t, repo+":two"), other))
	b.trust("sign " + repo + ":one")
	look := func(row string, args ...string) {
		t.Helper()
		a := b.run(append([]string{"check", "--fail-on", "severity:critical"}, args...)...)
		if !matches(row, a.stdout) {
			t.Errorf("check %q: nothing of %q in\n%s%s", args, row, a.stdout, a.stderr)
		}
	}
	b.env["COLUMNS"] = "160"
	look(`4 content trust +A +.* is signed by release on 23 November 2026`, "registry://"+repo+":one")
	look(`4 content trust +A `, "one.tar")
	look(`(?s)4 content trust +[C-F] .*trust/unsigned|nobody signed two`, "--all", "registry://"+repo+":two")
	look(`(?s)4 content trust +[C-F] .*one is signed as sha256:.*this image is`, "--all", "other.tar")
	check(t, remote.Write(mustRef(t, repo+":one"), other))
	look(`(?s)4 content trust +[C-F] .*one is signed as sha256:`, "--all", "registry://"+repo+":one")
	look(`4 content trust +A `, "--offline", "one.tar") // by what was seen last
	b.trust("revoke " + repo + ":one")
	look(`(?s)4 content trust +[DEF] .*was revoked on 23 November 2026`, "--all", "one.tar")

	o := signing(t)
	if a := o.run("check", "one.tar"); !matches(`4 content trust +– +not assessed: no repository of it is\s+pinned here`, a.stdout) {
		t.Errorf("an image of a repository that nobody pinned:\n%s", a.stdout)
	}
	if a := b.run("explain", "trust/moved"); a.code != 0 || !matches(`trust verify --resolve`, a.stdout) {
		t.Errorf("explain: %d\n%s%s", a.code, a.stdout, a.stderr)
	}
}

// TestIgnoredTrust: DOCKER_CONTENT_TRUST=1 with a docker that takes no notice of it is
// a finding, and an image of a repository that docker pinned is judged by that.
func TestIgnoredTrust(t *testing.T) {
	server, ca := ourServer(t)
	b := oldWorld(t, server, ca)
	b.now = time.Now
	t.Chdir(t.TempDir())
	repo := registries()["with referrers"](t) + "/me/app"
	img := oneFileImage(t, "amd64", "etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n")
	check(t, remote.Write(mustRef(t, repo+":one"), img))
	tag, err := name.NewTag(repo + ":one")
	check(t, err)
	check(t, tarball.WriteToFile("one.tar", tag, oneFileImage(t, "amd64", "etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n")))
	b.want(0, []string{"is signed"}, "trust", "sign", repo+":one")
	b.env["COLUMNS"] = "160"
	look := func(version, variable, row string, there bool, target string) {
		t.Helper()
		dir := t.TempDir()
		check(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\necho 'Docker version "+version+".2.0, build 0'\n"), 0o755))
		t.Setenv("PATH", dir)
		b.env["DOCKER_CONTENT_TRUST"] = variable
		a := b.run("check", "--all", "--fail-on", "severity:critical", target)
		if matches(row, a.stdout) != there {
			t.Errorf("docker %s, variable %q, %s: %q there %v\n%s%s", version, variable, target, row, !there, a.stdout, a.stderr)
		}
	}
	ignored := `takes no notice of it`
	look("29", "1", ignored, true, "one.tar")
	look("29", "yes", ignored, true, "one.tar") // as docker reads it
	look("29", "0", ignored, false, "one.tar")
	look("29", "", ignored, false, "one.tar")
	look("28", "1", ignored, false, "one.tar")
	look("28", "1", `(?s)one is signed as sha256:.*this image is`, true, "one.tar")
	look("28", "", `4 content trust +– `, true, "one.tar")
	look("28", "1", `4 content trust +A .* is signed by .Repo Admin.`, true, "registry://"+repo+":one")
	b.now = func() time.Time { return time.Now().AddDate(0, 1, 0) }
	look("28", "1", `timestamp metadata expired`, true, "one.tar")
}
