package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Image is one image by the name that it was sent under.
type Image struct {
	N         uint32         `json:"-"`
	ID        string         `json:"id"`
	Ref       string         `json:"ref"`
	Digest    finding.Digest `json:"digest,omitempty"`
	Inventory uint32         `json:"-"`
	Added     time.Time      `json:"added"`
	Facts
}

// Facts are what whoever sent an image told of it besides its packages.
type Facts struct {
	Env      string  `json:"env,omitempty"` // "prod", "staging"; empty: not said
	Platform string  `json:"platform,omitempty"`
	Base     string  `json:"base,omitempty"` // the base's reference; empty: not known
	Size     int64   `json:"size,omitempty"`
	Layers   []Layer `json:"layers,omitempty"` // bottom first; none: not known
	User     *string `json:"user,omitempty"`   // of its configuration, "" for root; nil: not known
}

// Layer is one layer of an image.
type Layer struct {
	Digest  finding.Digest `json:"digest"` // diffID
	Command string         `json:"command,omitempty"`
	Size    int64          `json:"size,omitempty"`
	Line    int            `json:"line,omitempty"` // of the Dockerfile; 0: not known
	Base    bool           `json:"base,omitempty"`
}

// Inventory is what an image holds: what each of its layers brought.
type Inventory struct {
	N       uint32
	ID      string
	Layers  []InLayer // by their index
	Distro  *sbom.Distro
	Unknown []finding.Unknown // what could not be read
}

// Part is a stored part. Judged is the event up to which its findings hold; 0: it
// was not matched yet.
type Part struct {
	N      uint32
	ID     string
	Judged int64
	Gaps   bool // something of it could not be told
	vuln.Part
}

// NewImage is an image as it comes in.
type NewImage struct {
	Ref       string
	Inventory *sbom.Inventory
	Facts
}

// idOf is a name for what parts say, for ever: 128 bits of their hash.
func idOf(prefix string, parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return prefix + hex.EncodeToString(h[:16])
}

// PutImage stores an image. The same image under the same name is the one that is
// there, with what was told of it last; fresh tells that it was not.
func (t *Tx) PutImage(ctx context.Context, in NewImage) (img Image, fresh bool, err error) {
	all, at := vuln.Split(in.Inventory)
	inv, err := t.putInventory(ctx, Inventory{Distro: in.Inventory.Distro, Unknown: unsubjected(in.Inventory.Unknown)}, all, at)
	if err != nil {
		return Image{}, false, err
	}
	digest := in.Inventory.Subject.Digest
	what := string(digest)
	if what == "" {
		what = inv.ID
	}
	img = Image{ID: idOf("", in.Ref, what), Ref: in.Ref, Digest: digest, Inventory: inv.N, Added: t.s.Now(), Facts: in.Facts}
	body, err := encode(imageBody{img.Digest, img.Facts})
	if err != nil {
		return Image{}, false, err
	}
	var n, had, created int64
	where, args := "id = $1", []any{img.ID}
	if digest == "" { // what it holds tells it apart, also from before its id was made as today
		where, args = "id = $1 OR inventory = $2 AND ref = $3", []any{img.ID, int64(inv.N), in.Ref}
	}
	err = t.tx.QueryRowContext(ctx, t.s.sql("SELECT n, id, inventory, created FROM images WHERE "+where+" ORDER BY n LIMIT 1"), args...).Scan(&n, &img.ID, &had, &created)
	switch {
	case err == nil:
		img.N, img.Added = uint32(n), timeOf(created)
		_, err = t.exec(ctx, "UPDATE images SET inventory = $1, body = $2 WHERE n = $3", int64(inv.N), body, n)
		return img, had != int64(inv.N), err
	case !errors.Is(err, sql.ErrNoRows):
		return Image{}, false, t.s.fail("read", err)
	}
	if n, err = t.next(ctx, "images", 1); err != nil {
		return Image{}, false, err
	}
	img.N = uint32(n)
	_, err = t.exec(ctx, "INSERT INTO images (n, id, ref, inventory, created, body) VALUES ($1, $2, $3, $4, $5, $6)",
		n, img.ID, img.Ref, int64(inv.N), millis(img.Added), body)
	return img, true, err
}

