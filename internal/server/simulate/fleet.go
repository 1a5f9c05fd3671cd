package simulate

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// libraries are what applications use, the most used ones first: ecosystem, name,
// and the versions that are met.
const libraries = `
npm lodash 4.17.15 4.17.20 4.17.21
npm express 4.16.4 4.17.1 4.18.2 4.19.2 4.21.0
npm axios 0.21.1 0.27.2 1.4.0 1.6.8 1.7.7
npm debug 2.6.9 4.3.4
npm semver 5.7.1 6.3.0 7.3.8 7.5.4
npm minimist 1.2.5 1.2.8
npm qs 6.5.2 6.11.0 6.13.0
npm ws 7.4.6 8.13.0 8.17.1
npm json5 1.0.1 2.2.3
npm braces 3.0.2 3.0.3
npm tar 4.4.13 6.1.11 6.2.1
npm jsonwebtoken 8.5.1 9.0.2
npm moment 2.29.1 2.29.4
npm follow-redirects 1.14.0 1.15.4 1.15.6
npm body-parser 1.19.0 1.20.2
pypi requests 2.25.1 2.28.2 2.31.0 2.32.3
pypi urllib3 1.26.5 1.26.15 2.0.7 2.2.2
pypi jinja2 2.11.3 3.0.3 3.1.2 3.1.4
pypi flask 1.1.2 2.2.2 3.0.3
pypi django 2.2.28 3.2.18 4.2.11 5.0.6
pypi certifi 2021.10.8 2022.12.7 2024.7.4
pypi cryptography 3.4.8 39.0.1 42.0.4
pypi pyyaml 5.3.1 5.4.1 6.0.1
pypi setuptools 58.1.0 65.5.1 70.0.0
pypi werkzeug 2.0.3 2.2.3 3.0.3
pypi pillow 8.4.0 9.5.0 10.3.0
pypi numpy 1.21.0 1.26.4
golang golang.org/x/net 0.7.0 0.17.0 0.23.0 0.33.0
golang golang.org/x/crypto 0.6.0 0.17.0 0.31.0
golang golang.org/x/text 0.3.7 0.14.0
golang google.golang.org/protobuf 1.28.0 1.33.0
golang google.golang.org/grpc 1.53.0 1.58.3 1.64.0
golang github.com/golang-jwt/jwt/v4 4.4.0 4.5.1
golang github.com/gin-gonic/gin 1.7.7 1.9.1
maven com.fasterxml.jackson.core:jackson-databind 2.9.10.8 2.13.4.2 2.15.2
maven org.apache.logging.log4j:log4j-core 2.14.1 2.17.1 2.20.0
maven org.springframework:spring-core 5.3.18 5.3.27 6.1.6
maven org.yaml:snakeyaml 1.29 1.33 2.2
maven io.netty:netty-codec-http 4.1.65.Final 4.1.94.Final 4.1.108.Final
maven commons-io:commons-io 2.6 2.11.0 2.14.0
`

// library is a package with its versions.
type library struct {
	typ, namespace, name string
	versions             []string
}

func readLibraries() []library {
	var out []library
	for line := range strings.Lines(strings.TrimSpace(libraries)) {
		f := strings.Fields(line)
		l := library{typ: f[0], name: f[1], versions: f[2:]}
		switch l.typ {
		case "maven":
			l.namespace, l.name, _ = strings.Cut(l.name, ":")
		case "golang":
			i := strings.LastIndexByte(l.name, '/')
			l.namespace, l.name = l.name[:i], l.name[i+1:]
		}
		out = append(out, l)
	}
	return out
}

// foundation is an official image that others stand on.
type foundation struct {
	ref   string
	inv   *sbom.Inventory
	layer finding.Digest
}

// foundations are the official images whose packages are known.
func foundations() []foundation {
	var out []foundation
	for _, o := range base.Officials() {
		if o.Bare || len(o.Packages) == 0 {
			continue
		}
		f := foundation{o.Ref, o.Inventory(), finding.DigestOf([]byte(o.Ref))}
		for i := range f.inv.Packages {
			f.inv.Packages[i].Layer = f.layer
		}
		out = append(out, f)
	}
	return out
}

// Fleet draws images: the bases and the libraries by Zipf's law, and of each
// application as many tags as it has had releases.
func Fleet(images int, seed uint64) iter.Seq[store.NewImage] {
	return func(yield func(store.NewImage) bool) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a drawing that can be had again
		bases, libs := foundations(), readLibraries()
		r.Shuffle(len(bases), func(i, j int) { bases[i], bases[j] = bases[j], bases[i] })
		onBase := rand.NewZipf(r, 1.3, 2, uint64(len(bases)-1)) //nolint:gosec // never negative
		used := rand.NewZipf(r, 1.2, 4, uint64(len(libs)-1))    //nolint:gosec // never negative
		for i := range images {
			b := bases[onBase.Uint64()]
			inv := &sbom.Inventory{Distro: b.inv.Distro, Packages: slices.Clone(b.inv.Packages), Unknown: b.inv.Unknown}
			own := finding.DigestOf(fmt.Append(nil, "layer ", seed, i))
			for range 4 + r.IntN(24) {
				l := libs[used.Uint64()]
				inv.Packages = append(inv.Packages, sbom.Package{
					Type: l.typ, Namespace: l.namespace, Name: l.name, Version: l.versions[r.IntN(len(l.versions))],
					Layer: own, LayerIndex: 1, Locations: []sbom.Location{{Path: "/app/" + l.name, Layer: own}},
				})
			}
			inv.Subject.Digest = finding.DigestOf(fmt.Append(nil, "image ", seed, i))
			inv.Merge()
			app := i % max(1, images/8)
			if !yield(store.NewImage{
				Ref: fmt.Sprintf("registry.example/team-%d/app-%d:1.%d", app%37, app, i/max(1, images/8)), Inventory: inv,
				Facts: store.Facts{
					Env: []string{"prod", "staging", ""}[app%3], Platform: "linux/amd64", Base: b.ref,
					Layers: []store.Layer{{Digest: b.layer, Size: 80 << 20, Base: true}, {Digest: own, Size: int64(1+r.IntN(60)) << 20}},
				},
			}) {
				return
			}
		}
	}
}

// together is how many images one change stores: a disk is waited for once.
const together = 500

// Fill stores a fleet in a service, and returns its last image.
func Fill(ctx context.Context, s *stream.Service, images int, seed uint64) (last store.Image, err error) {
	for chunk := range chunks(Fleet(images, seed), together) {
		if err := s.Store.Change(ctx, func(tx *store.Tx) error {
			var events []store.Event
			for _, in := range chunk {
				img, _, err := tx.PutImage(ctx, in)
				if err != nil {
					return err
				}
				events = append(events, store.Event{Kind: store.ImageAdded, Subject: img.ID})
				last = img
			}
			_, err := tx.EmitAll(ctx, events, store.Sweep)
			return err
		}); err != nil {
			return last, err
		}
	}
	return last, nil
}

func chunks[T any](all iter.Seq[T], n int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		var chunk []T
		for v := range all {
			if chunk = append(chunk, v); len(chunk) == n {
				if !yield(chunk) {
					return
				}
				chunk = nil
			}
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}
