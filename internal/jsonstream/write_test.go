package jsonstream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/jsonstream"
)

type head struct {
	Name string    `json:"name"`
	When time.Time `json:"when,omitzero"`
}

// shout has a method that counts only where it has an address.
type shout string

func (s *shout) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(string(*s))) }

type element struct {
	Text  string            `json:"text"`
	Loud  shout             `json:"loud"`
	Tags  []string          `json:"tags,omitempty"`
	Needs *[]int            `json:"needs,omitempty"`
	Map   map[string]string `json:"map,omitempty"`
}

type document struct {
	Schema string `json:"$schema,omitempty"`
	head
	Ignored  string           `json:"-"`
	Elements []element        `json:"elements"`
	Pointers []*element       `json:"pointers,omitempty"`
	List     *[]element       `json:"list,omitempty"`
	Any      []any            `json:"any,omitempty"`
	Maps     []map[string]int `json:"maps,omitempty"`
	Bytes    []byte           `json:"bytes,omitempty"`
	Raw      json.RawMessage  `json:"raw,omitempty"`
	Loud     shout            `json:"loud,omitempty"`
	Score    *float64         `json:"score,omitempty"`
	Plain    int
	Deep     struct {
		Inner []element `json:"inner"`
	} `json:"deep"`
	Summary map[string]int `json:"summary"`
}

func elementOf() *rapid.Generator[element] {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "<a&b>", "[]", "{}", "a,b:c", "\"\\", "\xff", "\u2028"}))
	return rapid.Custom(func(t *rapid.T) element {
		x := element{
			Text: text.Draw(t, "text"), Loud: shout(text.Draw(t, "loud")), Tags: rapid.SliceOfN(text, 0, 3).Draw(t, "tags"),
			Map: rapid.MapOfN(text, text, 0, 2).Draw(t, "map"),
		}
		if rapid.Bool().Draw(t, "needs") {
			n := rapid.SliceOfN(rapid.Int(), 0, 3).Draw(t, "needed")
			x.Needs = &n
		}
		return x
	})
}

func documentOf() *rapid.Generator[document] {
	list := rapid.SliceOfN(elementOf(), 0, 3)
	return rapid.Custom(func(t *rapid.T) document {
		d := document{
			Schema: rapid.SampledFrom([]string{"", "s"}).Draw(t, "schema"), Elements: list.Draw(t, "elements"), Plain: rapid.Int().Draw(t, "plain"),
			Maps:  rapid.SliceOfN(rapid.MapOfN(rapid.String(), rapid.Int(), 0, 2), 0, 2).Draw(t, "maps"),
			Bytes: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "bytes"), Loud: shout(rapid.String().Draw(t, "loud")),
		}
		d.Name, d.Deep.Inner = rapid.String().Draw(t, "name"), list.Draw(t, "inner")
		for _, x := range list.Draw(t, "pointers") {
			d.Pointers = append(d.Pointers, &x)
		}
		if rapid.Bool().Draw(t, "some") {
			more, score := list.Draw(t, "list"), 0.0
			d.List, d.Score, d.When = &more, &score, time.Unix(1, 0).UTC()
			d.Any = []any{nil, 1, "x", element{Text: "y"}, &element{}, []int{}, map[string]any{}}
			d.Raw, d.Summary = json.RawMessage(`{"a":[1,{}]}`), map[string]int{"high": 1}
		}
		if len(d.Elements) == 0 && rapid.Bool().Draw(t, "nil") {
			d.Elements = nil
		}
		return d
	})
}

