package store

import (
	"context"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// VEX is a document of statements about vulnerabilities in products.
type VEX struct {
	ID         string           `json:"id"` // by which a later one replaces it
	Added      time.Time        `json:"added"`
	Statements []vuln.Statement `json:"statements"`
}

// PutVEX stores a document in the place of the one of its id.
func (t *Tx) PutVEX(ctx context.Context, d VEX, event int64) error {
	return t.put(ctx, vexes, d.ID, event, d)
}

// DropVEX takes a document away, and reports whether it was there.
func (t *Tx) DropVEX(ctx context.Context, id string) (bool, error) { return t.drop(ctx, vexes, id) }

// VEX calls f for every document; those of the ids alone, if there are any.
func (s *Store) VEX(ctx context.Context, f func(VEX) error, ids ...string) error {
	return documents(ctx, s, vexes, f, ids...)
}
