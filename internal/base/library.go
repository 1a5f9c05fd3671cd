package base

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Tag is what the list of the Docker Official Images says of a reference, as
// of [LibraryDate].
type Tag struct {
	Repository    string   // "node"
	Tag           string   // "21.6-alpine3.18"
	Listed        bool     // the tag is built and gets updates
	Architectures []string // Docker's names: "amd64", "arm64v8"; nil when not listed
	Gone          bool     // the repository as a whole is built no more
	Same          []string // other tags of the same image, as listed
}

// LibraryDate is the month in which the list of official images was recorded.
func LibraryDate() string { return official().date }

// Library returns what is known of an official image's tag, and false for a
// reference that is not of the Docker Official Images.
func Library(ref string) (Tag, bool) {
	r, err := ParseRef(ref)
	if err != nil || r.official() == "" {
		return Tag{}, false
	}
	t := Tag{Repository: r.official(), Tag: r.Tag}
	images, ok := official().repos[t.Repository]
	t.Gone = !ok || len(images) == 0
	for _, im := range images {
		if slices.Contains(im.tags, r.Tag) {
			t.Listed, t.Architectures, t.Same = true, im.arches, im.tags
			break
		}
	}
	return t, true
}

// Publisher says who publishes an image: kind "official" (the Docker Official
// Images), "vendor" (a publisher of base images whose address is its own, with
// its name), or "unknown".
func Publisher(ref string) (kind, name string) {
	r, err := ParseRef(ref)
	if err != nil {
		return "unknown", ""
	}
	if r.isOfficial() {
		return "official", "Docker Official Images"
	}
	full := r.Registry + "/" + r.Repository + "/"
	for _, v := range vendors {
		if strings.HasPrefix(full, v.prefix) {
			return "vendor", v.name
		}
	}
	return "unknown", ""
}

// isOfficial reports whether a reference is of a repository that is, or is known
// to have been, among the Docker Official Images. "shop:dev" is spelled like one.
func (r Ref) isOfficial() bool {
	repo := r.official()
	if repo == "" {
		return false
	}
	_, listed := official().repos[repo]
	return listed || successors[repo] != "" || distributions[repo] != ""
}

// vendors are those who publish base images under an address that only they
// can push to.
var vendors = []struct{ prefix, name string }{
	{"gcr.io/distroless/", "Google distroless"},
	{"cgr.dev/", "Chainguard"},
	{"dhi.io/", "Docker Hardened Images"},
	{"docker.io/docker/", "Docker"},
	{"mcr.microsoft.com/", "Microsoft"},
	{"registry.access.redhat.com/", "Red Hat"},
	{"registry.redhat.io/", "Red Hat"},
	{"registry.suse.com/", "SUSE"},
	{"registry.opensuse.org/", "openSUSE"},
	{"registry.fedoraproject.org/", "Fedora"},
	{"quay.io/fedora/", "Fedora"},
	{"quay.io/centos/", "CentOS"},
	{"quay.io/rockylinux/", "Rocky Linux"},
	{"quay.io/almalinuxorg/", "AlmaLinux"},
	{"container-registry.oracle.com/", "Oracle"},
	{"public.ecr.aws/lambda/", "Amazon"},
	{"public.ecr.aws/amazonlinux/", "Amazon"},
	{"public.ecr.aws/ubuntu/", "Canonical"},
	{"docker.io/ubuntu/", "Canonical"},
	{"docker.io/redhat/", "Red Hat"},
	{"docker.io/opensuse/", "openSUSE"},
	{"docker.io/rockylinux/", "Rocky Linux"},
	{"docker.io/almalinux/", "AlmaLinux"},
	{"docker.io/nginxinc/", "NGINX"},
	{"docker.io/grafana/", "Grafana Labs"},
	{"docker.io/hashicorp/", "HashiCorp"},
	{"docker.io/prom/", "Prometheus"},
	{"docker.elastic.co/", "Elastic"},
	{"nvcr.io/nvidia/", "NVIDIA"},
	{"docker.io/nvidia/", "NVIDIA"},
	{"registry.k8s.io/", "Kubernetes"},
	{"docker.io/bellsoft/", "BellSoft"},
	{"docker.io/amazon/", "Amazon"},
	{"docker.io/google/", "Google"},
	{"docker.io/denoland/", "Deno"},
	{"docker.io/oven/", "Bun"},
}

type listed struct{ tags, arches []string }

// list is the Docker Official Images' repositories and what each builds.
type list struct {
	date  string
	repos map[string][]listed
}

var official = sync.OnceValue(func() *list { return mustLoad("list of official images", packedLibrary, parseLibrary) })

func parseLibrary(text string) (*list, error) {
	l := &list{repos: map[string][]listed{}}
	repo := ""
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case n == 0:
			date, ok := strings.CutPrefix(line, "@")
			if !ok || date == "" {
				return nil, fmt.Errorf("line 1: no date")
			}
			l.date = date
		case strings.HasPrefix(line, "="):
			repo = line[1:]
			if _, twice := l.repos[repo]; twice || repo == "" {
				return nil, fmt.Errorf("line %d: repository %q", n+1, repo)
			}
			l.repos[repo] = nil
		default:
			tags, arches, ok := strings.Cut(line, "|")
			if !ok || repo == "" || tags == "" {
				return nil, fmt.Errorf("line %d: no image", n+1)
			}
			l.repos[repo] = append(l.repos[repo], listed{strings.Fields(tags), strings.Fields(arches)})
		}
	}
	return l, nil
}