func encoded(t interface{ Fatal(...any) }, v any, compact bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if !compact {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// All that is written is what encoding/json writes of the same value, and of the value
// with the lists in it.
func TestWritesWhatJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documentOf().Draw(t, "document")
		bare := d
		bare.Elements, bare.Pointers, bare.List = nil, nil, nil
		lists := jsonstream.Lists{
			"elements": jsonstream.Map(slices.Values(d.Elements), func(x element) element { return x }),
			"pointers": jsonstream.Map(slices.Values(d.Pointers), func(x *element) *element { return x }),
		}
		if d.List != nil {
			lists["list"] = jsonstream.Map(slices.Values(*d.List), func(x element) element { return x })
		}
		if d.Elements == nil {
			d.Elements = []element{}
			if rapid.Bool().Draw(t, "keep") {
				d.Elements = nil
				delete(lists, "elements")
			}
		}
		for _, compact := range []bool{false, true} {
			write := jsonstream.Write
			if compact {
				write = jsonstream.WriteCompact
			}
			for name, v := range map[string][2]any{
				"pointer": {&d, &d},
				"list":    {[]document{d, d}, []document{d, d}},
				"lists":   {&d, jsonstream.Value{V: &bare, Lists: lists}},
			} {
				var b bytes.Buffer
				if err := write(&b, v[1]); err != nil {
					t.Fatal(err)
				}
				if want := encoded(t, v[0], compact); b.String() != want {
					t.Fatalf("%s:\n%s\nencoding/json:\n%s", name, b.String(), want)
				}
			}
		}
	})
}

func TestOtherValues(t *testing.T) {
	empty, none := struct{}{}, (*element)(nil)
	for _, v := range []any{
		nil, 1, "a<b",
		[]int{1, 2},
		[]int(nil),
		map[string]any{"a": []int{1}},
		empty, none,
		[]string{},
		[]element{},
		[]element(nil), time.Unix(1, 0).UTC(),
		map[string]any{},
		struct{ A []element }{},
		struct{ A *[]element }{},
	} {
		var b bytes.Buffer
		if err := jsonstream.Write(&b, v); err != nil {
			t.Fatal(err)
		}
		if want := encoded(t, v, false); b.String() != want {
			t.Errorf("%T: %q, and encoding/json writes %q", v, b.String(), want)
		}
	}
}

// An element may have lists of its own.
func TestNestedLists(t *testing.T) {
	inner := func(yield func(any) bool) { _ = yield(&element{Text: "a"}) && yield(&element{Text: "b"}) }
	outer := func(yield func(any) bool) {
		yield(jsonstream.Value{V: document{Plain: 1}, Lists: jsonstream.Lists{"elements": inner}})
	}
	var b bytes.Buffer
	type runs struct {
		Runs []document `json:"runs"`
	}
	if err := jsonstream.Write(&b, jsonstream.Value{V: runs{}, Lists: jsonstream.Lists{"runs": outer}}); err != nil {
		t.Fatal(err)
	}
	all := []*document{{Plain: 1, Elements: []element{{Text: "a"}, {Text: "b"}}}}
	if want := encoded(t, map[string]any{"runs": all}, false); want != b.String() {
		t.Errorf("%s\nencoding/json:\n%s", b.String(), want)
	}
}

func TestErrors(t *testing.T) {
	none := func(func(any) bool) {}
	for name, v := range map[string]any{
		"no such list": jsonstream.Value{V: document{}, Lists: jsonstream.Lists{"nothing": none}},
		"option": struct {
			A int `json:"a,string"`
		}{1},
		"a function": struct{ F []func() }{[]func(){func() {}}},
	} {
		if err := jsonstream.Write(io.Discard, v); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := jsonstream.Write(full{}, document{head: head{Name: strings.Repeat("x", 1<<17)}}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// A document of many elements costs the memory of one.
func TestHoldsOneElement(t *testing.T) {
	const n = 200_000
	highest := uint64(0)
	var made iter.Seq[int] = func(yield func(int) bool) {
		for i := range n {
			if i%(n/8) == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				highest = max(highest, m.HeapAlloc)
			}
			if !yield(i) {
				return
			}
		}
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	list := jsonstream.Map(made, func(int) element { return element{Text: strings.Repeat("x", 100)} })
	if err := jsonstream.Write(io.Discard, jsonstream.Value{V: document{}, Lists: jsonstream.Lists{"elements": list}}); err != nil {
		t.Fatal(err)
	}
	if grew := int64(highest) - int64(before.HeapAlloc); grew > 1<<20 {
		t.Errorf("%d elements of 100 bytes held %d bytes", n, grew)
	}
}
