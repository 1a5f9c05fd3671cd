package store

import (
	"context"
	"database/sql"
	"sync/atomic"
)

// counting is a database that counts what it is asked.
type counting struct {
	*sql.DB
	n atomic.Int64
}

// Asked is how many statements the database was given, those of changes included.
func (s *Store) Asked() int64 { return s.db.n.Load() }

func (c *counting) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	c.n.Add(1)
	return c.DB.QueryContext(ctx, q, args...)
}

func (c *counting) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	c.n.Add(1)
	return c.DB.QueryRowContext(ctx, q, args...)
}

func (c *counting) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	c.n.Add(1)
	return c.DB.ExecContext(ctx, q, args...)
}

func (c *counting) begin(ctx context.Context) (*countingTx, error) {
	tx, err := c.BeginTx(ctx, nil)
	return &countingTx{tx, &c.n}, err
}

type countingTx struct {
	*sql.Tx
	n *atomic.Int64
}

func (c *countingTx) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	c.n.Add(1)
	return c.Tx.QueryContext(ctx, q, args...)
}

func (c *countingTx) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	c.n.Add(1)
	return c.Tx.QueryRowContext(ctx, q, args...)
}

func (c *countingTx) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	c.n.Add(1)
	return c.Tx.ExecContext(ctx, q, args...)
}
