package db_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// The same facts give the same bytes, whether they come compiled, one by one in order,
// or one by one the other way round; the snapshot's are more than are held in memory.
func TestSameFactsSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the snapshot three times")
	}
	snapshot, err := db.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var advisories []vuln.Advisory
	for a, err := range snapshot.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		advisories = append(advisories, a)
	}
	var metas []vuln.Meta
	for m, err := range snapshot.Metas(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		metas = append(metas, m)
	}
	compile := func(in db.SourceInput) []byte {
		in.Name = "all"
		var b bytes.Buffer
		if err := db.Compile(&b, db.Input{Sources: []db.SourceInput{in}, Aside: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	want := compile(db.SourceInput{Parts: []*db.DB{snapshot}})
	each := func(advisory func(vuln.Advisory) error, meta func(vuln.Meta) error) error {
		for _, a := range advisories {
			if err := advisory(a); err != nil {
				return err
			}
		}
		for _, m := range metas {
			if err := meta(m); err != nil {
				return err
			}
		}
		return nil
	}
	if !bytes.Equal(compile(db.SourceInput{Facts: each}), want) {
		t.Error("one by one: another database")
	}
	slices.Reverse(advisories)
	slices.Reverse(metas)
	if !bytes.Equal(compile(db.SourceInput{Facts: each}), want) {
		t.Error("in another order: another database")
	}
	half := len(advisories) / 2
	var part bytes.Buffer
	if err := db.Compile(&part, db.Input{Sources: []db.SourceInput{{Advisories: sequence(advisories[:half]), Metas: sequence(metas)}}}); err != nil {
		t.Fatal(err)
	}
	compiled, err := db.OpenReader(bytes.NewReader(part.Bytes()), int64(part.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(compile(db.SourceInput{Parts: []*db.DB{compiled}, Advisories: sequence(advisories[half-1000:])}), want) {
		t.Error("a part compiled, the rest one by one, some twice: another database")
	}
}

func sequence[T any](all []T) func(func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}
