package base

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// Base is the image that another was built from.
type Base struct {
	Ref      string         // as it is known: "node:21.6-alpine3.18"
	Digest   finding.Digest // of its manifest or index; empty: not known
	Layers   int            // how many of the image's layers, from the bottom, are the base's; 0: not known
	By       string         // how it was found out: "dockerfile", "label", "provenance", "layers", "history", "name", "compose", "variable" (of a compose file)
	Official *Entry         // what is known of it; nil: nothing
	Sole     bool           // of provenance: told only by being the one image that went into the build
}

// Labels and annotations of the OCI image specification.
const (
	labelBaseName   = "org.opencontainers.image.base.name"
	labelBaseDigest = "org.opencontainers.image.base.digest"
)

// Identify finds out which base an image has: by the FROM references of its
// Dockerfile if there is one, by its labels, by its layers' digests, or by
// what its history says. How many layers are the base's is told from digests
// and history; false: nothing is known.
func Identify(im *image.Image, from []string) (Base, bool) { return IdentifyIn(im, from, nil) }

// IdentifyIn is [Identify] with more images than the embedded ones known.
func IdentifyIn(im *image.Image, from []string, more []*Entry) (Base, bool) {
	b := named(im, from)
	if o, n := byLayers(im, slices.Concat(catalogue(), more)); o != nil && (b.Ref == "" || isOne(o, b.Ref)) {
		if b.Ref == "" {
			b.Ref, b.By, b.Digest = o.Ref, "layers", o.Manifest
		}
		b.Official, b.Layers = o, n
	}
	if ref, n := byHistory(im, b.Ref); n > 0 && b.Layers == 0 {
		if b.Ref == "" {
			b.Ref, b.By = ref, "history"
		}
		b.Layers = n
	}
	if b.Ref == "" {
		return Base{}, false
	}
	if b.Official == nil {
		b.Official, _ = Find(b.Ref)
	}
	return b, true
}

// named is the base as a Dockerfile or the image's own labels name it.
func named(im *image.Image, from []string) Base {
	for _, ref := range from {
		if ref == "scratch" || strings.ContainsAny(ref, "${") {
			continue
		}
		if r, err := ParseRef(ref); err == nil {
			return Base{Ref: ref, Digest: r.Digest, By: "dockerfile"}
		}
	}
	labels := im.Annotations
	if labels[labelBaseName] == "" && im.Config != nil {
		labels = im.Config.Config.Labels
	}
	r, err := ParseRef(labels[labelBaseName])
	if err != nil {
		return Base{}
	}
	b := Base{Ref: r.String(), Digest: r.Digest, By: "label"}
	if d := labels[labelBaseDigest]; validDigest(d) {
		b.Digest = finding.Digest(d)
	}
	return b
}

func isOne(o *Entry, ref string) bool {
	r, err := ParseRef(ref)
	r.Digest = ""
	return err == nil && (slices.Contains(o.Names, r.official()+":"+r.Tag) || slices.Contains(o.Names, r.String()))
}

// byLayers finds the known image with the most layers that are the image's
// lowest ones.
func byLayers(im *image.Image, known []*Entry) (best *Entry, layers int) {
	for _, o := range known {
		n := max(len(o.Layers), len(o.DiffIDs))
		if n == 0 || n > len(im.Layers) || n <= layers {
			continue
		}
		same := true
		for i, l := range im.Layers[:n] {
			byBlob := i < len(o.Layers) && l.Blob == o.Layers[i].Digest
			same = same && (byBlob || i < len(o.DiffIDs) && l.DiffID == o.DiffIDs[i])
		}
		if same {
			best, layers = o, n
		}
	}
	return best, layers
}

// mark is a trace that an official image leaves in its history: its last step,
// and the variable that says its version.
type mark struct{ repo, env, last string }

var marks = []mark{
	{"node", "NODE_VERSION", `["node"]`},
	{"python", "PYTHON_VERSION", `["python3"]`},
	{"nginx", "NGINX_VERSION", `["nginx" "-g" "daemon off;"]`},
	{"ruby", "RUBY_VERSION", `["irb"]`},
	{"php", "PHP_VERSION", `["php" "-a"]`},
	{"redis", "REDIS_VERSION", `["redis-server"]`},
	{"postgres", "PG_VERSION", `["postgres"]`},
	{"httpd", "HTTPD_VERSION", `["httpd-foreground"]`},
	{"debian", "", `["bash"]`},
	{"ubuntu", "", `["/bin/bash"]`},
	{"alpine", "", `["/bin/sh"]`},
}

// byHistory finds where an official base's own steps end: at its CMD, after
// the step that sets its version. ref is the base's name where that is known
// already; else the highest official image in the history is named.
func byHistory(im *image.Image, ref string) (string, int) {
	repo := ""
	if ref != "" {
		r, err := ParseRef(ref)
		if repo = r.official(); err != nil || repo == "" {
			return "", 0
		}
	}
	for _, m := range marks {
		if repo != "" && m.repo != repo {
			continue
		}
		if name, n := m.find(im); n > 0 {
			return name, n
		}
	}
	return "", 0
}

func (m mark) find(im *image.Image) (string, int) {
	version, layers := "", 0
	for _, s := range im.Steps {
		if !s.Empty {
			layers++
		}
		if v, ok := rootfs(m.repo, s.CreatedBy); ok {
			version = v
		}
		if i := strings.Index(s.CreatedBy, m.env+"="); m.env != "" && i >= 0 {
			version, _, _ = strings.Cut(s.CreatedBy[i+len(m.env)+1:], " ")
		}
		if version == "" || !strings.Contains(s.CreatedBy, "CMD") || !sameWords(s.CreatedBy, m.last) {
			continue
		}
		if layers > len(im.Layers) {
			return "", 0 // the history does not go with the layers
		}
		name := m.repo + ":" + version
		if _, err := ParseRef(name); err != nil {
			return "", 0
		}
		return name, layers
	}
	return "", 0
}

// rootfs reads the version from the step that adds a distribution's root file
// system, where that names it.
func rootfs(repo, step string) (version string, ok bool) {
	switch repo {
	case "alpine":
		_, rest, found := strings.Cut(step, "alpine-minirootfs-")
		version, _, ok = strings.Cut(rest, "-")
		return version, found && ok
	case "debian":
		_, rest, found := strings.Cut(step, "debian.sh --arch ")
		words := strings.Fields(strings.ReplaceAll(rest, "'", ""))
		if !found || len(words) < 3 {
			return "", false
		}
		return words[2], true
	}
	return "", false
}

// sameWords reports whether a step's list is the given one, however it is spaced
// or separated: ["node"], [ "node" ], ["nginx", "-g", "daemon off;"].
func sameWords(step, list string) bool {
	plain := strings.NewReplacer(" ", "", ",", "")
	return strings.HasSuffix(strings.TrimSpace(plain.Replace(step)), plain.Replace(list))
}
