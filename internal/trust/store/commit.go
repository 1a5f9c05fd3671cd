package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Commit limits.
const (
	maxRounds  = 200 // more than any crowd of writers was seen to need
	maxPause   = 2 * time.Second
	calmRounds = 2 // looks in a row at which everything must be there
	skipStep   = 32
)

// ErrCrowded is a repository that others write to all the time.
var ErrCrowded = errors.New("other writers did not let this change come to rest")

// Outcome is how a change went through.
type Outcome struct {
	Assembly *trust.Assembly // as it was seen last
	Rounds   int
	Waiting  bool // snapshot and timestamp wait for a refresh: no online key is here
	Proposed []string
	Written  []string // the roles of what was written, by TUF name
}

// Commit puts a change through. change is asked for what is to be so, on what
// others have made of the repository in the meantime; it must come to the same
// each time. root is trusted; nil begins a repository. What was trusted before,
// state, keeps a registry from showing an old state to build upon.
func (r *Repository) Commit(
	ctx context.Context, state trust.State, ring trust.Keyring, change func(*trust.Assembly) (trust.Change, error),
) (*Outcome, error) {
	out := &Outcome{}
	calm := 0
	for out.Rounds = 1; out.Rounds <= maxRounds; out.Rounds++ {
		a, err := r.Assemble(ctx, state)
		if err != nil {
			return nil, err
		}
		out.Assembly = a
		ch, err := change(a)
		if err != nil {
			return nil, err
		}
		if out.Rounds > 1 {
			ch.Skip = rand.N(int64(skipStep * out.Rounds))
		}
		plan, err := a.Plan(ch, ring)
		if err != nil {
			return nil, err
		}
		// In a crowd it is enough that one writes for all: each does with a chance that
		// grows from look to look.
		if out.Rounds > 1 && len(plan.Steps) > 0 && rand.N(max(1, plan.Backlog)) >= 1<<min(out.Rounds-2, 30) {
			if err := r.pause(ctx, jitter(out.Rounds)); err != nil {
				return nil, err
			}
			continue
		}
		for _, s := range plan.Steps {
			if err := r.put(ctx, s); err != nil {
				return nil, err
			}
			if s.Role == trust.Root && state[trust.Root] == nil {
				state[trust.Root] = s.Bytes
			}
			out.Written = append(out.Written, s.Role)
		}
		out.Waiting, out.Proposed = plan.Waiting, append(out.Proposed, plan.Proposed...)
		switch {
		case len(plan.Proposed) > 0:
			return out, nil
		case len(plan.Steps) > 0:
			calm = 0
		case plan.Settled || plan.Waiting:
			if calm++; calm == calmRounds {
				return out, nil
			}
		}
		if err := r.pause(ctx, jitter(out.Rounds)); err != nil {
			return nil, err
		}
	}
	return nil, finding.WithHint(ErrCrowded, "what was written stands; drydock trust refresh makes it count")
}

// Assemble reads all documents that there are.
func (r *Repository) Assemble(ctx context.Context, state trust.State) (*trust.Assembly, error) {
	shelf, _, err := r.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	a, err := trust.Assemble(ctx, r.Name, state[trust.Root], shelf, r.Now())
	if err != nil {
		return nil, err
	}
	return a, a.NotBefore(state)
}

// jitter is a pause that grows, and that two writers do not share.
func jitter(round int) time.Duration {
	most := min(firstPause<<min(round-1, 8), maxPause)
	return most/4 + rand.N(most*3/4)
}

func ociDigest(d finding.Digest) digest.Digest { return digest.Digest(d) }
