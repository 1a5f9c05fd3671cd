package image

import (
	"os"
	"path/filepath"
	"strings"
)

// TargetKind says where a target lies.
type TargetKind uint8

// The kinds of target. Other is a prefix that is not an image's (sbom://,
// compose://, container://); Folder is a folder that is neither an OCI layout
// nor said to be a root file system.
const (
	Reference TargetKind = iota // the Engine, then a registry
	Engine
	Registry
	Archive
	Layout
	Rootfs
	Folder
	Other
)

// Target is what a user typed, taken apart.
type Target struct {
	Kind TargetKind
	Ref  string // the reference or path, without prefix; "-" is standard input
	Pick string // what follows '#': which image of an archive or layout
}

// prefixes are the ways to say what a target is: Drydock's own, then those that
// users of Syft, Grype and Trivy know. A prefix without slashes that is also an
// image's name (docker:24, registry:2) is not among them; see [Detect].
var prefixes = []struct {
	text string
	kind TargetKind
}{
	{"image://", Reference},
	{"local://", Engine},
	{"docker-daemon://", Engine},
	{"docker-daemon:", Engine},
	{"registry://", Registry},
	{"archive://", Archive},
	{"docker-archive://", Archive},
	{"docker-archive:", Archive},
	{"oci-archive://", Archive},
	{"oci-archive:", Archive},
	{"oci-dir://", Layout},
	{"oci-dir:", Layout},
	{"fs://", Rootfs},
}

// Detect takes a target apart. Without a prefix an existing file, or "-", is an
// archive; a folder with an oci-layout file in it is an OCI layout, any other
// folder a [Folder]; all else is an image reference.
func Detect(target string) Target {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(target, p.text); ok {
			return split(p.kind, rest)
		}
	}
	if scheme, _, ok := strings.Cut(target, "://"); ok && scheme != "" {
		return Target{Kind: Other, Ref: target}
	}
	// What follows cannot be a tag, so the first word is not an image's name.
	if rest, ok := strings.CutPrefix(target, "docker:"); ok && strings.ContainsAny(rest, ":/@") {
		return Target{Kind: Engine, Ref: rest}
	}
	if rest, ok := strings.CutPrefix(target, "registry:"); ok && strings.ContainsAny(rest, ":/@") {
		return Target{Kind: Registry, Ref: rest}
	}
	if rest, ok := strings.CutPrefix(target, "dir:"); ok {
		st, err := os.Stat(rest)
		if err == nil && st.IsDir() || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "/") {
			return Target{Kind: Rootfs, Ref: rest}
		}
	}
	if target == "-" {
		return Target{Kind: Archive, Ref: target}
	}
	t := split(Archive, target)
	st, err := os.Stat(t.Ref)
	switch {
	case err != nil:
		return Target{Kind: Reference, Ref: target}
	case !st.IsDir():
		return t
	}
	if _, err := os.Stat(filepath.Join(t.Ref, "oci-layout")); err == nil {
		t.Kind = Layout
		return t
	}
	return Target{Kind: Folder, Ref: target}
}

// split takes '#name' off a path, unless a file is really called so.
func split(kind TargetKind, rest string) Target {
	t := Target{Kind: kind, Ref: rest}
	if kind != Archive && kind != Layout {
		return t
	}
	if _, err := os.Stat(rest); err == nil {
		return t
	}
	if i := strings.LastIndexByte(rest, '#'); i > 0 {
		t.Ref, t.Pick = rest[:i], rest[i+1:]
	}
	return t
}
