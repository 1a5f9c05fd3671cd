//go:build unix

package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// helperIn puts a script docker-credential-test on the path, for every registry.
func helperIn(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.json"), `{"credsStore":"test"}`)
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func ask(t *testing.T, ref string, opt Options) (authn.AuthConfig, error) {
	t.Helper()
	repo, err := name.NewRepository(ref)
	if err != nil {
		t.Fatal(err)
	}
	a, err := credentials(t.Context(), repo, opt)
	if err != nil {
		return authn.AuthConfig{}, err
	}
	c, err := a.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	return *c, nil
}

// TestHelperOutputIsNotShown: whatever a helper prints, and however it fails.
func TestHelperOutputIsNotShown(t *testing.T) {
	const secret = "hunter2-is-the-password"
	for name, script := range map[string]string{
		"fails":          `echo '{"Username":"u","Secret":"` + secret + `"}'; exit 1`,
		"no JSON":        `echo ` + secret,
		"half of it":     `printf '{"Username":"u","Secret":"` + secret + `'`,
		"both":           `echo '{"Secret":"` + secret + `"}'; echo "cannot use ` + secret + `" >&2; exit 3`,
		"both, no JSON":  `echo ` + secret + `; echo "cannot use ` + secret + `" >&2; exit 3`,
		"a known secret": `echo "token ghp_16C7e42F292c6912E7710c838347Ae178B4a" >&2; exit 1`,
		"without end":    `while :; do echo ` + secret + secret + secret + `; done`,
		"loud":           `i=0; while [ $i -lt 3000 ]; do echo "complaint $i" >&2; i=$((i+1)); done; echo ` + secret + `; exit 1`,
	} {
		helperIn(t, script)
		wait := time.Minute
		if name == "without end" {
			wait = 100 * time.Millisecond
		}
		_, err := ask(t, "r.example.com/app", Options{HelperWait: wait})
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "16C7e42F292c") || len(err.Error()) > 600 {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(err.Error(), "docker-credential-test") {
			t.Errorf("%s: which helper: %v", name, err)
		}
	}
}

// TestHelperIsKilled, with its children, when it takes too long.
func TestHelperIsKilled(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	t.Setenv("PIDS", pids)
	helperIn(t, "sleep 1000 &\necho $! $$ >$PIDS.new\nmv $PIDS.new $PIDS\nwait\n")
	opt := Options{HelperWait: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	repo, err := name.NewRepository("r.example.com/app")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := credentials(ctx, repo, opt)
		failed <- err
	}()
	var list []string
	for len(list) < 2 {
		time.Sleep(5 * time.Millisecond)
		b, _ := os.ReadFile(pids)
		list = strings.Fields(string(b))
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, p := range list {
		pid, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		for syscall.Kill(pid, 0) == nil && !zombie(p) {
			time.Sleep(5 * time.Millisecond) // for ever where it was not killed: the test's own limit ends it
		}
	}
	if _, err := ask(t, "r.example.com/app", Options{HelperWait: 50 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "did not answer within 50ms") {
		t.Error(err)
	}
}

// zombie reports a process that ended and waits for its parent to look.
func zombie(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || strings.Contains(string(b), ") Z ")
}

func TestCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		script, config, env, repo string
		user, password, token     string
		fails                     bool
	}{
		"a helper":                     {script: `read -r k; echo "{\"Username\":\"$1\",\"Secret\":\"$k\"}"`, repo: "r.example.com/app", user: "get", password: "r.example.com/app"},
		"a helper with an identity":    {script: `echo '{"Username":"<token>","Secret":"i"}'`, repo: "r.example.com/app", user: "<token>", token: "i"},
		"a helper without":             {script: `echo "credentials not found in native keychain"; exit 1`, repo: "r.example.com/app"},
		"a helper for one registry":    {script: `echo '{"Username":"u","Secret":"p"}'`, config: `{"credHelpers":{"other.example.com":"test"},"auths":{"r.example.com":{"auth":"YTpi"}}}`, repo: "r.example.com/app", user: "a", password: "b"},
		"none for one registry":        {script: `exit 9`, config: `{"credsStore":"test","credHelpers":{"r.example.com/app":"","r.example.com":""},"auths":{"r.example.com":{"auth":"YTpi"}}}`, repo: "r.example.com/app", user: "a", password: "b"},
		"a helper that is a path":      {config: `{"credsStore":"../test"}`, repo: "r.example.com/app", fails: true},
		"a helper that is not there":   {config: `{"credsStore":"nosuch"}`, repo: "r.example.com/app", fails: true},
		"docker login":                 {config: `{"auths":{"r.example.com":{"auth":"YTpi"}}}`, repo: "r.example.com/app", user: "a", password: "b"},
		"docker login, old":            {config: `{"auths":{"https://r.example.com/v1/":{"auth":"YTpi"}}}`, repo: "r.example.com/app", user: "a", password: "b"},
		"docker login to the Hub":      {config: `{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}`, repo: "library/nginx", user: "a", password: "b"},
		"podman login to the Hub":      {config: `{"auths":{"docker.io":{"auth":"YTpi"}}}`, repo: "library/nginx", user: "a", password: "b"},
		"for one repository":           {config: `{"auths":{"r.example.com/app":{"auth":"YTpi"},"r.example.com":{"auth":"Yzpk"}}}`, repo: "r.example.com/app", user: "a", password: "b"},
		"for another registry":         {config: `{"auths":{"r.example.com.evil":{"auth":"YTpi"},"evil/r.example.com":{"auth":"YTpi"}}}`, repo: "r.example.com/app"},
		"the environment":              {config: `{"auths":{"r.example.com":{"auth":"YTpi"}}}`, env: `{"auths":{"r.example.com":{"auth":"Yzpk"}}}`, repo: "r.example.com/app", user: "c", password: "d"},
		"the environment, for another": {config: `{"auths":{"r.example.com":{"auth":"YTpi"}}}`, env: `{"auths":{"x.example.com":{"auth":"Yzpk"}}}`, repo: "r.example.com/app", user: "a", password: "b"},
		"the environment, no JSON":     {env: `c:hunter2`, repo: "r.example.com/app", fails: true},
		"the file, no JSON":            {config: `hunter2`, repo: "r.example.com/app", fails: true},
		"the file, another kind":       {config: `{"auths":"hunter2"}`, repo: "r.example.com/app", fails: true},
		"the file, no base64":          {config: `{"auths":{"r.example.com":{"auth":"hunter2!"}}}`, repo: "r.example.com/app", fails: true},
		"no file":                      {repo: "r.example.com/app"},
	} {
		t.Run(name, func(t *testing.T) {
			helperIn(t, c.script)
			dir := os.Getenv("DOCKER_CONFIG")
			if c.config != "" {
				write(t, filepath.Join(dir, "config.json"), c.config)
			} else if c.script == "" {
				if err := os.Remove(filepath.Join(dir, "config.json")); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("HOME", dir)
			t.Setenv("DOCKER_AUTH_CONFIG", c.env)
			got, err := ask(t, c.repo, Options{})
			if (err != nil) != c.fails || got.Username != c.user || got.Password != c.password || got.IdentityToken != c.token {
				t.Errorf("%+v, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it shows what it read: %v", err)
			}
		})
	}
}
