package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// warning is one thing that a linter says.
type warning struct {
	Rule string // BuildKit's name
	Line int    // the first
	Text string
}

// verdict is what BuildKit's linter says of one Dockerfile. Where it stops at
// an error, what would have come after it is not told.
type verdict struct {
	Warnings []warning
	Err      string
	ErrLine  int
}

// everyCheck switches every check on, whatever the file's directive says.
func everyCheck() *linter.Config { return &linter.Config{ExperimentalAll: true} }

// buildkit lints a Dockerfile as `docker build --check` does, on a builder of
// linux/amd64 whose registry is facts. ignore is the context's .dockerignore;
// without a configuration the file's directive counts.
func buildkit(t testing.TB, text []byte, ignore string, config *linter.Config) verdict {
	t.Helper()
	ui, err := dockerui.NewClient(&builder{ignore: ignore})
	if err != nil {
		t.Fatal(err)
	}
	ui.LinterConfig = config
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	got, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
		Config:       ui.Config,
		Client:       ui,
		SourceMap:    source,
		MetaResolver: &builder{},
	})
	if err != nil {
		t.Fatal(err)
	}
	var v verdict
	for _, w := range got.Warnings {
		v.Warnings = append(v.Warnings, warning{Rule: w.RuleName, Line: firstLine(w.Location), Text: w.Detail})
	}
	slices.SortFunc(v.Warnings, compareWarnings)
	if got.Error != nil {
		v.Err, v.ErrLine = got.Error.Message, firstLine(&got.Error.Location)
	}
	return v
}

func compareWarnings(a, b warning) int {
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	if c := strings.Compare(a.Rule, b.Rule); c != 0 {
		return c
	}
	return strings.Compare(a.Text, b.Text)
}

func firstLine(l *pb.Location) int {
	if l == nil || len(l.Ranges) == 0 {
		return 0
	}
	return int(l.Ranges[0].Start.Line)
}

// ofLanguages are variables that official images are documented to set, which Drydock
// knows without an image.
var ofLanguages = map[string][]string{
	"golang": {"GOPATH", "GOLANG_VERSION", "GOTOOLCHAIN"}, "node": {"NODE_VERSION", "YARN_VERSION"}, "python": {"PYTHON_VERSION"},
	"ruby": {"RUBY_VERSION", "GEM_HOME", "BUNDLE_APP_CONFIG"}, "rust": {"CARGO_HOME", "RUSTUP_HOME", "RUST_VERSION"},
	"php": {"PHP_VERSION", "PHP_INI_DIR"}, "eclipse-temurin": {"JAVA_HOME", "JAVA_VERSION"}, "maven": {"MAVEN_HOME", "JAVA_HOME"},
	"gradle": {"GRADLE_HOME", "JAVA_HOME"}, "tomcat": {"CATALINA_HOME", "JAVA_HOME"}, "postgres": {"PGDATA", "PG_MAJOR", "PG_VERSION"},
	"nginx": {"NGINX_VERSION"},
}

// facts is what is known of a made-up image: every name is an image for every
// platform, with an empty configuration, but for those of languages and under example.com/.
func facts(ref, platform string) dockerspec.DockerOCIImage {
	var img dockerspec.DockerOCIImage
	img.OS, img.Architecture = "linux", "amd64"
	img.RootFS = ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString("layer")}} // without one it is scratch to BuildKit
	if platform != "" {
		if p, err := platforms.Parse(platform); err == nil {
			img.Platform = p
		}
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(ref, "example.com/"), ":")
	if img.OS == "windows" {
		img.Config.Env = []string{`PATH=C:\Windows`} // Linux has one from BuildKit
	}
	if !strings.HasPrefix(ref, "example.com/") {
		for _, name := range ofLanguages[strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")] {
			img.Config.Env = append(img.Config.Env, name+"=/set")
		}
		return img
	}
	switch name {
	case "arm": // for one platform only
		img.OS, img.Architecture, img.Variant = "linux", "arm64", ""
	case "windows":
		img.OS, img.Architecture = "windows", "amd64"
		img.Config.Env = []string{`PATH=C:\Windows`}
	case "env":
		img.Config.Env = []string{"PATH=/opt/bin:/bin", "JAVA_HOME=/opt/java", "EMPTY="}
	case "workdir":
		img.Config.WorkingDir = "/srv"
	case "shell":
		img.Config.Shell = []string{"/bin/bash", "-c"}
	}
	return img
}

// builder is a BuildKit that has one file, the .dockerignore, and builds
// nothing.
type builder struct{ ignore string }

func (b *builder) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	platform := ""
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		platform = platforms.FormatAll(*opt.ImageOpt.Platform)
	}
	config, err := json.Marshal(facts(ref, platform))
	return ref, "", config, err
}

func (b *builder) ResolveSourceMetadata(context.Context, *pb.SourceOp, sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return nil, errors.New("no sources here")
}

func (b *builder) Solve(context.Context, client.SolveRequest) (*client.Result, error) {
	r := client.NewResult()
	r.SetRef(&local{ignore: b.ignore})
	return r, nil
}

func (b *builder) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts:    map[string]string{},
		Workers: []client.WorkerInfo{{Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}}},
		LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
		Caps:    gwpb.Caps.CapSet(gwpb.Caps.All()),
	}
}

func (b *builder) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

func (b *builder) NewContainer(context.Context, client.NewContainerRequest) (client.Container, error) {
	return nil, errors.New("no containers here")
}

func (b *builder) Warn(context.Context, digest.Digest, string, client.WarnOpts) error { return nil }

type local struct{ ignore string }

func (l *local) ToState() (llb.State, error)    { return llb.Scratch(), nil }
func (l *local) Evaluate(context.Context) error { return nil }

func (l *local) ReadFile(_ context.Context, r client.ReadRequest) ([]byte, error) {
	if r.Filename != dockerui.DefaultDockerignoreName || l.ignore == "" {
		return nil, os.ErrNotExist
	}
	b := []byte(l.ignore)
	if r.Range != nil {
		b = b[min(r.Range.Offset, len(b)):]
		if r.Range.Length > 0 {
			b = b[:min(r.Range.Length, len(b))]
		}
	}
	return b, nil
}

func (l *local) StatFile(_ context.Context, r client.StatRequest) (*fstypes.Stat, error) {
	if r.Path != dockerui.DefaultDockerignoreName || l.ignore == "" {
		return nil, os.ErrNotExist
	}
	return &fstypes.Stat{Path: r.Path, Mode: 0o644, Size: int64(len(l.ignore))}, nil
}

func (l *local) ReadDir(context.Context, client.ReadDirRequest) ([]*fstypes.Stat, error) {
	return nil, os.ErrNotExist
}
