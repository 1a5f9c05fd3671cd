package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// The tables of what is stored once.
const (
	parts       table = "parts"
	contents    table = "contents"
	inventories table = "inventories"
)

// Content is what one layer brought: packages of parts, and where they lie. It is
// stored once, however many images have the layer.
type Content struct {
	N     uint32
	ID    string
	Parts []uint32 // sorted; one whose packages several layers brought is in each of them

	body []byte // as it is stored: most contents are never looked into
}

// InLayer is a content in an image.
type InLayer struct {
	Content uint32 `json:"c"`
	Index   int    `json:"i"` // of the layer; -1: not known
}

// Placed is one package of a part, and where it lies.
type Placed struct {
	Part    uint32
	Package int // in the part
	vuln.Place
}

type contentBody struct {
	Layer finding.Digest `json:"l,omitempty"`
	Holds []placed       `json:"h"`
}

type placed struct {
	Part    uint32 `json:"p"`
	Package int    `json:"n,omitempty"`
	At      []spot `json:"a,omitempty"`
	InBase  *bool  `json:"b,omitempty"`
}

type spot struct {
	Path  string          `json:"f"`
	Line  int             `json:"l,omitempty"`
	Layer *finding.Digest `json:"y,omitempty"` // nil: the content's
}

// Places are the packages that the layer brought, as they lie in an image in which
// it has an index.
func (c *Content) Places(index int) ([]Placed, error) {
	var body contentBody
	if err := json.Unmarshal(c.body, &body); err != nil {
		return nil, fmt.Errorf("content %s: %w", c.ID, err)
	}
	out := make([]Placed, len(body.Holds))
	for i, h := range body.Holds {
		p := Placed{h.Part, h.Package, vuln.Place{Layer: body.Layer, Index: index, InBase: h.InBase}}
		for _, s := range h.At {
			l := sbom.Location{Path: s.Path, Line: s.Line, Layer: body.Layer}
			if s.Layer != nil {
				l.Layer = *s.Layer
			}
			p.Locations = append(p.Locations, l)
		}
		out[i] = p
	}
	return out, nil
}

func (h *placed) put(layer finding.Digest, at []sbom.Location) {
	for _, l := range at {
		s := spot{Path: l.Path, Line: l.Line}
		if l.Layer != layer {
			s.Layer = &l.Layer
		}
		h.At = append(h.At, s)
	}
}

// putContents stores parts and what each layer brought of them, and returns the
// layers with what names their contents.
func (t *Tx) putContents(ctx context.Context, all []vuln.Part, at [][]vuln.Place) (layers []InLayer, names []string, err error) {
	ids, bodies := make([]string, len(all)), make([][]byte, len(all))
	for i := range all {
		b, err := encodePart(&all[i])
		if err != nil {
			return nil, nil, err
		}
		ids[i], bodies[i] = idOf("", string(b)), b
	}
	numbers, err := t.putOnce(ctx, parts, ids, bodies)
	if err != nil {
		return nil, nil, err
	}
	called := make(map[uint32]string, len(ids))
	for i, n := range numbers {
		called[n] = ids[i]
	}
	type layer struct {
		digest finding.Digest
		index  int
	}
	by, order := map[layer]*contentBody{}, []layer(nil)
	for i := range all {
		for k, place := range at[i] {
			l := layer{place.Layer, place.Index}
			c := by[l]
			if c == nil {
				c = &contentBody{Layer: place.Layer}
				by[l], order = c, append(order, l)
			}
			h := placed{Part: numbers[i], Package: k, InBase: place.InBase}
			h.put(place.Layer, place.Locations)
			c.Holds = append(c.Holds, h)
		}
	}
	sorting.By(order, func(a, b layer) int {
		return cmp.Or(cmp.Compare(a.index, b.index), strings.Compare(string(a.digest), string(b.digest)))
	})
	ids, bodies = make([]string, len(order)), make([][]byte, len(order))
	for i, l := range order {
		if ids[i], bodies[i], err = by[l].encode(called); err != nil {
			return nil, nil, err
		}
		names = append(names, strconv.Itoa(l.index)+" "+ids[i])
	}
	if numbers, err = t.putOnce(ctx, contents, ids, bodies); err != nil {
		return nil, nil, err
	}
	for i, l := range order {
		layers = append(layers, InLayer{numbers[i], l.index})
	}
	return layers, names, nil
}

