package store

import (
	"bytes"
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

	"github.com/RoaringBitmap/roaring/v2"

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
}

// Layer is one layer of an image.
type Layer struct {
	Digest  finding.Digest `json:"digest"` // diffID
	Command string         `json:"command,omitempty"`
	Size    int64          `json:"size,omitempty"`
	Line    int            `json:"line,omitempty"` // of the Dockerfile; 0: not known
	Base    bool           `json:"base,omitempty"`
}

// Inventory is what an image holds: its parts by number.
type Inventory struct {
	N       uint32
	ID      string
	Parts   *roaring.Bitmap
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
	inv, err := t.putInventory(ctx, in.Inventory)
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
	err = t.tx.QueryRowContext(ctx, t.s.sql("SELECT n, inventory, created FROM images WHERE id = $1"), img.ID).Scan(&n, &had, &created)
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
	Distro  *sbom.Distro      `json:",omitempty"`
	Unknown []finding.Unknown `json:",omitempty"`
}

func (t *Tx) putInventory(ctx context.Context, inv *sbom.Inventory) (Inventory, error) {
	parts := vuln.Split(inv)
	ids, bodies := make([]string, len(parts)), make([][]byte, len(parts))
	for i := range parts {
		b, err := encode(&parts[i])
		if err != nil {
			return Inventory{}, err
		}
		ids[i], bodies[i] = idOf("", string(b)), b
	}
	numbers, err := t.putParts(ctx, ids, bodies)
	if err != nil {
		return Inventory{}, err
	}
	body, err := encode(inventoryBody{inv.Distro, unsubjected(inv.Unknown)})
	if err != nil {
		return Inventory{}, err
	}
	out := Inventory{Parts: roaring.BitmapOf(numbers...), Distro: inv.Distro, Unknown: inv.Unknown}
	slices.Sort(ids)
	out.ID = idOf("", append(ids, string(body))...)
	var n int64
	err = t.tx.QueryRowContext(ctx, t.s.sql("SELECT n FROM inventories WHERE id = $1"), out.ID).Scan(&n)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		out.N = uint32(n)
		return out, t.s.fail("read", err)
	}
	if n, err = t.next(ctx, "inventories", 1); err != nil {
		return Inventory{}, err
	}
	out.N = uint32(n)
	out.Parts.RunOptimize()
	var set bytes.Buffer
	if _, err := out.Parts.WriteTo(&set); err != nil {
		return Inventory{}, fmt.Errorf("encode: %w", err)
	}
	_, err = t.exec(ctx, "INSERT INTO inventories (n, id, parts, body) VALUES ($1, $2, $3, $4)", n, out.ID, set.Bytes(), body)
	return out, err
}

// unsubjected leaves out whose unknowns they are: inventories are shared.
func unsubjected(us []finding.Unknown) []finding.Unknown {
	out := slices.Clone(us)
	for i := range out {
		out[i].Subject = finding.Subject{}
	}
	return out
}

// putParts stores the parts that are not there, and returns all numbers.
func (t *Tx) putParts(ctx context.Context, ids []string, bodies [][]byte) ([]uint32, error) {
	have := make(map[string]int64, len(ids))
	for chunk := range slices.Chunk(ids, batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i]
		}
		rows, err := t.tx.QueryContext(ctx, t.s.sql("SELECT n, id FROM parts WHERE id IN ("+marks(1, len(chunk))+")"), args...)
		if err != nil {
			return nil, t.s.fail("read", err)
		}
		for rows.Next() {
			var n int64
			var id string
			if err := rows.Scan(&n, &id); err != nil {
				return nil, errors.Join(t.s.fail("read", err), rows.Close())
			}
			have[id] = n
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, t.s.fail("read", err)
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
		first, err := t.next(ctx, "parts", int64(len(missing)))
		if err != nil {
			return nil, err
		}
		for k, i := range missing {
			n := first + int64(k)
			if _, err := t.exec(ctx, "INSERT INTO parts (n, id, judged, gaps, body) VALUES ($1, $2, 0, 0, $3)", n, ids[i], bodies[i]); err != nil {
				return nil, err
			}
			have[ids[i]] = n
		}
	}
	out := make([]uint32, len(ids))
	for i, id := range ids {
		out[i] = uint32(have[id])
	}
	return out, nil
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
		var set, raw []byte
		var body inventoryBody
		if err := r.Scan(&i.N, &i.ID, &set, &raw); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			return fmt.Errorf("inventory %s: %w", i.ID, err)
		}
		i.Parts = roaring.New()
		if _, err := i.Parts.ReadFrom(bytes.NewReader(set)); err != nil {
			return fmt.Errorf("inventory %s: %w", i.ID, err)
		}
		i.Distro, i.Unknown = body.Distro, body.Unknown
		return f(i)
	}, "SELECT n, id, parts, body FROM inventories WHERE n > $1 ORDER BY n", int64(after))
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
		if err := json.Unmarshal(raw, &p.Part); err != nil {
			return fmt.Errorf("part %s: %w", p.ID, err)
		}
		p.Gaps = gaps != 0
		return f(p)
	}, "SELECT n, id, judged, gaps, body FROM parts WHERE n > $1 ORDER BY n", int64(after))
}
