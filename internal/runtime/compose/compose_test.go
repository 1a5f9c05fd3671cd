package compose

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/mount"
	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// project writes files into a folder and loads compose.yaml there.
func project(t *testing.T, opt Options, files map[string]string) (*Project, string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	opt.Files = []string{filepath.Join(dir, "compose.yaml")}
	p, err := Load(t.Context(), opt)
	return p, dir, err
}

func TestLoad(t *testing.T) {
	p, _, err := project(t, Options{Environ: []string{"TAG=3"}}, map[string]string{
		".env": "TAG=1\nPASS=x\n", "web.env": "FROM_FILE=1\n", "base.yaml": "services: {base: {image: base, user: '7'}}\n",
		"compose.yaml": `
services:
  web: {image: "web:${TAG}", depends_on: {db: {condition: service_healthy}, later: {condition: service_started, required: false}}, env_file: web.env}
  db: {extends: {file: base.yaml, service: base}, environment: {PASS: "${PASS}"}, post_start: [{command: ["x"]}], logging: {driver: syslog}}
  joins: {image: x, network_mode: "service:web", volumes_from: [db], external_links: [elsewhere]}
  later: {image: x, profiles: [debug]}
`,
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range p.Services {
		names = append(names, s.Name)
	}
	if want := []string{"db", "web", "joins"}; p.Name != "shop" || !slices.Equal(names, want) {
		t.Errorf("%s: %q, want %q", p.Name, names, want)
	}
	web, _ := p.Service("web")
	db, _ := p.Service("db")
	joins, _ := p.Service("joins")
	if web.Image != "web:3" || db.c.User != "7" || *db.c.Environment["PASS"] != "x" || *web.c.Environment["FROM_FILE"] != "1" {
		t.Errorf("web %+v, db %+v", web.c, db.c)
	}
	if d := cmp.Diff(map[string]string{"db": "service_healthy"}, web.needs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"db": "service_started", "web": "service_started"}, joins.needs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([][]string{{"services.db.post_start is not supported here"}, {"services.joins.external_links is not supported here"}}, [][]string{db.Otherwise, joins.Otherwise}); d != "" {
		t.Error(d)
	}
}

// TestForeign holds that what is not the project's own is refused, unless the user
// says why.
func TestForeign(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	for body, want := range map[string]string{
		"services: {a: {image: x, volumes: ['vol:/v']}}\nvolumes: {vol: {external: true}}":                "the volume vol is external",
		"services: {a: {image: x, volumes: ['vol:/v']}}\nvolumes: {vol: {name: other, external: true}}":   "the volume vol is external",
		"services: {a: {image: x, volumes_from: ['container:other']}}":                                    "it takes the volumes of the container other",
		"services: {a: {image: x, network_mode: 'container:other'}}":                                      "it joins the container other",
		"services: {a: {image: x, pid: 'container:other'}}":                                               "it joins the container other",
		"services: {a: {image: x, volumes: ['" + sock + ":/var/run/docker.sock']}}":                       sock + " is a socket or a device",
		"services: {a: {image: x, volumes: [{type: bind, source: /dev/null, target: /x}]}}":               "/dev/null is a socket or a device",
		"services: {a: {image: x, use_api_socket: true}}":                                                 "it uses the Engine's socket",
		"services: {a: {image: x, volumes: ['vol:/v']}, b: {image: x}}\nvolumes: {vol: {}}\nnetworks: {}": "",
	} {
		_, _, err := project(t, Options{}, map[string]string{"compose.yaml": body})
		var foreign *ForeignError
		if want == "" && err != nil || want != "" && (!errors.As(err, &foreign) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
		if _, _, err := project(t, Options{UnsafeUseVolumes: "it is a test machine"}, map[string]string{"compose.yaml": body}); err != nil {
			t.Errorf("%s with a reason: %v", body, err)
		}
	}
}

// TestSpec holds that nothing of a container is shared with, or seen by, what runs
// beside it.
func TestSpec(t *testing.T) {
	p, _, err := project(t, Options{}, map[string]string{"compose.yaml": `
services:
  web:
    image: web
    container_name: web
    hostname: front
    labels: {traefik.enable: "true", com.centurylinklabs.watchtower.enable: "true"}
    ports: ["80:8080", "0.0.0.0:53:53/udp", "9000"]
    expose: ["7000"]
    restart: always
    logging: {driver: gelf}
    entrypoint: ["/run.sh"]
    environment: {A: "1", UNSET: }
    healthcheck: {test: ["CMD", "x"], retries: 3, interval: 5s}
    cap_drop: [ALL]
    ulimits: {nofile: {soft: 10, hard: 20}, nproc: 5}
    tmpfs: ["/tmp", "/run:size=1m"]
    security_opt: ["seccomp:unconfined", "no-new-privileges:true"]
    deploy: {resources: {limits: {cpus: "0.5", memory: 64M, pids: 9}}}
`})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Services[0].spec(runtime.Image{ID: "sha256:1", Entrypoint: []string{"/old"}, Command: []string{"x"}}, map[string]string{"ours": "1"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"ours": "1"}, s.Config.Labels); d != "" {
		t.Errorf("labels: %s", d)
	}
	var ports []string
	for port, at := range s.Host.PortBindings {
		ports = append(ports, port.String())
		if len(at) != 1 || !at[0].HostIP.IsLoopback() || at[0].HostPort != "" {
			t.Errorf("port %s is published at %+v", port, at)
		}
	}
	slices.Sort(ports)
	if want := []string{"53/udp", "8080/tcp", "9000/tcp"}; !slices.Equal(ports, want) {
		t.Errorf("published %q, want %q", ports, want)
	}
	if s.Host.RestartPolicy.Name != "" || s.Host.LogConfig.Type != "json-file" || s.Host.Memory != 64<<20 || s.Host.NanoCPUs != 5e8 || *s.Host.PidsLimit != 9 {
		t.Errorf("host %+v", s.Host)
	}
	if want := []string{"seccomp=unconfined", "no-new-privileges=true"}; !slices.Equal(s.Host.SecurityOpt, want) {
		t.Errorf("security options %q, want %q", s.Host.SecurityOpt, want)
	}
	if got := argv(runtime.Image{Entrypoint: []string{"/old"}, Command: []string{"x"}}, s.Config); !slices.Equal(got, []string{"/run.sh"}) {
		t.Errorf("it runs %q", got)
	}
	if !slices.Equal(s.Config.Env, []string{"A=1"}) || s.Config.Healthcheck.Retries != 3 || s.Host.Tmpfs["/run"] != "size=1m" || len(s.Host.Ulimits) != 2 {
		t.Errorf("%+v", s.Config)
	}
}

// TestCopies holds that a container gets a copy of a folder, as it is, and the thing
// itself only where that is too large, read only.
func TestCopies(t *testing.T) {
	l := ledger.Open(t.TempDir(), disk.Caller(os.Getenv), nil)
	p, dir, err := project(t, Options{}, map[string]string{
		"compose.yaml": `
services:
  a: {image: x, volumes: ["./data:/data", "./data:/again:ro", "./data/file:/file", "./missing:/missing", "./link:/link"], configs: [{source: c, mode: 0440}]}
configs: {c: {content: "text"}}
`, "data/file": "one", "data/deep/x": "two",
	})
	if err != nil {
		t.Fatal(err)
	}
	run := os.Chmod(filepath.Join(dir, "data", "deep"), 0o751)
	if err := errors.Join(run, os.Symlink("file", filepath.Join(dir, "data", "inner")), os.Symlink("/etc", filepath.Join(dir, "data", "outer")), os.Symlink("data", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	sock, err := net.Listen("unix", filepath.Join(dir, "data", "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	u := &Up{project: p, ledger: l, volumes: map[string]string{}, binds: map[string]string{}}
	got, err := u.mounts(t.Context(), p.Services[0])
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]mount.Mount{}
	for _, m := range got {
		at[m.Target] = m
		if m.Type != mount.TypeBind || strings.HasPrefix(m.Source, dir) {
			t.Errorf("%+v", m)
		}
	}
	if at["/data"].ReadOnly || !at["/again"].ReadOnly || at["/again"].Source != at["/data"].Source || !at["/c"].ReadOnly {
		t.Errorf("%+v", got)
	}
	copied := at["/data"].Source
	if b, err := os.ReadFile(filepath.Join(copied, "deep", "x")); err != nil || string(b) != "two" {
		t.Errorf("%q %v", b, err)
	}
	if b, err := os.ReadFile(filepath.Join(at["/link"].Source, "file")); err != nil || string(b) != "one" {
		t.Errorf("%q %v", b, err)
	}
	if to, err := os.Readlink(filepath.Join(copied, "outer")); err != nil || to != "/etc" {
		t.Errorf("%q %v", to, err)
	}
	if info, err := os.Stat(filepath.Join(copied, "deep")); err != nil || info.Mode().Perm() != 0o751 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := os.Lstat(filepath.Join(copied, "s")); !errors.Is(err, fs.ErrNotExist) || len(p.Services[0].Otherwise) != 1 {
		t.Errorf("a socket: %v, %q", err, p.Services[0].Otherwise)
	}
	if info, err := os.Stat(at["/c"].Source); err != nil || info.Mode().Perm() != 0o440 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made beside the user's")
	}
	if err := u.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(copied); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the copy is left")
	}
}

// TestCorpus loads the compose files of the corpus: those that Compose reads are read,
// and nothing of them is shared with what runs.
func TestCorpus(t *testing.T) {
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
	loaded, services := 0, 0
	for tr := tar.NewReader(x); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, ".tsv") {
			continue
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := project(t, Options{UnsafeUseVolumes: "a test"}, map[string]string{"compose.yaml": string(b)})
		if err != nil {
			if !strings.Contains(err.Error(), "env file") && !strings.Contains(err.Error(), "invalid spec: :/media/") {
				t.Errorf("%s: %v", h.Name, err)
			}
			continue
		}
		loaded++
		for _, s := range p.Services {
			services++
			got, err := s.spec(runtime.Image{}, nil)
			if err != nil {
				t.Errorf("%s: %v", h.Name, err)
				continue
			}
			for port, at := range got.Host.PortBindings {
				if !at[0].HostIP.IsLoopback() || at[0].HostPort != "" {
					t.Errorf("%s: %s: port %s is published at %+v", h.Name, s.Name, port, at)
				}
			}
		}
	}
	if loaded < 55 || services < 120 {
		t.Errorf("%d files with %d services", loaded, services)
	}
}
