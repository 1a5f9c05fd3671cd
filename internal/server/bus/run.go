package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// The ways that pointers take: each is read by itself.
const (
	together      = iota // a user waits, and many are done at once
	prompt               // a user waits
	sweepTogether        // nobody waits, and many are done at once
	sweep
	lanes
)

// most is how many pointers are taken at once of what is done together.
const most = 200

// The limits of the stream.
const (
	maxMessages = 1_000_000
	duplicates  = 2 * time.Minute // how long the stream knows what it had
	wait        = 5 * time.Second // for an answer
)

// wayOf is the lane of a task as the stream has it.
func wayOf(kind store.Kind, lane store.Lane) int {
	switch all := kind.Together(); {
	case lane == store.Sweep && all:
		return sweepTogether
	case lane == store.Sweep:
		return sweep
	case all:
		return together
	}
	return prompt
}

func wayName(way int) string {
	return [lanes]string{"together", "prompt", "sweep-together", "sweep"}[way]
}

func (b *Bus) subject(of string) string { return "drydock." + b.id + "." + of }

// Run publishes what is committed, and keeps the stream, until ctx ends.
func (b *Bus) Run(ctx context.Context) error {
	defer func() {
		b.conn.SetDisconnectErrHandler(nil) // what ends here is not away
		b.conn.Close()
	}()
	tick := time.NewTicker(b.opt.Check)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case all := <-b.committed:
			for more := true; more && len(all) < maxPending; { // those that came meanwhile
				select {
				case next := <-b.committed:
					all = append(all, next...)
				default:
					more = false
				}
			}
			if !b.Up() {
				continue // the tasks are in the database
			}
			if err := b.publish(ctx, all); away(err) {
				b.lost(err)
			}
			continue
		case <-b.poke:
		case <-tick.C:
		}
		if !b.conn.IsConnected() {
			continue
		}
		if err := b.compare(ctx); away(err) {
			var said *store.Error
			if errors.As(err, &said) {
				continue // the database is away, and whoever works says so
			}
			b.down(err)
		}
	}
}

// compare makes the stream where it is not there, and publishes again what waits where
// the stream has less than there is to do.
func (b *Bus) compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*wait)
	defer cancel()
	made, err := b.ensure(ctx)
	if err != nil {
		return err
	}
	waiting, err := b.opt.Store.Waiting(ctx)
	if err != nil {
		return err
	}
	info, err := b.stream.Info(ctx)
	if err != nil {
		return err
	}
	if have := info.State.Msgs; have < uint64(waiting) { //nolint:gosec // a count
		if made && waiting > 0 {
			b.opt.Log.Warn("the stream was not there; it is rebuilt from the database", "tasks", waiting)
		}
		if err := b.rebuild(ctx); err != nil {
			return err
		}
	}
	b.isUp()
	return nil
}

// ensure makes the stream and what reads it where they are not there. What an operator
// set of a stream that is there stays.
func (b *Bus) ensure(ctx context.Context) (made bool, err error) {
	name := "drydock-" + b.id
	if b.stream, err = b.js.Stream(ctx, name); errors.Is(err, jetstream.ErrStreamNotFound) {
		made = true
		b.stream, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: name, Description: "Pointers to tasks of a Drydock service; the database is the truth",
			Subjects: []string{b.subject("task.*")}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
			MaxMsgs: maxMessages, MaxMsgSize: 4 * maxPointer, Discard: jetstream.DiscardNew, Duplicates: duplicates,
		})
	}
	if err != nil {
		return made, fmt.Errorf("stream %s: %w", name, err)
	}
	b.mu.Lock()
	up := b.up
	b.mu.Unlock()
	if up && !made && b.lanes[sweep] != nil {
		return made, nil
	}
	var readers [lanes]jetstream.Consumer
	for way := range lanes {
		if readers[way], err = b.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: wayName(way), FilterSubject: b.subject("task." + wayName(way)),
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.opt.Lease, MaxDeliver: -1, MaxAckPending: 10 * most,
		}); err != nil {
			return made, fmt.Errorf("consumer %s: %w", wayName(way), err)
		}
	}
	b.mu.Lock()
	first := b.lanes[sweep] == nil
	b.lanes = readers
	b.mu.Unlock()
	if first {
		_, err = b.conn.Subscribe(b.subject("told"), func(*nats.Msg) { b.opt.Store.Wake() })
	}
	return made, err
}

// rebuild publishes a pointer to each task that is due. Those that the stream has it
// knows by their ids.
func (b *Bus) rebuild(ctx context.Context) error {
	for after := int64(0); ; {
		due, err := b.opt.Store.Due(ctx, after, maxPending)
		if err != nil || len(due) == 0 {
			return err
		}
		after = due[len(due)-1].N
		if err := b.publish(ctx, due); err != nil {
			return err
		}
	}
}

// maxPending is how many messages are under way at most.
const maxPending = 1000

// publish gives pointers to the stream, and then wakes whoever follows events.
func (b *Bus) publish(ctx context.Context, all []store.Emitted) error {
	var sent []jetstream.PubAckFuture
	last := int64(0)
	for i := range all {
		e := &all[i]
		last = max(last, e.N)
		if e.Lane == store.None {
			continue
		}
		p := pointTo(&e.Event)
		body, err := p.encode()
		if err != nil {
			return err
		}
		f, err := b.js.PublishAsync(b.subject("task."+wayName(wayOf(e.Kind, e.Lane))), body, jetstream.WithMsgID(p.id()))
		if err != nil {
			return err
		}
		sent = append(sent, f)
	}
	end := time.NewTimer(wait)
	defer end.Stop()
	for _, f := range sent {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-end.C:
			return errors.New("the stream does not confirm")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return b.conn.Publish(b.subject("told"), strconv.AppendInt(nil, last, 10))
}

// Take takes what this worker does next: what a user waits for first, and many at once
// of what is done together. None: there is nothing now.
func (b *Bus) Take(ctx context.Context) ([]Given, error) {
	b.mu.Lock()
	readers, first := b.lanes, b.turn
	b.turn = (b.turn + 1) % 2 // neither of the prompt lanes waits for the other
	b.mu.Unlock()
	for _, way := range []int{first, 1 - first, sweepTogether, sweep} {
		if readers[way] == nil {
			continue
		}
		n := 1
		if way == together || way == sweepTogether {
			n = most
		}
		given, err := b.fetch(readers[way], n)
		if err != nil {
			b.lost(err)
			return nil, err
		}
		if len(given) > 0 || ctx.Err() != nil {
			return given, ctx.Err()
		}
	}
	return nil, nil
}

func (b *Bus) fetch(from jetstream.Consumer, n int) ([]Given, error) {
	batch, err := from.FetchNoWait(n)
	if err != nil {
		return nil, err
	}
	var out []Given
	for msg := range batch.Messages() {
		p, err := decode(msg.Data())
		if err != nil {
			b.poisoned(msg, err)
			continue
		}
		out = append(out, Given{p, msg})
	}
	if err := batch.Error(); err != nil && len(out) == 0 {
		return nil, err
	}
	return out, nil
}
