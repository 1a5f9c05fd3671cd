package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// apk reads Alpine's database of installed packages, which also names their
// files. Newer releases keep it below usr.
func apk() Cataloger {
	return Cataloger{
		Name:    "apk",
		Version: 4,
		Limit:   layer.Stream,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return (p == "lib/apk/db/installed" || p == "usr/lib/apk/db/installed") && mode.IsRegular()
		},
		Read:  packagesOf(learnAPK),
		learn: learnAPK,
	}
}

// learnAPK reads paragraphs of one-letter fields: P(ackage), V(ersion),
// A(rchitecture), o(rigin), L(icense), and for the files F(older) and R.
func learnAPK(_ context.Context, f layer.Input) (facts, error) { return readAPK(f, worthOwning) }

// readAPK takes note of the owned files that are worth it, by their names.
func readAPK(f layer.Input, worth func(base []byte) bool) (facts, error) {
	var (
		got  facts
		p    sbom.Package
		own  owner
		dir  []byte
		errs []error
		bad  badLines
		some bool // the paragraph has lines

		graph    lockJoin
		needs    []string // of the paragraph
		provides []string
		because  []string
		triggers = map[int32][]string{}
	)
	flush := func() {
		switch {
		case p.Name == "":
			if some {
				bad.nameless++
			}
		case p.Version == "":
			errs = append(errs, fmt.Errorf("package %.80q has no version", p.Name))
		default:
			if p.Source == p.Name {
				p.Source = ""
			}
			p.Type, p.Cataloger = "apk", "apk"
			n := graph.call(graph.node(len(got.packages)), p.Name)
			graph.nodes[n].needs = []int32{}
			for _, s := range provides {
				graph.call(n, "="+s)
				if !strings.Contains(s, ":") {
					graph.nodes[n].also = append(graph.nodes[n].also, s)
				}
			}
			if len(because) > 0 {
				triggers[n] = slices.Clone(because)
			}
			for _, s := range needs {
				if graph.want(n, false, s, "="+s) != nil {
					break
				}
			}
			got.packages = append(got.packages, p)
			if len(own.paths) > 0 {
				own.name, own.arch, own.version = p.Name, p.Arch, p.Version
				got.owners = append(got.owners, own)
			}
		}
		p, own, dir, some, needs = sbom.Package{}, owner{}, dir[:0], false, needs[:0]
		provides, because = provides[:0], because[:0]
	}
	err := eachLine(f.Body, maxText, func(line []byte) {
		bad.at++
		if len(line) == 0 {
			flush()
			return
		}
		some = true
		if len(line) < 2 || line[1] != ':' {
			bad.add()
			return
		}
		value := line[2:]
		switch line[0] {
		case 'P':
			p.Name = string(value)
		case 'V':
			p.Version = string(value)
		case 'A':
			p.Arch = string(value)
		case 'o':
			p.Source = string(value)
		case 'm':
			p.Vendor = oneLine(string(value))
		case 'D':
			needs = apkNames(needs, string(value))
		case 'i': // it is installed where all of these are
			because = apkNames(because, string(value))
		case 'p':
			provides = apkNames(provides, string(value))
		case 'L':
			p.Licenses = declared(string(value))
		case 'F':
			dir = append(dir[:0], value...)
		case 'R':
			if len(value) > 0 && worth(value) {
				own.paths = own.paths.add(dir, value)
			}
		}
	})
	flush()
	if len(got.packages) > 0 {
		got.graph = graph.join()
		for n, names := range triggers {
			for _, name := range names {
				if from, ok := graph.at[name]; ok {
					got.graph.nodes[from].weak = append(got.graph.nodes[from].weak, n)
				}
			}
		}
		for i := range got.graph.nodes {
			slices.Sort(got.graph.nodes[i].weak)
		}
	}
	return got, errors.Join(append(someOf(errs), bad.err(), err)...)
}

// declared is a licence as declared: one expression, as it is written.
func declared(s string) []string {
	if s = strings.TrimSpace(s); s == "" || len(s) > maxName {
		return nil
	}
	return []string{s}
}
