package plugin

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func installation(t *testing.T) Installation {
	dir := t.TempDir()
	exe := filepath.Join(dir, "drydock")
	if err := os.WriteFile(exe, []byte("\x7fELF … "+marker+" …"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Installation{ConfigDir: filepath.Join(dir, ".docker"), Program: exe}
}

func config(t *testing.T, i Installation) (v map[string]any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(i.ConfigDir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestInstallKeepsTheRestOfTheConfiguration(t *testing.T) {
	i := installation(t)
	if err := os.MkdirAll(i.ConfigDir, 0o700); err != nil {
		t.Fatal(err)
	}
	before := `{"auths":{"r.example":{"auth":"c2VjcmV0"}},"plugins":{"other":{"hooks":"run"}}}`
	path := filepath.Join(i.ConfigDir, "config.json")
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second installation is an update
		if err := i.Install(); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]any{
		"auths":    map[string]any{"r.example": map[string]any{"auth": "c2VjcmV0"}},
		"features": map[string]any{"hooks": "true"},
		"plugins":  map[string]any{"other": map[string]any{"hooks": "run"}, "drydock": map[string]any{"hooks": hooks, switchedOn: "true"}},
	}
	if diff := cmp.Diff(want, config(t, i)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(i.Path()); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("plugin file: %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("config.json: %v, %v", info, err)
	}
	if err := i.Uninstall(); err != nil {
		t.Fatal(err)
	}
	delete(want["plugins"].(map[string]any), "drydock")
	if diff := cmp.Diff(want, config(t, i)); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(i.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("plugin file is still there: %v", err)
	}
}

func TestAnothersPluginIsNeverTouched(t *testing.T) {
	i := installation(t)
	if err := os.MkdirAll(filepath.Dir(i.Path()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(i.Path(), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignError
	if err := i.Install(); !errors.As(err, &foreign) {
		t.Errorf("install: %v", err)
	}
	if err := i.Uninstall(); !errors.As(err, &foreign) {
		t.Errorf("uninstall: %v", err)
	}
	if b, _ := os.ReadFile(i.Path()); string(b) != "#!/bin/sh\n" {
		t.Errorf("the other plugin was changed: %q", b)
	}
}

func TestABrokenConfigurationIsLeftAsItIs(t *testing.T) {
	i := installation(t)
	if err := os.MkdirAll(i.ConfigDir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(i.ConfigDir, "config.json")
	if err := os.WriteFile(path, []byte("{not json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := i.Install(); err == nil {
		t.Error("no error")
	}
	if b, _ := os.ReadFile(path); string(b) != "{not json" {
		t.Errorf("config.json was changed: %q", b)
	}
}

func TestHookSpeaksAfterABuildThatWorked(t *testing.T) {
	for _, c := range []struct {
		request string
		speaks  bool
	}{
		{`{"RootCmd":"build","Flags":{"t":""}}`, true},
		{`{"RootCmd":"buildx build"}`, true},
		{`{"RootCmd":"build","CommandError":"exit status 1"}`, false},
		{`{"RootCmd":"pull"}`, false},
	} {
		b, err := Hook(c.request)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Type     *int
			Template string
		}
		if err := json.Unmarshal(b, &out); err != nil || out.Type == nil || *out.Type != 0 {
			t.Fatalf("%s: %s, %v", c.request, b, err)
		}
		if (out.Template != "") != c.speaks {
			t.Errorf("%s: %s", c.request, b)
		}
	}
	if _, err := Hook("{"); err == nil {
		t.Error("no error for a request that is not JSON")
	}
}

// Docker's hooks are off unless features says "true"; what a user said stays.
func TestHooksAreSwitchedOnAndOff(t *testing.T) {
	for _, c := range []struct{ before, during, after string }{
		{`{}`, `{"hooks":"true"}`, `null`},
		{`{"features":{"buildkit":"true"}}`, `{"buildkit":"true","hooks":"true"}`, `{"buildkit":"true"}`},
		{`{"features":{"hooks":"false"}}`, `{"hooks":"false"}`, `{"hooks":"false"}`},
		{`{"features":{"hooks":"true"}}`, `{"hooks":"true"}`, `{"hooks":"true"}`},
		{`{"features":null,"plugins":null}`, `{"hooks":"true"}`, `null`},
		{`{"plugins":{"other":{"error-hooks":"run"}}}`, `{"hooks":"true"}`, `{"hooks":"true"}`}, // another needs them
	} {
		i := installation(t)
		if err := os.MkdirAll(i.ConfigDir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(i.ConfigDir, "config.json"), []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			do   func() error
			want string
		}{{i.Install, c.during}, {i.Install, c.during}, {i.Uninstall, c.after}} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(config(t, i)["features"])
			if err != nil || string(got) != step.want {
				t.Errorf("%s: features are %s, want %s; %v", c.before, got, step.want, err)
			}
		}
	}
}

func TestArgs(t *testing.T) {
	for _, c := range []struct {
		args, want []string
		env        map[string]string
	}{
		{[]string{"drydock", "cves", "drydock"}, []string{"cves", "drydock"}, map[string]string{}},
		{[]string{"--debug", "--host", "tcp://x", "drydock", "cves"}, []string{"cves"}, map[string]string{"DOCKER_HOST": "tcp://x"}},
		{[]string{"-Htcp://x", "--config=/c", "drydock"}, nil, map[string]string{"DOCKER_HOST": "tcp://x", "DOCKER_CONFIG": "/c"}},
		{[]string{"-c", "drydock", "--tlsverify", "drydock", "qv"}, []string{"qv"}, map[string]string{"DOCKER_CONTEXT": "drydock", "DOCKER_TLS_VERIFY": "1"}},
		{[]string{"help", "drydock", "cves"}, []string{"cves", "--help"}, map[string]string{}},
		{[]string{"__complete", "drydock", "cv"}, []string{"__complete", "cv"}, map[string]string{}},
		{[]string{"docker-cli-plugin-metadata"}, []string{"docker-cli-plugin-metadata"}, map[string]string{}},
		{[]string{"drydock", "docker-cli-plugin-hooks", "{}"}, []string{"docker-cli-plugin-hooks", "{}"}, map[string]string{}},
		{[]string{"--host"}, []string{"--host"}, map[string]string{}},
	} {
		if diff := cmp.Diff(c.want, Roles()[0].Args(c.args), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%v: %s", c.args, diff)
		}
		if diff := cmp.Diff(c.env, Roles()[0].Environment(c.args)); diff != "" {
			t.Errorf("%v: %s", c.args, diff)
		}
	}
}

// TestTaken: what docker has of its own, or another's plugin anywhere it looks, is
// never shadowed.
func TestTaken(t *testing.T) {
	roles := Roles()
	for _, c := range []struct {
		role   Role
		docker int
		shared string // another's, in a folder of all users
		taken  bool
	}{
		{role: roles[0], docker: 20, taken: false},
		{role: roles[1], docker: 28, taken: true},
		{role: roles[1], docker: 29, taken: false},
		{role: roles[1], docker: 0, taken: false},
		{role: roles[1], docker: 29, shared: "#!/bin/sh", taken: true},
		{role: roles[2], docker: 29, shared: "#!/bin/sh", taken: true},
		{role: roles[2], docker: 29, shared: "ELF " + marker, taken: false},
		{role: roles[2], docker: 20, taken: false},
	} {
		i := installation(t)
		i.Role, i.Docker = c.role, c.docker
		if c.shared != "" {
			i.Shared = []string{t.TempDir()}
			if err := os.WriteFile(filepath.Join(i.Shared[0], c.role.File()), []byte(c.shared), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		err := i.Install()
		if errors.As(err, new(*TakenError)) != c.taken || !c.taken && err != nil {
			t.Errorf("%s on docker %d, %q: %v", c.role.Name, c.docker, c.shared, err)
		}
		_, serr := os.Stat(i.Path())
		if (serr == nil) == c.taken {
			t.Errorf("%s on docker %d: installed %v", c.role.Name, c.docker, serr == nil)
		}
		if _, err := os.Stat(filepath.Join(i.ConfigDir, "config.json")); (err == nil) != (c.role.hooks && !c.taken) {
			t.Errorf("%s: the configuration has hooks: %v", c.role.Name, err)
		}
	}
}

// TestRolesArgs: what docker passes is the program's own words.
func TestRolesArgs(t *testing.T) {
	for _, c := range []struct {
		file string
		args []string
		want []string
	}{
		{"docker-trust", []string{"trust", "sign", "a:1"}, []string{"trust", "--begin", "sign", "a:1"}},
		{"docker-trust", []string{"help", "trust", "sign"}, []string{"trust", "--begin", "sign", "--help"}},
		{"docker-trust", []string{"--debug", "trust", "inspect", "trust"}, []string{"trust", "--begin", "inspect", "trust"}},
		{"docker-scout", []string{"scout", "cves", "a:1"}, []string{"cves", "a:1"}},
	} {
		r, ok := Called(c.file)
		if !ok {
			t.Fatal(c.file)
		}
		if diff := cmp.Diff(c.want, r.Args(c.args)); diff != "" {
			t.Error(diff)
		}
	}
	if _, ok := Called("drydock"); ok {
		t.Error("drydock itself is a plugin")
	}
}
