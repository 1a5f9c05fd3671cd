package fix

import (
	"context"
	"fmt"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// ask asks until the version answers: well, or as the other did. The first
// version is asked twice, to know whether its answers can be compared at all.
func (v *running) ask(ctx context.Context, t exercise.Target, at string, like *exercise.Answer) (exercise.Answer, error) {
	if at == "" {
		return exercise.Answer{}, v.failed(ctx, fmt.Sprintf("port %d is not published", t.Port))
	}
	client := exercise.Client(at)
	defer client.CloseIdleConnections()
	var last exercise.Answer
	var err error
	limit, cancel := context.WithTimeout(ctx, v.Work.ready())
	defer cancel()
	for {
		last, err = exercise.Ask(ctx, client, t.URL)
		if ctx.Err() != nil {
			return last, ctx.Err()
		}
		if err == nil && (like == nil && last.Status < 400 || like != nil && last.Status == like.Status) {
			break
		}
		s, serr := v.c.State(ctx)
		if serr != nil {
			return last, serr
		}
		if !s.Running {
			return last, v.failed(ctx, fmt.Sprintf("the program ended with exit code %d", s.ExitCode))
		}
		if limit.Err() != nil {
			if err != nil {
				return last, v.failed(ctx, fmt.Sprintf("probe %s: no answer after %s: %v", t.URL, v.Work.ready(), err))
			}
			if like == nil {
				return last, v.failed(ctx, fmt.Sprintf("probe %s: it answers %d", t.URL, last.Status))
			}
			return last, nil // the comparison says what is wrong
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return last, err
		}
	}
	if like == nil {
		again, err := exercise.Ask(ctx, client, t.URL)
		if err != nil {
			return last, v.failed(ctx, fmt.Sprintf("probe %s: it answers once and not again: %v", t.URL, err))
		}
		last.Varies = again.Digest != last.Digest
	}
	return last, nil
}
