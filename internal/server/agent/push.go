package agent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/server/api"
)

// pusher sends the SBOMs that the service lacks, one at a time, so that what runs is
// told beside it without waiting.
type pusher struct {
	a      *Agent
	failed chan struct{}

	mu     sync.Mutex
	wake   chan struct{}
	queue  []api.HeldImage
	done   map[string]bool    // sent by this session
	broken map[string]*broken // what could not be read or sent
}

// broken is an image that could not be sent.
type broken struct {
	what  string
	pause time.Duration
	again time.Time
}

// The pauses before an image is tried again.
const (
	firstTry = 10 * time.Second
	lastTry  = time.Hour
)

func newPusher(a *Agent) *pusher {
	return &pusher{a: a, failed: make(chan struct{}, 1), wake: make(chan struct{}, 1), done: map[string]bool{}, broken: map[string]*broken{}}
}

func keyOf(im api.HeldImage) string { return im.Ref + " " + string(im.Digest) }

// want replaces what is to be sent.
func (p *pusher) want(list []api.HeldImage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = slices.DeleteFunc(slices.Clone(list), func(im api.HeldImage) bool { return p.done[keyOf(im)] })
	lacks := map[string]bool{}
	for _, im := range list {
		lacks[keyOf(im)] = true
	}
	for k := range p.broken {
		if !lacks[k] {
			delete(p.broken, k) // it is gone, or somebody else sent it
		}
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// next is the image to be sent now; otherwise how long nothing is.
func (p *pusher) next() (im api.HeldImage, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, im := range p.queue {
		if b := p.broken[keyOf(im)]; b != nil && time.Now().Before(b.again) {
			continue
		}
		p.queue = slices.Delete(p.queue, i, i+1)
		return im, true
	}
	return im, false
}

// run sends until ctx ends.
func (p *pusher) run(ctx context.Context) error {
	for {
		if im, ok := p.next(); ok {
			if err := p.send(ctx, im); err != nil && ctx.Err() == nil {
				select {
				case p.failed <- struct{}{}:
				default:
				}
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.wake: // a list comes now and then: what failed is tried again then
		}
	}
}

// all sends what there is, each once.
func (p *pusher) all(ctx context.Context) error {
	var errs []error
	for im, ok := p.next(); ok && ctx.Err() == nil; im, ok = p.next() {
		errs = append(errs, p.send(ctx, im))
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// send makes the SBOM of an image and sends it.
func (p *pusher) send(ctx context.Context, im api.HeldImage) error {
	document, facts, err := p.a.Scan(ctx, im.Digest)
	if err == nil {
		v := url.Values{"digest": {string(im.Digest)}}
		for k, s := range facts {
			v[k] = s
		}
		if p.a.Env != "" {
			v.Set("env", p.a.Env)
		}
		_, err = p.a.Service.Push(ctx, im.Ref, document, v)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k := keyOf(im)
	if err == nil {
		p.done[k] = true
		delete(p.broken, k)
		p.a.Log.Info("sent", "image", im.Ref, "id", im.Digest.Short())
		return nil
	}
	err = fmt.Errorf("%s: %w", im.Ref, err)
	b := p.broken[k]
	if b == nil {
		b = &broken{pause: firstTry}
		p.broken[k] = b
	}
	b.what, b.again = err.Error(), time.Now().Add(b.pause)
	b.pause = min(2*b.pause, lastTry)
	if ctx.Err() == nil {
		p.a.Log.Warn("an SBOM is not sent", "image", im.Ref, "reason", err)
	}
	return err
}

// problems are what could not be sent, in words.
func (p *pusher) problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, b := range p.broken {
		out = append(out, b.what)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
