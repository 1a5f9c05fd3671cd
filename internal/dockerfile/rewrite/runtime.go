package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// The kinds of image that a final stage stands on.
const (
	KindNginx  = "nginx"  // serves files
	KindNode   = "node"   // slim, same version as the build's
	KindPython = "python" // slim, same version as the build's
	KindJRE    = "jre"    // same version as the build's JDK
	KindStatic = "static" // for a program that needs nothing but itself
	KindDebian = "debian" // slim, same release as the build's
	KindAlpine = "alpine" // with a shell and busybox, for a static program, or one for musl
	KindASPNET = "aspnet" // same version as the SDK's
	KindDotnet = "dotnet" // likewise, without ASP.NET
	KindPHP    = "php"    // the build's own
)

// What the table knows of versions, and as of when.
const (
	nginxImage  = "nginx:1.30-alpine-slim"
	alpineImage = "alpine:3.24"
	tableOf     = "August 2026"
)

// Kinds lists the kinds of image that [Request.Runtime] is asked for.
func Kinds() []string {
	return []string{KindNginx, KindNode, KindPython, KindJRE, KindStatic, KindDebian, KindAlpine, KindASPNET, KindDotnet, KindPHP}
}

// runtime is the image of a final stage, and why it was chosen.
func (d *draft) runtime(kind string, st *dockerfile.Stage) (string, error) {
	ref, why, ok := "", "", false
	if d.Runtime != nil {
		ref, why, ok = d.Runtime(kind, st.Base)
	}
	base := parseReference(st.Base)
	if !ok {
		ref, why = fromTable(kind, base)
	}
	if y := d.systemOf(st); kind == KindAlpine && ref == alpineImage && y.distribution == "alpine" && y.known() {
		ref, why = "alpine:"+y.release, "the release that the build stands on"
	}
	if ref == "" {
		return "", refuse(&d.File.Instructions[st.From], "which %s image goes with %s cannot be told", kind, st.Base)
	}
	if name, tag, ok := strings.Cut(ref, ":"); ok && !strings.Contains(name, "/") {
		ref = base.sibling(name) + ":" + tag // of the same mirror
	}
	d.note("the final stage stands on %s: %s", ref, why)
	if base.Digest != "" && ref != "scratch" {
		return d.pinnedLike(base, ref), nil
	}
	if raw := respelled(st, ref); raw != "" {
		ref = raw
	}
	return ref, nil
}

// pinnedLike is a reference with its digest, as the build's has one.
func (d *draft) pinnedLike(base reference, ref string) string {
	if ref == base.with(base.Tag) {
		return ref + "@" + base.Digest
	}
	if d.Digest != nil {
		if digest, ok := d.Digest(ref); ok {
			return ref + "@" + string(digest)
		}
	}
	d.undecided("which digest %s has, as %s is pinned and it is not: look it up, or pin it with --only dockerfile/unpinned-base", ref, base.with(base.Tag))
	return ref
}

// fromTable is the image of a kind that goes with the build's.
func fromTable(kind string, r reference) (ref, why string) {
	switch kind {
	case KindNginx:
		return nginxImage, "the smallest official image of nginx's stable release, as of " + tableOf
	case KindStatic:
		return "scratch", "a static program needs nothing else"
	case KindAlpine:
		for _, p := range r.parts() {
			if v, ok := strings.CutPrefix(p, "alpine"); ok && v != "" {
				return "alpine:" + v, "the release that the build stands on"
			}
		}
		return alpineImage, "a shell and little else; the newest release as of " + tableOf
	case KindNode, KindPython:
		if r.official() == "" || r.windows() || r.has("onbuild") {
			return "", ""
		}
		tag := slim(r, kind == KindPython)
		if tag == r.Tag {
			return r.with(tag), "it is small as it is"
		}
		return r.with(tag), "the same version without compilers and headers"
	case KindDebian:
		if c := r.codename(); c != "" {
			return "debian:" + c + "-slim", "the release that the build stands on"
		}
		if c := usualRelease(r); c != "" {
			return "debian:" + c + "-slim", "the release that " + r.with(r.Tag) + " stands on, as far as its tag tells"
		}
	case KindPHP:
		if r.official() != "" {
			return r.with(r.Tag), "what PHP was built with"
		}
	case KindJRE:
		return jre(r)
	case KindASPNET, KindDotnet:
		if kind == KindDotnet {
			kind = "runtime"
		}
		if name, ok := strings.CutSuffix(r.Name, "/sdk"); ok && r.major() > 0 {
			parts := r.parts()
			if v := r.version(); len(v) > 1 {
				parts[0] = fmt.Sprintf("%d.%d", v[0], v[1]) // an SDK's third number is not its runtime's
			}
			return fmt.Sprintf("%s/%s:%s", name, kind, strings.Join(parts, "-")), "the same version without the SDK"
		}
	}
	return "", ""
}

// slim is the tag of the small build of the same version. Python's names the
// Debian release last, Node's first.
func slim(r reference, releaseLast bool) string {
	switch {
	case r.alpine() || r.has("slim"):
		return r.Tag
	case r.Tag == "" || r.Tag == "latest":
		return "slim"
	}
	parts := r.parts()
	if at := len(parts) - 1; releaseLast && slices.Contains(debianNames, parts[at]) {
		return strings.Join(slices.Insert(parts, at, "slim"), "-")
	}
	return r.Tag + "-slim"
}

// usualRelease is the Debian that an image of Go or Rust stands on whose tag
// names none; where that changed between two builds of a version, the later.
func usualRelease(r reference) string {
	v := r.version()
	minor := 1 << 20 // the newest
	if len(v) > 1 {
		minor = v[1]
	}
	var since []int // the first minor versions on bullseye, bookworm and trixie
	switch r.official() {
	case "golang":
		since = []int{17, 20, 25}
	case "rust":
		since = []int{55, 70, 89}
	default:
		return ""
	}
	if r.alpine() || len(v) > 0 && v[0] != 1 {
		return ""
	}
	switch {
	case minor >= since[2]:
		return "trixie"
	case minor >= since[1]:
		return "bookworm"
	case minor >= since[0]:
		return "bullseye"
	}
	return ""
}

// jre is the Java runtime that goes with a JDK's image.
func jre(r reference) (ref, why string) {
	version := 0
	parts := r.parts()
	if name := r.official(); name == "maven" || name == "gradle" {
		parts = parts[1:] // the tool's own version
	}
	for _, p := range parts {
		part := parseReference(":" + strings.TrimPrefix(strings.TrimPrefix(p, "jdk"), "openjdk"))
		if n := part.major(); slices.Contains([]int{8, 11, 17, 21, 25}, n) {
			version = n
		}
	}
	if version == 0 || r.windows() {
		return "", ""
	}
	const reason = "the Java runtime of the same version, without compiler and build tool"
	if r.official() == "eclipse-temurin" && slices.Contains(r.parts(), "jdk") {
		return r.with(strings.Replace(r.Tag, "-jdk", "-jre", 1)), reason
	}
	tag := fmt.Sprint(version) + "-jre"
	if r.alpine() {
		tag += "-alpine"
	}
	return "eclipse-temurin:" + tag, reason
}

// respelled is a reference with the build arguments that the build's FROM has;
// empty: it has none, or they are not in the way.
func respelled(st *dockerfile.Stage, ref string) string {
	if st.BaseRaw == st.Base || !strings.HasPrefix(ref, st.Base) {
		return ""
	}
	return st.BaseRaw + strings.TrimPrefix(ref, st.Base)
}
