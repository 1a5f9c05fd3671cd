package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/pressly/goose/v3"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// lifting is the change to version 4 of the schema: parts lose the places of their
// packages, which go to what each layer brought, and parts that are then the same
// become one. Images, events, findings and their reasons stay.
//
// What it calls to write parts, contents and inventories has to write version 4 for
// as long as there may be an older one.
func (s *Store) lifting() *goose.Migration {
	return goose.NewGoMigration(4, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		l := lift{Tx: &Tx{s: s, tx: &countingTx{tx, &s.db.n}, made: map[string]int64{}}, parts: map[uint32]*liftedPart{}}
		return l.run(ctx)
	}}, nil)
}

type lift struct {
	*Tx
	parts map[uint32]*liftedPart // by their old numbers
}

type liftedPart struct {
	vuln.Part
	at     []vuln.Place
	n      int64 // new
	judged int64
	gaps   int64
}

func (l *lift) run(ctx context.Context) error {
	for _, q := range []string{
		"ALTER TABLE parts RENAME TO parts_3", "ALTER TABLE inventories RENAME TO inventories_3",
		`CREATE TABLE parts (n BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, judged BIGINT NOT NULL DEFAULT 0,
			gaps BIGINT NOT NULL DEFAULT 0, body BYTEA NOT NULL)`,
		"CREATE TABLE contents (n BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BYTEA NOT NULL)",
		"CREATE TABLE inventories (n BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BYTEA NOT NULL)",
		"CREATE INDEX images_inventory ON images (inventory)",
	} {
		if _, err := l.exec(ctx, q); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{l.readParts, l.inventories, l.judgements, l.findings} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, q := range []string{"DROP TABLE parts_3", "DROP TABLE inventories_3"} {
		if _, err := l.exec(ctx, q); err != nil {
			return err
		}
	}
	if len(l.parts) == 0 {
		return nil
	}
	// Parts that became one may have been judged at different events.
	_, err := l.Emit(ctx, Event{Kind: FeedChanged, Subject: "schema 4"}, Sweep)
	return err
}

func (l *lift) readParts(ctx context.Context) error {
	return l.each(ctx, func(r *sql.Rows) error {
		var n uint32
		var p liftedPart
		var raw []byte
		if err := r.Scan(&n, &p.judged, &p.gaps, &raw); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &p.Part); err != nil {
			return fmt.Errorf("part %d: %w", n, err)
		}
		p.at = p.Lift()
		l.parts[n] = &p
		return nil
	}, "SELECT n, judged, gaps, body FROM parts_3")
}

// inventories writes inventories anew, with their parts, and has images name them.
func (l *lift) inventories(ctx context.Context) error {
	type old struct {
		parts *roaring.Bitmap
		out   Inventory
	}
	olds, order := map[int64]*old{}, []int64(nil)
	if err := l.each(ctx, func(r *sql.Rows) error {
		var n int64
		var set, raw []byte
		var body struct {
			Distro  *sbom.Distro
			Unknown []finding.Unknown
		}
		if err := r.Scan(&n, &set, &raw); err != nil {
			return err
		}
		o := &old{parts: roaring.New()}
		if _, err := o.parts.ReadFrom(bytes.NewReader(set)); err != nil {
			return fmt.Errorf("inventory %d: %w", n, err)
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			return fmt.Errorf("inventory %d: %w", n, err)
		}
		o.out.Distro, o.out.Unknown = body.Distro, body.Unknown
		olds[n], order = o, append(order, n)
		return nil
	}, "SELECT n, parts, body FROM inventories_3 ORDER BY n"); err != nil {
		return err
	}
	now := map[int64]int64{}
	for _, n := range order {
		var parts []vuln.Part
		var at [][]vuln.Place
		for it := olds[n].parts.Iterator(); it.HasNext(); {
			p := l.parts[it.Next()]
			if p == nil {
				return fmt.Errorf("inventory %d has a part that is not there", n)
			}
			parts, at = append(parts, p.Part), append(at, p.at)
		}
		inv, err := l.putInventory(ctx, olds[n].out, parts, at)
		if err != nil {
			return err
		}
		now[n] = int64(inv.N)
	}
	images := map[int64]int64{}
	if err := l.each(ctx, func(r *sql.Rows) error {
		var n, inv int64
		err := r.Scan(&n, &inv)
		images[n] = inv
		return err
	}, "SELECT n, inventory FROM images"); err != nil {
		return err
	}
	for n, inv := range images {
		if _, err := l.exec(ctx, "UPDATE images SET inventory = $1 WHERE n = $2", now[inv], n); err != nil {
			return err
		}
	}
	return nil
}

// judgements gives parts their new numbers, and the newest judgement of those that
// became one.
func (l *lift) judgements(ctx context.Context) error {
	newest := map[int64]*liftedPart{}
	for _, p := range l.parts {
		body, err := encodePart(&p.Part)
		if err != nil {
			return err
		}
		ns, err := l.putOnce(ctx, parts, []string{idOf("", string(body))}, [][]byte{body})
		if err != nil {
			return err
		}
		p.n = int64(ns[0])
		if had := newest[p.n]; had == nil || had.judged < p.judged {
			newest[p.n] = p
		}
	}
	for n, p := range newest {
		if _, err := l.exec(ctx, "UPDATE parts SET judged = $1, gaps = $2 WHERE n = $3", p.judged, p.gaps, n); err != nil {
			return err
		}
	}
	return nil
}

// findings gives findings to the new parts. Of one that is open in several, the
// oldest stays.
func (l *lift) findings(ctx context.Context) error {
	type row struct {
		n    int64
		part *liftedPart
		body []byte
		gone bool
	}
	type key struct {
		part int64
		id   string
	}
	open := map[key]bool{}
	for after, more := int64(0), true; more; {
		var rows []row
		if err := l.each(ctx, func(r *sql.Rows) error {
			f, err := scanFinding(r)
			if err != nil {
				return err
			}
			after = f.N
			p := l.parts[f.Part]
			if p == nil {
				rows = append(rows, row{n: f.N, gone: true})
				return nil
			}
			k := key{p.n, identity(&f.Finding)}
			x := row{n: f.N, part: p, gone: f.Closed.IsZero() && open[k]}
			open[k] = open[k] || f.Closed.IsZero()
			lifted := p.Placed(f.Finding, make([]vuln.Place, len(p.at)))
			x.body, err = encode(&lifted)
			rows = append(rows, x)
			return err
		}, findingColumns+"WHERE n > $1 ORDER BY n LIMIT 1000", after); err != nil {
			return err
		}
		more = len(rows) > 0
		for _, x := range rows {
			var err error
			if x.gone {
				_, err = l.exec(ctx, "DELETE FROM findings WHERE n = $1", x.n)
			} else {
				_, err = l.exec(ctx, "UPDATE findings SET part = $1, body = $2 WHERE n = $3", x.part.n, x.body, x.n)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
