package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
)

// realEngine is the Docker Engine that answers here; without one the test is
// skipped, and fails in CI. What the test loads has names of its own, and is
// taken away after it.
type realEngine struct {
	*testing.T
	cli  *client.Client
	repo string
}

func dialReal(t *testing.T) *realEngine {
	t.Helper()
	cli, err := DialEngine(Options{})
	if err == nil {
		_, err = cli.ServerVersion(t.Context(), client.ServerVersionOptions{})
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Docker Engine answers: %v", err)
		}
		t.Skipf("no Docker Engine answers: %v", err)
	}
	t.Cleanup(func() { _ = cli.Close() })
	return &realEngine{t, cli, fmt.Sprintf("drydock-test-%d-%s", os.Getpid(), strings.ToLower(t.Name()))}
}

// load has the Engine load an archive that holds an image under name, and tells
// what the Engine makes of it.
func (e *realEngine) load(name string, archive []byte, platforms ...ocispec.Platform) client.ImageInspectResult {
	e.Helper()
	var how []client.ImageLoadOption
	if len(platforms) > 0 {
		how = append(how, client.ImageLoadWithPlatforms(platforms...))
	}
	r, err := e.cli.ImageLoad(e.Context(), bytes.NewReader(archive), how...)
	if err != nil {
		e.Fatal(err)
	}
	said, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() {
		if _, err := e.cli.ImageRemove(context.Background(), name, client.ImageRemoveOptions{Force: true}); err != nil {
			e.Errorf("remove %s: %v", name, err)
		}
	})
	got, err := e.cli.ImageInspect(e.Context(), name)
	if err != nil {
		e.Fatalf("%v\n%s", err, said)
	}
	return got
}

// open opens an image twice, the second time from memory, and wants the same of
// both: the platform, how many statements there are of it, a layer's only file.
func (e *realEngine) open(target string, opt Options, want string, statements int, file string) *Image {
	e.Helper()
	opt.Cache = &cache.Cache{Dir: e.TempDir()}
	var last *Image
	for range 2 {
		im, err := Open(e.Context(), target, opt)
		if err != nil {
			e.Fatalf("%s: %v", target, err)
		}
		got, err := im.Statements(e.Context())
		if err != nil || len(got) != statements || im.Attested != (statements > 0) {
			e.Errorf("%s: %d statements, attested: %v, %v; want %d", target, len(got), im.Attested, err, statements)
		}
		s, err := im.Scan(e.Context(), ScanOptions{Analyzers: lister(), Cache: opt.Cache})
		if err != nil {
			e.Fatalf("%s: %v", target, err)
		}
		if _, ok := s.Tree.Lookup(file); !ok || im.Platform != want || im.Kind != "engine" {
			e.Errorf("%s: %s %s, with %s: %v", target, im.Kind, im.Platform, file, ok)
		}
		if err := im.Close(); err != nil {
			e.Error(err)
		}
		last = im
	}
	return last
}

// foreign is an architecture that this machine has not.
const foreign = "s390x"

// layoutFor is an archive of an image for two architectures, with two
// attestations of each, as BuildKit writes it; where asked, without what only the
// first is made of, as a registry gives the second alone.
func layoutFor(t *testing.T, name string, second bool) (archive []byte, index finding.Digest) {
	t.Helper()
	l := &layoutOf{t: t}
	var all []obj
	for i, arch := range []string{runtime.GOARCH, foreign} {
		if i == 1 && second {
			l.blobs, l.has = nil, nil
		}
		d := with(l.manifest(makeImage(t, arch, tarOf(t, part{name: "for-" + arch, text: name}))), platform(arch))
		all = append(all, d, attested(t, l, d, d["digest"].(finding.Digest), "https://slsa.dev/provenance/v1", "https://spdx.dev/Document"))
	}
	top := l.index(all...)
	return tarOf(t, l.parts(with(top, obj{"annotations": obj{"io.containerd.image.name": "docker.io/" + name, "org.opencontainers.image.ref.name": "1"}}))...), top["digest"].(finding.Digest)
}

