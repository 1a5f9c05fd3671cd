package base

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// maxMaterials limits the materials of a provenance statement.
const maxMaterials = 4096

// material is one thing that a build was made from (SLSA provenance v0.2,
// materials; v1, resolvedDependencies).
type material struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// provenance is what of BuildKit's statement tells the base: the materials, and
// the Dockerfile where the builder was asked for everything (mode=max).
type provenance struct {
	Materials  []material `json:"materials"`
	Invocation struct {
		Parameters struct {
			Args map[string]string `json:"args"`
		} `json:"parameters"`
	} `json:"invocation"`
	Metadata struct {
		BuildKit buildkitMetadata `json:"https://mobyproject.org/buildkit@v1#metadata"`
	} `json:"metadata"`
	BuildDefinition struct {
		ResolvedDependencies []material `json:"resolvedDependencies"`
		ExternalParameters   struct {
			Request struct {
				Args map[string]string `json:"args"`
			} `json:"request"`
		} `json:"externalParameters"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Metadata struct {
			BuildKit buildkitMetadata `json:"buildkit_metadata"`
		} `json:"metadata"`
	} `json:"runDetails"`
}

type buildkitMetadata struct {
	Source struct {
		Infos []struct {
			Filename string `json:"filename"`
			Data     string `json:"data"` // base64
		} `json:"infos"`
	} `json:"source"`
}

// FromProvenance reads the base out of a SLSA provenance statement: the image
// that the Dockerfile's final stage stands on, or, where the statement has no
// Dockerfile, the only image among its materials ([Base.Sole]): what was built on
// nothing may have it from there. False: it does not tell. An error is a statement
// that does not parse.
func FromProvenance(predicate string, body []byte) (Base, bool, error) {
	if !strings.HasPrefix(predicate, "https://slsa.dev/provenance/") {
		return Base{}, false, nil
	}
	var p provenance
	if err := json.Unmarshal(body, &p); err != nil {
		return Base{}, false, fmt.Errorf("provenance: %w", err)
	}
	materials := slices.Concat(p.Materials, p.BuildDefinition.ResolvedDependencies)
	if len(materials) > maxMaterials {
		return Base{}, false, fmt.Errorf("provenance names more than %d materials", maxMaterials)
	}
	var images []Base
	for _, m := range materials {
		if b, ok := m.image(); ok && !slices.Contains(images, b) {
			images = append(images, b)
		}
	}
	if ref, told := p.final(); told {
		r, err := ParseRef(ref)
		if err != nil || ref == "scratch" {
			return Base{}, false, nil
		}
		for _, b := range images {
			if other, err := ParseRef(b.Ref); err == nil && other.Name() == r.Name() && (other.Tag == r.Tag || r.Tag == "") {
				b.Ref = ref
				return b, true, nil
			}
		}
		return Base{Ref: ref, Digest: r.Digest, By: "provenance"}, true, nil
	}
	if len(images) == 1 {
		images[0].Sole = true
		return images[0], true, nil
	}
	return Base{}, false, nil
}

// image reads a package URL of an image: pkg:docker/node@21?platform=…
func (m material) image() (Base, bool) {
	rest, ok := strings.CutPrefix(m.URI, "pkg:docker/")
	if !ok {
		return Base{}, false
	}
	rest, query, _ := strings.Cut(rest, "?")
	name, version, _ := strings.Cut(rest, "@")
	name, err := url.PathUnescape(name)
	if err != nil {
		return Base{}, false
	}
	version, err = url.PathUnescape(version)
	if err != nil {
		return Base{}, false
	}
	if q, err := url.ParseQuery(query); err == nil && q.Get("repository_url") != "" {
		name = q.Get("repository_url") + "/" + path.Base(name)
	}
	ref := name
	switch {
	case strings.HasPrefix(version, "sha256:"):
		ref += "@" + version
	case version != "":
		ref += ":" + version
	}
	r, err := ParseRef(ref)
	if err != nil || r.Name() == "docker/dockerfile" || strings.HasPrefix(r.Name(), "docker/buildkit") || r.Name() == "docker/scout-sbom-indexer" {
		return Base{}, false // the builder's own tools
	}
	b := Base{Ref: r.String(), Digest: r.Digest, By: "provenance"}
	if d := "sha256:" + m.Digest["sha256"]; validDigest(d) {
		b.Digest = finding.Digest(d)
	}
	return b, true
}

// final is what the final stage of the statement's Dockerfile stands on, "scratch"
// for nothing; false where there is no Dockerfile, or it does not tell.
func (p *provenance) final() (ref string, told bool) {
	args := p.Invocation.Parameters.Args
	if len(args) == 0 {
		args = p.BuildDefinition.ExternalParameters.Request.Args
	}
	for _, i := range append(p.Metadata.BuildKit.Source.Infos, p.RunDetails.Metadata.BuildKit.Source.Infos...) {
		if !strings.Contains(strings.ToLower(i.Filename), "dockerfile") && !strings.Contains(strings.ToLower(i.Filename), "containerfile") {
			continue
		}
		text, err := base64.StdEncoding.DecodeString(i.Data)
		if err != nil {
			continue
		}
		f, err := dockerfile.Parse(i.Filename, text)
		if err != nil {
			continue
		}
		st, err := f.Target(args["target"])
		if err != nil {
			continue
		}
		if base := f.Chain(st)[0].Base; base != "" {
			return base, true
		}
	}
	return "", false
}