// encode is a content as it is stored, and its identity: the same in every database,
// whatever numbers the parts have there.
func (c *contentBody) encode(called map[uint32]string) (id string, body []byte, err error) {
	sorting.By(c.Holds, func(a, b placed) int {
		return cmp.Or(strings.Compare(called[a.Part], called[b.Part]), cmp.Compare(a.Package, b.Package))
	})
	says := make([]string, 0, 2*len(c.Holds)+1)
	says = append(says, string(c.Layer))
	for _, h := range c.Holds {
		says = append(says, called[h.Part])
		h.Part = 0
		b, err := encode(h)
		if err != nil {
			return "", nil, err
		}
		says = append(says, string(b))
	}
	sorting.By(c.Holds, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Package, b.Package))
	})
	body, err = encode(c)
	return idOf("", says...), body, err
}

// putOnce stores the documents of a table that are not there, and returns the
// numbers of all.
func (t *Tx) putOnce(ctx context.Context, to table, ids []string, bodies [][]byte) ([]uint32, error) {
	have := make(map[string]int64, len(ids))
	ask := ids
	if to == parts {
		ask = slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			n, ok := t.s.known.Load(id)
			if ok {
				have[id] = n.(int64) //nolint:forcetypeassert // nothing else is stored there
			} else if n, made := t.made[id]; made {
				have[id], ok = n, true
			}
			return ok
		})
	}
	for chunk := range slices.Chunk(ask, batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i]
		}
		if err := t.each(ctx, func(r *sql.Rows) error {
			var n int64
			var id string
			err := r.Scan(&n, &id)
			have[id] = n
			if to == parts {
				t.made[id] = n
			}
			return err
		}, "SELECT n, id FROM "+string(to)+" WHERE id IN ("+marks(1, len(chunk))+")", args...); err != nil {
			return nil, err
		}
	}
	var missing []int
	for i, id := range ids {
		if _, ok := have[id]; !ok {
			have[id] = 0
			missing = append(missing, i)
		}
	}
	if len(missing) > 0 {
		first, err := t.next(ctx, string(to), int64(len(missing)))
		if err != nil {
			return nil, err
		}
		rows := make([][]any, len(missing))
		for k, i := range missing {
			have[ids[i]] = first + int64(k)
			if to == parts {
				t.made[ids[i]] = have[ids[i]]
			}
			rows[k] = []any{have[ids[i]], ids[i], bodies[i]}
		}
		if err := t.insert(ctx, string(to)+" (n, id, body)", rows); err != nil {
			return nil, err
		}
	}
	out := make([]uint32, len(ids))
	for i, id := range ids {
		out[i] = uint32(have[id]) //nolint:gosec // numbers are 32 bits
	}
	return out, nil
}

// Contents calls f for every content after a number.
func (s *Store) Contents(ctx context.Context, after uint32, f func(Content) error) error {
	return s.each(ctx, func(r *sql.Rows) error {
		var c Content
		var body contentBody
		if err := r.Scan(&c.N, &c.ID, &c.body); err != nil {
			return err
		}
		if err := json.Unmarshal(c.body, &body); err != nil {
			return fmt.Errorf("content %s: %w", c.ID, err)
		}
		c.Parts = make([]uint32, 0, len(body.Holds))
		for _, h := range body.Holds {
			if n := len(c.Parts); n == 0 || c.Parts[n-1] != h.Part {
				c.Parts = append(c.Parts, h.Part)
			}
		}
		c.Parts = slices.Clip(c.Parts)
		return f(c)
	}, "SELECT n, id, body FROM contents WHERE n > $1 ORDER BY n", int64(after))
}
