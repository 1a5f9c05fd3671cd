// Image makes Drydock's own container image without a daemon: from scratch, with the
// program, the authorities that it trusts, and a user that is not root.
//
//	go run . -out ../../dist -version v1.2.3 amd64=../../dist/image/drydock-amd64
//
// The same program and version make the same bytes, wherever and whenever. It writes
// an OCI layout (oci), which registries' tools push, and an archive of the first
// platform that "docker load" takes (drydock.tar). With -extension it makes the image
// of the extension for Docker Desktop in their place.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	user   = 65532 // as distroless images and Chainguard's have it
	source = "https://github.com/drydock-dev/drydock"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// made is what is asked for.
type made struct {
	out, version, revision string
	extension              string            // folder; empty: the image of the program alone
	sboms                  map[string]string // by architecture: a CycloneDX document of the program
}

func run(args []string) error {
	var m made
	f := flag.NewFlagSet("image", flag.ContinueOnError)
	f.StringVar(&m.out, "out", "dist", "folder to write to")
	f.StringVar(&m.version, "version", "dev", "of the program")
	f.StringVar(&m.revision, "revision", "", "commit that the program is of")
	f.StringVar(&m.extension, "extension", "", "folder of the extension for Docker Desktop")
	sboms := f.String("sboms", "", "amd64=FILE,…: CycloneDX documents to attach")
	if err := f.Parse(args); err != nil {
		return err
	}
	m.sboms = map[string]string{}
	for _, s := range strings.FieldsFunc(*sboms, func(r rune) bool { return r == ',' }) {
		arch, file, _ := strings.Cut(s, "=")
		m.sboms[arch] = file
	}
	what := "drydock"
	if m.extension != "" {
		what = "drydock-extension"
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var first v1.Image
	var referrers []mutate.IndexAddendum
	for _, arg := range f.Args() {
		arch, program, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("%s is not ARCH=PROGRAM", arg)
		}
		img, err := m.image(arch, program)
		if err != nil {
			return err
		}
		if first == nil {
			first = img
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
		if file := m.sboms[arch]; file != "" {
			r, err := referrer(img, file)
			if err != nil {
				return err
			}
			referrers = append(referrers, r)
		}
	}
	if first == nil {
		return fmt.Errorf("no ARCH=PROGRAM is given")
	}
	return write(m.out, what, m.version, first, index, referrers)
}

// write writes an OCI layout, whose top is the index of all platforms under the
// version, with the SBOMs beside; and an archive that Docker loads.
func write(out, what, version string, first v1.Image, index v1.ImageIndex, referrers []mutate.IndexAddendum) error {
	dir := filepath.Join(out, what+".oci")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := to.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": version})); err != nil {
		return err
	}
	for _, r := range referrers {
		if err := to.AppendImage(r.Add.(v1.Image), layout.WithAnnotations(r.Annotations)); err != nil {
			return err
		}
	}
	tag, err := name.NewTag(what + ":" + version)
	if err != nil {
		return err
	}
	if err := tarball.WriteToFile(filepath.Join(out, what+".tar"), tag, first); err != nil {
		return err
	}
	d, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s %s@%s\n", dir, tag, d)
	return nil
}

// referrer is an SBOM as an artifact that refers to its image (OCI 1.1).
func referrer(img v1.Image, file string) (mutate.IndexAddendum, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	const kind = "application/vnd.cyclonedx+json"
	a, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: static.NewLayer(b, kind)})
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	a = mutate.ConfigMediaType(a, kind) // what kind of artifact it is, where the manifest itself does not say
	d, err := img.Digest()
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	size, err := img.Size()
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	a = mutate.Subject(a, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: d, Size: size}).(v1.Image)
	return mutate.IndexAddendum{Add: a, Descriptor: v1.Descriptor{Annotations: map[string]string{"org.opencontainers.artifact.type": kind}}}, nil
}