// TestEngineStore: an image that the Engine has, by each of its names and for
// each of its platforms.
func TestEngineStore(t *testing.T) {
	e := dialReal(t)
	name := e.repo + "/plain:1"
	m := makeImage(t, runtime.GOARCH, tarOf(t, part{name: "a", text: name}))
	got := e.load(name, tarOf(t, m.save(t, name)...))
	host := "linux/" + runtime.GOARCH
	hex := strings.TrimPrefix(got.ID, "sha256:")
	for _, by := range []string{name, got.ID, hex, hex[:12], "docker.io/" + name} {
		for _, opt := range []Options{{}, {Platform: host}, {Platform: runtime.GOARCH}} {
			im := e.open("local://"+by, opt, host, 0, "a")
			if im.EngineID != finding.Digest(got.ID) || !slices.Equal(im.Tags, []string{name}) {
				t.Errorf("%s: %s, tags %v", by, im.EngineID, im.Tags)
			}
		}
	}
	_, err := Open(t.Context(), "local://"+name, Options{Platform: "linux/" + foreign})
	var pe *PlatformError
	if !errors.As(err, &pe) || !slices.Equal(pe.Found, []string{host}) {
		t.Errorf("a platform that is not there: %v", err)
	}

	locals, err := OpenLocals(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer locals.Close()
	local, err := locals.Get(t.Context(), name)
	if err != nil || local == nil || len(local.DiffIDs) != 1 || local.Size <= 0 {
		t.Fatalf("%+v, %v", local, err)
	}
	if len(local.Digests) > 0 && (got.Descriptor == nil || locals.served(got)) {
		t.Errorf("no registry serves it, and it has the digest %s there", local.Digests)
	}
}

// TestEngineStorePlatforms: the containerd image store keeps an image's index,
// its attestations, and as many of its platforms as it was given.
func TestEngineStorePlatforms(t *testing.T) {
	e := dialReal(t)
	host, other := "linux/"+runtime.GOARCH, "linux/"+foreign
	plain := e.repo + "/plain:1"
	if e.load(plain, tarOf(t, makeImage(t, runtime.GOARCH, tarOf(t, part{name: "a", text: plain})).save(t, plain)...)).Descriptor == nil {
		t.Skip("this Engine's image store knows no index")
	}
	both := e.repo + "/both:1"
	archive, index := layoutFor(t, both, false)
	if got := e.load(both, archive); got.ID != string(index) {
		t.Errorf("its id is %s, want that of its index, %s", got.ID, index)
	}
	for _, by := range []string{both, string(index), index.Short()} {
		for _, c := range []struct{ ask, want string }{{"", host}, {host, host}, {other, other}} {
			im := e.open("local://"+by, Options{Platform: c.ask}, c.want, 2, "for-"+strings.TrimPrefix(c.want, "linux/"))
			if im.EngineID != index {
				t.Errorf("%s: %s, want %s", by, im.EngineID, index)
			}
		}
	}
	var pe *PlatformError
	if _, err := Open(t.Context(), "local://"+both, Options{Platform: "linux/riscv64"}); !errors.As(err, &pe) || !slices.Equal(pe.Found, []string{host, other}) {
		t.Errorf("a platform that is not there: %v", err)
	}

	// Only another machine's: it is the image, and none is made up for this one's.
	one := e.repo + "/one:1"
	archive, _ = layoutFor(t, one, true)
	e.load(one, archive, ocispec.Platform{OS: "linux", Architecture: foreign})
	for _, ask := range []string{"", other} {
		im, err := Open(t.Context(), "local://"+one, Options{Platform: ask})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := im.Scan(t.Context(), ScanOptions{Analyzers: lister()}); err != nil || s.Tree.Len() != 1 || im.Platform != other {
			t.Errorf("it is %s: %v", im.Platform, err)
		}
		if _, err := im.Statements(t.Context()); err == nil || !im.Attested {
			t.Errorf("its attestations are not given out: %v, attested: %v", err, im.Attested)
		}
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open(t.Context(), "local://"+one, Options{Platform: host}); !errors.As(err, &pe) || !slices.Equal(pe.Found, []string{other}) {
		t.Errorf("a platform whose bytes are not there: %v", err)
	}
}
