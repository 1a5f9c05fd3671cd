package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Day is the fleet, or one environment of it, as it was last on a day.
type Day struct {
	Day string `json:"day"` // "2026-11-30", UTC
	Env string `json:"env"` // empty: every environment
	Numbers
}

// Numbers are what is kept of a day.
type Numbers struct {
	Images      int         `json:"images"`
	Running     int         `json:"running"`
	Critical    int         `json:"critical"` // vulnerabilities, each once
	High        int         `json:"high"`
	Medium      int         `json:"medium"`
	Low         int         `json:"low"`
	Negligible  int         `json:"negligible"`
	Unspecified int         `json:"unspecified"`
	Fixable     int         `json:"fixableCritical"` // images with a critical that has a fix
	Policies    []DayPolicy `json:"policies"`
}

// DayPolicy is how many images kept to a policy.
type DayPolicy struct {
	ID       string `json:"id"`
	Complies int    `json:"complies"`
	Violates int    `json:"violates"`
	Unknown  int    `json:"unknown"`
}

// DayOf is a time's day.
func DayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// PutDays stores days in the place of what was stored of them.
func (s *Store) PutDays(ctx context.Context, days []Day) error {
	return s.Change(ctx, func(tx *Tx) error {
		for i := range days {
			body, err := encode(days[i].Numbers)
			if err != nil {
				return err
			}
			const put = "INSERT INTO history (day, env, body) VALUES ($1, $2, $3) ON CONFLICT (env, day) DO UPDATE SET body = excluded.body"
			if _, err := tx.exec(ctx, put, days[i].Day, days[i].Env, body); err != nil {
				return err
			}
		}
		return nil
	})
}

// Days are those of an environment from a day on, the oldest first: what nothing is stored
// of was as the day before it.
func (s *Store) Days(ctx context.Context, env, from string) (out []Day, err error) {
	err = s.each(ctx, func(r *sql.Rows) error {
		d := Day{Env: env}
		var body []byte
		if err := r.Scan(&d.Day, &body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &d.Numbers); err != nil {
			return fmt.Errorf("day %s: %w", d.Day, err)
		}
		if d.Policies == nil {
			d.Policies = []DayPolicy{}
		}
		out = append(out, d)
		return nil
	}, "SELECT day, body FROM history WHERE env = $1 AND day >= $2 ORDER BY day", env, from)
	return out, err
}
