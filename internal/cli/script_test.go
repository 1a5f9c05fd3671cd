package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/drydock-dev/drydock/internal/cli"
)

var update = flag.Bool("update", false, "write goldens and docs anew")

// today is the clock of every script.
func today() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"drydock": func() { os.Exit(run()) }})
}

// run is the program under test: in the script's environment, on the scripts'
// day, unless TEST_CLOCK is "real". TEST_TERMINAL=80 makes standard output a terminal of
// that width.
func run() int {
	env := cli.System()
	env.Version = "v0.0.0-test"
	if os.Getenv("TEST_CLOCK") != "real" {
		env.Now = today
	}
	if w, err := strconv.Atoi(os.Getenv("TEST_TERMINAL")); err == nil {
		env.Terminal, env.Width = true, w
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Main(ctx, env, append([]string{"drydock"}, os.Args[1:]...)...)
}

func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
			e.Setenv("XDG_DATA_HOME", filepath.Join(e.WorkDir, ".data"))
			e.Setenv("DOCKER_HOST", "unix:///nonexistent.sock")
			e.Setenv("ROOT", root)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "shared" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return shared() != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"mkimage": mkimage, "fill": fill, "jq": jq, "exits": exits, "damage": damage, "forge": forge, "bucket": bucket, "gz": gz, "serve": serve},
	})
}

// shared is the folder of real test data, and empty where there is none.
func shared() string {
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	if _, err := os.Stat(filepath.Join(dir, "images")); err != nil {
		return ""
	}
	return dir
}

// exits runs a command and wants exactly this exit code: exits 2 drydock cves …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG …]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit interface{ ExitCode() int }
		if !asExit(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func asExit(err error, to *interface{ ExitCode() int }) bool {
	e, ok := err.(interface{ ExitCode() int })
	*to = e
	return ok
}

// jq looks into the JSON on the last command's standard output: jq a.0.b VALUE
// wants that value, jq a.0.b any one, ! jq a.0.b none; len is the length.
func jq(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: jq PATH [VALUE]")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("standard output is not JSON: %v", err)
	}
	for _, k := range strings.Split(args[0], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[k]
		case []any:
			if k == "len" {
				v = float64(len(x))
				continue
			}
			i, err := strconv.Atoi(k)
			if err != nil || i >= len(x) {
				v = nil
				continue
			}
			v = x[i]
		default:
			v = nil
		}
	}
	ok := v != nil
	if len(args) == 2 {
		ok = fmt.Sprint(v) == args[1]
	}
	if ok == neg {
		ts.Fatalf("%s is %v", args[0], v)
	}
}

// damage changes a byte in the middle of every value of the cache under a folder.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	found := 0
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) != "values" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b[len(b)/2] ^= 0xff
		found++
		return os.WriteFile(path, b, 0o600)
	})
	ts.Check(err)
	if neg || found == 0 {
		ts.Fatalf("no value to damage")
	}
}

// forge copies an archive with other bytes in its layers and every name and
// digest kept: forge FROM TO OLD NEW.
func forge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: forge FROM TO OLD NEW")
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for r := tar.NewReader(strings.NewReader(ts.ReadFile(args[0]))); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		b, err := io.ReadAll(r)
		ts.Check(err)
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			plain, err := io.ReadAll(z)
			ts.Check(err)
			b = bytes.ReplaceAll(plain, []byte(args[2]), []byte(args[3]))
		}
		h.Size = int64(len(b))
		ts.Check(w.WriteHeader(h))
		_, err = w.Write(b)
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o600))
}

// fill puts the values of environment variables into files, in the place of ${NAME}.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE …")
	}
	for _, file := range args {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(os.Expand(ts.ReadFile(file), ts.Getenv)), 0o600))
	}
}

// mkimage makes an image of a recipe: mkimage OUT RECIPE. OUT ends in .tar for
// a docker-archive and is an OCI layout folder otherwise. The recipe's lines:
//
//	layer DIR [instruction …]   a layer of that folder; names of .wh. remove
//	config JSON                 the configuration's "config"
//	created RFC3339
//	tag NAME
//
// Its id is then in IMAGE_ID.
func mkimage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mkimage OUT RECIPE")
	}
	img, tag := empty.Image, "test:latest"
	var cfg v1.Config
	created := v1.Time{Time: today()}
	for _, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "layer":
			dir, by, _ := strings.Cut(rest, " ")
			b, err := tarOf(ts.MkAbs(dir))
			ts.Check(err)
			l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
			ts.Check(err)
			img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: by, Created: created}})
			ts.Check(err)
		case "config":
			ts.Check(json.Unmarshal([]byte(rest), &cfg))
		case "tag":
			tag = rest
		default:
			ts.Fatalf("mkimage: %q", line)
		}
	}
	f, err := img.ConfigFile()
	ts.Check(err)
	f = f.DeepCopy()
	f.Config, f.OS, f.Architecture, f.Created = cfg, "linux", "amd64", created
	img, err = mutate.ConfigFile(img, f)
	ts.Check(err)
	id, err := img.ConfigName()
	ts.Check(err)
	ts.Setenv("IMAGE_ID", id.String())
	out := ts.MkAbs(args[0])
	if strings.HasSuffix(out, ".tar") {
		ref, err := name.NewTag(tag)
		ts.Check(err)
		ts.Check(tarball.WriteToFile(out, ref, img))
		return
	}
	p, err := layout.Write(out, empty.Index)
	ts.Check(err)
	ts.Check(p.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"})))
}

// tarOf is a folder as a layer. A file named like x,4755 has that mode.
func tarOf(dir string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	var paths []string
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if p != dir {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return nil, err
		}
		h := &tar.Header{Name: filepath.ToSlash(rel), Mode: 0o644, ModTime: today(), Typeflag: tar.TypeReg, Size: info.Size()}
		if name, mode, ok := strings.Cut(h.Name, ","); ok {
			h.Name = name
			if h.Mode, err = strconv.ParseInt(mode, 8, 64); err != nil {
				return nil, err
			}
		}
		if info.IsDir() {
			h.Typeflag, h.Mode, h.Size, h.Name = tar.TypeDir, 0o755, 0, h.Name+"/"
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if info.IsDir() {
			continue
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}
