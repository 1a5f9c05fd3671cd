package bus

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// FuzzPointer: what is read of a foreign message says the same when it is written and
// read again, and what cannot be read says nothing.
func FuzzPointer(f *testing.F) {
	p := pointTo(&store.Event{N: 7, Kind: store.ImageAdded, Subject: "sha256:aa", Body: []byte(`{"a":1}`)})
	whole, err := p.encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(whole), `{}`, `{"n":-1}`, `{"n":1}{"n":2}`, `null`, `[]`, `{"n":1e99}`, strings.Repeat("[", 2000), `{"n":1,"sql":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decode(b)
		if err != nil {
			if p != (Pointer{}) {
				t.Fatalf("%v, and yet %+v", err, p)
			}
			return
		}
		again, err := p.encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > maxPointer {
			return // what is escaped takes more
		}
		if q, err := decode(again); err != nil || q != p {
			t.Fatalf("%+v, %+v, %v", p, q, err)
		}
	})
}

// TestPointersTellEventsApart: a database that was restored gives a number again, and
// what its pointer says is not what the stream has.
func TestPointersTellEventsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range []store.Event{
		{N: 1, Kind: store.ImageAdded, Subject: "a"},
		{N: 1, Kind: store.ImageAdded, Subject: "b"},
		{N: 2, Kind: store.ImageAdded, Subject: "a"},
		{N: 1, Kind: store.FeedChanged, Subject: "a"},
		{N: 1, Kind: store.ImageAdded, Subject: "a", Body: []byte(`{"x":1}`)},
	} {
		p := pointTo(&e)
		if seen[p.id()] {
			t.Errorf("%+v is taken for another", e)
		}
		seen[p.id()] = true
	}
}
