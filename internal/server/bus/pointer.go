package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// maxPointer is how many bytes a pointer has at most.
const maxPointer = 1 << 10

// Pointer says which task there is.
type Pointer struct {
	N      int64      `json:"n"` // of its event
	Kind   store.Kind `json:"kind"`
	Digest string     `json:"digest"` // of its event: a database that was restored numbers others alike
}

// pointTo is the pointer to an event.
func pointTo(e *store.Event) Pointer {
	return Pointer{N: e.N, Kind: e.Kind, Digest: string(finding.DigestOf(fmt.Appendf(nil, "%d\n%s\n%s\n%s", e.N, e.Kind, e.Subject, e.Body)))}
}

// id is what the stream knows a pointer by that it has already.
func (p *Pointer) id() string { return strconv.FormatInt(p.N, 10) + "-" + p.Digest }

func (p *Pointer) encode() ([]byte, error) { return json.Marshal(p) }

// decode reads a pointer; others may write to the stream, too.
func decode(b []byte) (p Pointer, err error) {
	if len(b) > maxPointer {
		return p, fmt.Errorf("it is larger than %d bytes", maxPointer)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Pointer{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Pointer{}, errors.New("something follows it")
	}
	if p.N <= 0 {
		return Pointer{}, errors.New("it names no event")
	}
	return p, nil
}

// Given is a pointer that was given to this worker.
type Given struct {
	Pointer
	msg jetstream.Msg
}

// Done takes the pointer off the stream: its task is done, or was set aside. Where that
// is lost on the way, the pointer is given again, and then there is no such task to do.
func (g *Given) Done() { _ = g.msg.Ack() }

// Later has the pointer given again after a while.
func (g *Given) Later(after time.Duration) { _ = g.msg.NakWithDelay(max(after, time.Millisecond)) }
