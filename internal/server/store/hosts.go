package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Declared is what a container asks for: the part of its configuration that decides
// what it may do. Variables and commands are not in it, as they hold secrets.
type Declared struct {
	User         string   `json:"user,omitempty"` // empty: root, unless the image says otherwise
	Privileged   bool     `json:"privileged,omitempty"`
	ReadOnly     bool     `json:"readOnly,omitempty"` // the root file system
	NoNew        bool     `json:"noNewPrivileges,omitempty"`
	Add          []string `json:"capAdd,omitempty"`
	Drop         []string `json:"capDrop,omitempty"`
	Shares       []string `json:"shares,omitempty"` // namespaces of its host: "network", "pid", "ipc"
	Unconfined   []string `json:"unconfined,omitempty"`
	Memory       int64    `json:"memory,omitempty"` // bytes; 0: no limit
	Processes    int64    `json:"processes,omitempty"`
	Ports        []string `json:"ports,omitempty"`  // that the host publishes: "0.0.0.0:8080->80/tcp"
	Writes       []string `json:"writes,omitempty"` // folders of the host that it may write
	EngineSocket bool     `json:"engineSocket,omitempty"`
}

// Drift is how what ran differed from what was told before, where no event of the
// Engine had told of it: the Engine keeps its last 256 events, and an agent may be away.
type Drift struct {
	At      time.Time `json:"at,omitzero"`
	Cause   string    `json:"cause,omitempty"` // "connect", "listing"
	Added   int       `json:"added"`
	Changed int       `json:"changed"`
	Removed int       `json:"removed"`
}

// None reports whether nothing differed.
func (d Drift) None() bool { return d.Added+d.Changed+d.Removed == 0 }

// Host is an Engine that an agent watches.
type Host struct {
	Name      string        `json:"name"`
	Env       string        `json:"env,omitempty"`
	Engine    string        `json:"engine"`  // its id
	Version   string        `json:"version"` // of the Engine
	Agent     string        `json:"agent"`   // version
	Connected time.Time     `json:"connected"`
	Seen      time.Time     `json:"seen"`
	Every     time.Duration `json:"every"` // how often the agent promised to be heard
	Drift     Drift         `json:"drift"` // the last one
	Problems  []string      `json:"problems,omitempty"`
	IDs       []string      `json:"containers"`
}

// Silent reports whether the agent is overdue: what ran there when it was heard last
// may run no more.
func (h *Host) Silent(now time.Time) bool { return now.Sub(h.Seen) > 3*h.Every }

// hostKind is the kind of the facts that hosts are.
const hostKind = "host"

// Host reads a host; ok is false where no agent told of it.
func (t *Tx) Host(ctx context.Context, name string) (h Host, ok bool, err error) {
	var body []byte
	err = t.tx.QueryRowContext(ctx, t.s.sql("SELECT body FROM facts WHERE kind = $1 AND id = $2"), hostKind, name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return h, false, nil
	}
	if err != nil {
		return h, false, t.s.fail("read", err)
	}
	if err := json.Unmarshal(body, &h); err != nil {
		return h, false, fmt.Errorf("host %s: %w", name, err)
	}
	return h, true, nil
}

// Hosts are all hosts, by name.
func (s *Store) Hosts(ctx context.Context) ([]Host, error) {
	out := []Host{}
	err := s.each(ctx, func(r *sql.Rows) error {
		var h Host
		var body []byte
		if err := r.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &h); err != nil {
			return fmt.Errorf("host: %w", err)
		}
		out = append(out, h)
		return nil
	}, "SELECT body FROM facts WHERE kind = $1 ORDER BY id", hostKind)
	return out, err
}

// DropHost takes a host and its containers away, and reports whether it was there.
func (t *Tx) DropHost(ctx context.Context, name string) (bool, error) {
	h, ok, err := t.Host(ctx, name)
	if err != nil || !ok {
		return false, err
	}
	if _, err := t.Reconcile(ctx, name, h.IDs, nil); err != nil {
		return true, err
	}
	_, err = t.exec(ctx, "DELETE FROM facts WHERE kind = $1 AND id = $2", hostKind, name)
	return true, err
}

// PutHost stores a host.
func (t *Tx) PutHost(ctx context.Context, h Host) error {
	body, err := encode(h)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO facts (kind, id, event, body) VALUES ($1, $2, 0, $3)
		ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`, hostKind, h.Name, body)
	return err
}

// Reconcile makes a list the containers that run on a host, where those of the ids
// were told before, and counts what differed. The same list twice changes nothing.
func (t *Tx) Reconcile(ctx context.Context, host string, told []string, list []Container) (Drift, error) {
	var d Drift
	now, ids := make(map[string]bool, len(list)), slices.Clone(told)
	for i := range list {
		now[list[i].ID] = true
		ids = append(ids, list[i].ID)
	}
	had, err := t.containers(ctx, ids)
	if err != nil {
		return d, err
	}
	for _, id := range told {
		if was, ok := had[id]; !ok || now[id] || was.host != host {
			continue
		}
		if _, err := t.Emit(ctx, Event{Kind: RunningChanged, Subject: id}, None); err != nil {
			return d, err
		}
		if _, err := t.DropContainer(ctx, id); err != nil {
			return d, err
		}
		d.Removed++
	}
	for i := range list {
		c := &list[i]
		body, err := encode(c)
		if err != nil {
			return d, err
		}
		was, ok := had[c.ID]
		if ok && bytes.Equal(was.body, body) {
			continue
		}
		n, err := t.Emit(ctx, Event{Kind: RunningChanged, Subject: c.ID}, None)
		if err != nil {
			return d, err
		}
		if err := t.PutContainer(ctx, *c, n); err != nil {
			return d, err
		}
		if ok {
			d.Changed++
		} else {
			d.Added++
		}
	}
	return d, nil
}

// stored is a container as it is stored.
type stored struct {
	host string
	body []byte
}

func (t *Tx) containers(ctx context.Context, ids []string) (map[string]stored, error) {
	slices.Sort(ids)
	out := map[string]stored{}
	for chunk := range slices.Chunk(slices.Compact(ids), batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i]
		}
		rows, err := t.tx.QueryContext(ctx, t.s.sql("SELECT id, body FROM running WHERE id IN ("+marks(1, len(chunk))+")"), args...)
		if err != nil {
			return nil, t.s.fail("read", err)
		}
		for rows.Next() {
			var id string
			var c Container
			var w stored
			err := rows.Scan(&id, &w.body)
			if err == nil {
				err = json.Unmarshal(w.body, &c)
			}
			if err != nil {
				return nil, errors.Join(t.s.fail("read", err), rows.Close())
			}
			w.host = c.Host
			out[id] = w
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, t.s.fail("read", err)
		}
	}
	return out, nil
}

// Digests are all names under which the image of a container may be known: its id, and
// those under which registries serve it.
func (c *Container) Digests() []finding.Digest {
	var out []finding.Digest
	if c.Digest != "" {
		out = append(out, finding.Digest(c.Digest))
	}
	return append(out, c.Served...)
}
