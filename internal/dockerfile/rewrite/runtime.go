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
	if d.Runtime != nil {
		if ref, why, ok := d.Request.Runtime(kind, st.Base); ok {
			d.note("the final stage stands on %s: %s", ref, why)
			return ref, nil
		}
	}
	ref, why := fromTable(kind, parseReference(st.Base))
	if ref == "" {
		return "", refuse(&d.File.Instructions[st.From], "which %s image goes with %s cannot be told", kind, st.Base)
	}
	d.note("the final stage stands on %s: %s", ref, why)
	if raw := respelled(st, ref); raw != "" {
		ref = raw
	}
	return ref, nil
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
		if tag == r.tag {
			return r.with(tag), "it is small as it is"
		}
		return r.with(tag), "the same version without compilers and headers"
	case KindDebian:
		if c := r.codename(); c != "" {
			return "debian:" + c + "-slim", "the release that the build stands on"
		}
	case KindPHP:
		if r.official() != "" {
			return r.with(r.tag), "what PHP was built with"
		}
	case KindJRE:
		return jre(r)
	case KindASPNET, KindDotnet:
		if kind == KindDotnet {
			kind = "runtime"
		}
		if name, ok := strings.CutSuffix(r.name, "/sdk"); ok && r.tag != "" {
			return fmt.Sprintf("%s/%s:%s", name, kind, r.tag), "the same version without the SDK"
		}
	}
	return "", ""
}

// slim is the tag of the small build of the same version. Python's names the
// Debian release last, Node's first.
func slim(r reference, releaseLast bool) string {
	switch {
	case r.alpine() || r.has("slim"):
		return r.tag
	case r.tag == "" || r.tag == "latest":
		return "slim"
	}
	parts := r.parts()
	if at := len(parts) - 1; releaseLast && slices.Contains(debianNames, parts[at]) {
		return strings.Join(slices.Insert(parts, at, "slim"), "-")
	}
	return r.tag + "-slim"
}

// jre is the Java runtime that goes with a JDK's image.
func jre(r reference) (ref, why string) {
	version := ""
	for _, p := range append(r.parts(), "") {
		p = strings.TrimPrefix(strings.TrimPrefix(p, "jdk"), "openjdk")
		part := reference{tag: p}
		if n := part.major(); slices.Contains([]int{8, 11, 17, 21, 25}, n) {
			version = fmt.Sprint(n) // the last: "3-eclipse-temurin-17", "8-jdk17"
		}
	}
	if version == "" || r.windows() {
		return "", ""
	}
	tag := version + "-jre"
	if r.alpine() {
		tag += "-alpine"
	}
	return "eclipse-temurin:" + tag, "the Java runtime of the same version, without compiler and build tool"
}

// respelled is a reference with the build arguments that the build's FROM has;
// empty: it has none, or they are not in the way.
func respelled(st *dockerfile.Stage, ref string) string {
	if st.BaseRaw == st.Base || !strings.HasPrefix(ref, st.Base) {
		return ""
	}
	return st.BaseRaw + strings.TrimPrefix(ref, st.Base)
}