// image is the image of one architecture.
func (m *made) image(arch, program string) (v1.Image, error) {
	var t files
	t.dir("etc", 0o755, 0)
	t.file("etc/passwd", 0o644, []byte(fmt.Sprintf("root:x:0:0::/:/nologin\ndrydock:x:%d:%d::/data:/nologin\n", user, user)))
	t.file("etc/group", 0o644, []byte(fmt.Sprintf("root:x:0:\ndrydock:x:%d:\n", user)))
	t.dir("etc/ssl", 0o755, 0)
	t.dir("etc/ssl/certs", 0o755, 0)
	t.file("etc/ssl/certs/ca-certificates.crt", 0o644, authorities())
	t.dir("data", 0o700, user)
	t.dir("tmp", 0o1777, 0)
	b, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	base, err := t.layer()
	if err != nil {
		return nil, err
	}
	var p files // apart, so that a new version shares the layer below
	p.file("drydock", 0o755, b)
	top, err := p.layer()
	if err != nil {
		return nil, err
	}
	layers := []v1.Layer{base, top}
	config := v1.Config{
		User: fmt.Sprintf("%d:%d", user, user), WorkingDir: "/data", Entrypoint: []string{"/drydock"}, Cmd: []string{"serve"},
		Env:     []string{"HOME=/data", "XDG_DATA_HOME=/data", "XDG_CACHE_HOME=/data/cache"},
		Volumes: map[string]struct{}{"/data": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title": "Drydock", "org.opencontainers.image.version": m.version, "org.opencontainers.image.source": source,
			"org.opencontainers.image.description": "Container images: lint, scan, sign, watch", "org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	if m.revision != "" {
		config.Labels["org.opencontainers.image.revision"] = m.revision
	}
	history := []string{"FROM scratch: a user, authorities, folders", "COPY drydock /drydock"}
	if m.extension != "" {
		var e files
		if err := e.tree(m.extension); err != nil {
			return nil, err
		}
		l, err := e.layer()
		if err != nil {
			return nil, err
		}
		layers, history = append(layers, l), append(history, "COPY extension /")
		if err := labelsOf(m.extension, config.Labels); err != nil {
			return nil, err
		}
	}
	img, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{
		Architecture: arch, OS: "linux", Created: v1.Time{Time: time.Unix(0, 0).UTC()}, Config: config,
	})
	if err != nil {
		return nil, err
	}
	for i, l := range layers {
		h := v1.History{Created: v1.Time{Time: time.Unix(0, 0).UTC()}, CreatedBy: history[i]}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: h}); err != nil {
			return nil, err
		}
	}
	return mutate.ConfigMediaType(img, types.OCIConfigJSON), nil
}

// labelsOf reads the labels that Docker Desktop asks of an extension's image.
func labelsOf(dir string, to map[string]string) error {
	b, err := os.ReadFile(filepath.Join(dir, "labels.json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, &to)
}

// authorities are Mozilla's, as the Go project keeps them.
func authorities() []byte {
	var b bytes.Buffer
	for r := range bundle.Roots() {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate}); err != nil {
			panic(err) // a buffer takes everything
		}
	}
	return b.Bytes()
}

// files are a layer's, in order, all of the same time.
type files struct {
	b   bytes.Buffer
	out *tar.Writer
	err error
}

func (f *files) add(h *tar.Header, body []byte) {
	if f.out == nil {
		f.out = tar.NewWriter(&f.b)
	}
	h.Format, h.ModTime, h.Size = tar.FormatUSTAR, time.Unix(0, 0), int64(len(body))
	if f.err == nil {
		f.err = f.out.WriteHeader(h)
	}
	if f.err == nil {
		_, f.err = f.out.Write(body)
	}
}

func (f *files) dir(name string, mode int64, owner int) {
	f.add(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: owner, Gid: owner}, nil)
}

func (f *files) file(name string, mode int64, body []byte) {
	f.add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, body)
}

// tree adds a folder's files, but for the labels, which are not the image's to hold.
func (f *files) tree(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil || rel == "." || rel == "labels.json" {
			return err
		}
		if d.IsDir() {
			f.dir(filepath.ToSlash(rel), 0o755, 0)
			return nil
		}
		b, err := os.ReadFile(p)
		f.file(path.Clean(filepath.ToSlash(rel)), 0o644, b)
		return err
	})
}

func (f *files) layer() (v1.Layer, error) {
	if f.err == nil {
		f.err = f.out.Close()
	}
	if f.err != nil {
		return nil, f.err
	}
	b := f.b.Bytes()
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, tarball.WithMediaType(types.OCILayer))
}
