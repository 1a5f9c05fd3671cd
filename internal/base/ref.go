package base

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Ref is a reference to an image, with what a short one leaves out filled in.
type Ref struct {
	Registry   string         // "docker.io", "ghcr.io", "localhost:5000"
	Repository string         // "library/node", "distroless/base"
	Tag        string         // "latest" where neither tag nor digest was given; empty with a digest alone
	Digest     finding.Digest // empty: by tag
}

// ParseRef reads a reference as Docker does: "node" is
// docker.io/library/node:latest.
func ParseRef(s string) (Ref, error) {
	rest, digest, pinned := strings.Cut(s, "@")
	if pinned && !validDigest(digest) {
		return Ref{}, fmt.Errorf("image reference %q: invalid digest", s)
	}
	r := Ref{Digest: finding.Digest(digest)}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		r.Tag, rest = rest[i+1:], rest[:i]
		if !validTag(r.Tag) {
			return Ref{}, fmt.Errorf("image reference %q: invalid tag", s)
		}
	} else if !pinned {
		r.Tag = "latest"
	}
	host, path, ok := strings.Cut(rest, "/")
	if ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		r.Registry, r.Repository = strings.ToLower(host), path
	} else {
		r.Registry, r.Repository = "docker.io", rest
	}
	switch r.Registry {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		r.Registry = "docker.io"
	}
	if r.Registry == "docker.io" && !strings.Contains(r.Repository, "/") {
		r.Repository = "library/" + r.Repository
	}
	if !validRepository(r.Repository) || !validHost(r.Registry) {
		return Ref{}, fmt.Errorf("image reference %q: invalid repository", s)
	}
	return r, nil
}

// String is the reference as Docker shows it, as short as can be.
func (r Ref) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// Name is the repository as Docker shows it, without tag or digest.
func (r Ref) Name() string {
	if r.Registry != "docker.io" {
		return r.Registry + "/" + r.Repository
	}
	short, wasOfficial := strings.CutPrefix(r.Repository, "library/")
	host, _, more := strings.Cut(short, "/")
	if more && (wasOfficial || strings.ContainsAny(host, ".:") || host == "localhost") {
		return "docker.io/" + r.Repository // cut short it would be another's name
	}
	return short
}

// official is the name among the Docker Official Images of the repository, in
// Docker Hub or one of the mirrors that carry exactly these; empty: it is none.
func (r Ref) official() string {
	for _, m := range []struct{ registry, prefix string }{
		{"docker.io", "library/"}, {"public.ecr.aws", "docker/library/"}, {"mirror.gcr.io", "library/"},
	} {
		if name, ok := strings.CutPrefix(r.Repository, m.prefix); ok && r.Registry == m.registry && !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

func validDigest(s string) bool {
	h, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(h) == 64 && strings.Trim(h, "0123456789abcdef") == ""
}

func validTag(s string) bool {
	return s != "" && len(s) <= 128 && s[0] != '.' && s[0] != '-' && strings.TrimFunc(s, tagByte) == "" && only(s, tagByte)
}

func tagByte(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}

func validRepository(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || !alnumByte(part[0]) || !alnumByte(part[len(part)-1]) || !only(part, func(c rune) bool { return tagByte(c) && (c < 'A' || c > 'Z') }) {
			return false
		}
	}
	return len(s) <= 255
}

func validHost(s string) bool {
	return s != "" && only(s, func(c rune) bool { return tagByte(c) || c == ':' || c == '[' || c == ']' })
}

func alnumByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func only(s string, ok func(rune) bool) bool {
	for _, c := range s {
		if !ok(c) {
			return false
		}
	}
	return true
}
