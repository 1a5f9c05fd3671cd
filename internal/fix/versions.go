package fix

import (
	"context"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// maxKnown limits the versions of a file that are kept with what was found in them.
const maxKnown = 100

// versions keeps what was found out of versions of the files: where fixes that
// fail are looked for, most come again and again.
type versions struct {
	looks  map[finding.Digest]*looked
	parses map[finding.Digest]parsed
	worse  map[[2]finding.Digest]string
}

type parsed struct {
	file *dockerfile.File
	err  error
}

// keep puts a value into a bounded map, which begins anew when it is full.
func keep[K comparable, V any](m *map[K]V, key K, v V) {
	if *m == nil || len(*m) >= maxKnown {
		*m = map[K]V{}
	}
	(*m)[key] = v
}

// lookAt finds what is wrong in a version of the files. Of a Dockerfile, each is
// looked at once.
func (g *Rounds) lookAt(ctx context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
	if g.Dockerfile == "" || g.Built {
		return g.Look(ctx, files)
	}
	state := stateOf(files)
	if l := g.known.looks[state]; l != nil {
		return l.found, l.unknown, nil
	}
	found, unknown, err := g.Look(ctx, files)
	if err == nil {
		keep(&g.known.looks, state, &looked{found, unknown})
	}
	return found, unknown, err
}

// parse reads a version's Dockerfile.
func (g *Rounds) parse(files map[string][]byte) (*dockerfile.File, error) {
	b := files[g.Dockerfile]
	d := finding.DigestOf(b)
	p, ok := g.known.parses[d]
	if !ok {
		p.file, p.err = dockerfile.Parse(g.Dockerfile, b)
		keep(&g.known.parses, d, p)
	}
	return p.file, p.err
}

// worse is which instruction of the Dockerfile is broken in one version and was
// not in the other; "": none.
func (g *Rounds) worse(before, after map[string][]byte) string {
	pair := [2]finding.Digest{finding.DigestOf(before[g.Dockerfile]), finding.DigestOf(after[g.Dockerfile])}
	why, ok := g.known.worse[pair]
	if ok {
		return why
	}
	was, err := g.parse(before)
	is, err2 := g.parse(after)
	if err == nil && err2 == nil {
		why = dockerfile.Worse(was, is)
	}
	keep(&g.known.worse, pair, why)
	return why
}