type imageBody struct {
	Digest finding.Digest
	Facts
}

type inventoryBody struct {
	Layers  []InLayer         `json:"layers,omitempty"`
	Distro  *distroBody       `json:"distro,omitempty"`
	Unknown []finding.Unknown `json:"unknown,omitempty"`
}

// putInventory stores what an inventory says and holds.
func (t *Tx) putInventory(ctx context.Context, out Inventory, all []vuln.Part, at [][]vuln.Place) (Inventory, error) {
	layers, ids, err := t.putContents(ctx, all, at)
	if err != nil {
		return Inventory{}, err
	}
	out.Layers = layers
	body, err := encode(inventoryBody{out.Layers, (*distroBody)(out.Distro), out.Unknown})
	if err != nil {
		return Inventory{}, err
	}
	about, err := encode(inventoryBody{nil, (*distroBody)(out.Distro), out.Unknown})
	if err != nil {
		return Inventory{}, err
	}
	out.ID = idOf("", append(ids, string(about))...) // the same in every database
	ns, err := t.putOnce(ctx, inventories, []string{out.ID}, [][]byte{body})
	if err != nil {
		return Inventory{}, err
	}
	out.N = ns[0]
	return out, nil
}

// unsubjected leaves out whose unknowns they are: inventories are shared.
func unsubjected(us []finding.Unknown) []finding.Unknown {
	out := slices.Clone(us)
	for i := range out {
		out[i].Subject = finding.Subject{}
	}
	return out
}

const imageColumns = "SELECT n, id, ref, inventory, created, body FROM images "

// Images calls f for every image; those of the ids alone, if there are any.
func (s *Store) Images(ctx context.Context, f func(Image) error, ids ...string) error {
	where, args := "ORDER BY n", []any(nil)
	if len(ids) > 0 {
		where = "WHERE id IN (" + marks(1, len(ids)) + ") ORDER BY n"
		for _, id := range ids {
			args = append(args, id)
		}
	}
	return s.each(ctx, func(r *sql.Rows) error {
		var i Image
		var created int64
		var raw []byte
		var body imageBody
		if err := r.Scan(&i.N, &i.ID, &i.Ref, &i.Inventory, &created, &raw); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			return fmt.Errorf("image %s: %w", i.ID, err)
		}
		i.Added, i.Digest, i.Facts = timeOf(created), body.Digest, body.Facts
		return f(i)
	}, imageColumns+where, args...)
}

// Inventories calls f for every inventory after a number.
func (s *Store) Inventories(ctx context.Context, after uint32, f func(Inventory) error) error {
	return s.each(ctx, func(r *sql.Rows) error {
		var i Inventory
		var raw []byte
		var body inventoryBody
		if err := r.Scan(&i.N, &i.ID, &raw); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			return fmt.Errorf("inventory %s: %w", i.ID, err)
		}
		i.Layers, i.Distro, i.Unknown = body.Layers, (*sbom.Distro)(body.Distro), body.Unknown
		return f(i)
	}, "SELECT n, id, body FROM inventories WHERE n > $1 ORDER BY n", int64(after))
}

// Parts calls f for every part after a number.
func (s *Store) Parts(ctx context.Context, after uint32, f func(Part) error) error {
	return s.each(ctx, func(r *sql.Rows) error {
		var p Part
		var gaps int64
		var raw []byte
		if err := r.Scan(&p.N, &p.ID, &p.Judged, &gaps, &raw); err != nil {
			return err
		}
		var body partBody
		if err := json.Unmarshal(raw, &body); err != nil {
			return fmt.Errorf("part %s: %w", p.ID, err)
		}
		p.Part = body.part()
		p.Gaps = gaps != 0
		return f(p)
	}, "SELECT n, id, judged, gaps, body FROM parts WHERE n > $1 ORDER BY n", int64(after))
}
