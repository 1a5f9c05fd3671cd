package image

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/layer"
)

// TestEfficiency holds the score to numbers reckoned by hand from dive's
// definition.
func TestEfficiency(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers []*layer.Record
		score  float64
		wasted int64
		paths  []Waste
	}{
		// nginx.conf 2000 and 5000, public 3000, athing 10000; the whiteout of the
		// directory is one of nginx.conf and of public: 10000/(7000+3000+10000).
		{"a removed directory", []*layer.Record{
			record("d etc", "d etc/nginx", "f etc/nginx/nginx.conf 2000", "f etc/nginx/public 3000"),
			record("f etc/nginx/nginx.conf 5000", "f etc/athing 10000"),
			record("w etc/nginx"),
		}, 0.5, 10000, []Waste{{"etc/nginx/nginx.conf", 3, 7000}, {"etc/nginx", 2, 3000}}},
		{"a directory that was empty first", []*layer.Record{
			record("d cache"), record("d cache", "f cache/x 100"), record("w cache"),
		}, 0, 100, []Waste{{"cache", 2, 100}}},
		// big 100 then gone: least 0, all 100; small 10: (0+10)/(100+10).
		{
			"a removed file",
			[]*layer.Record{record("f big 100", "f small 10"), record("w big")},
			10.0 / 110, 100,
			[]Waste{{"big", 2, 100}},
		},
		// 10, 30, 20: least 10 of 60.
		{"thrice", []*layer.Record{record("f a 10"), record("f a 30"), record("f a 20")}, 10.0 / 60, 60, []Waste{{"a", 3, 60}}},
		{"nothing twice", []*layer.Record{record("f a 10"), record("f b 30")}, 1, 0, nil},
		{"no bytes", []*layer.Record{record("f a 0")}, 1, 0, nil},
		{"no layers", nil, 1, 0, nil},
		// An opaque directory removes what was in it.
		{"opaque", []*layer.Record{record("d a", "f a/x 10"), record("o a", "f a/y 5")}, 5.0 / 15, 10, []Waste{{"a", 2, 10}}},
		{
			"an opaque directory with a file anew",
			[]*layer.Record{record("d a", "f a/x 10", "f a/y 7"), record("o a", "f a/x 10")},
			10.0 / 27, 27,
			[]Waste{{"a/x", 2, 20}, {"a", 2, 7}},
		},
		{"an opaque root", []*layer.Record{record("f x 10", "d a", "f a/y 5"), record("o .", "f z 5")}, 5.0 / 20, 15, []Waste{{"", 2, 15}}},
		// Something else where the directory was.
		{"a file over a directory", []*layer.Record{record("d a", "f a/x 10"), record("f a 5")}, 5.0 / 15, 10, []Waste{{"a", 2, 10}}},
		{"a directory over a file", []*layer.Record{record("f a 10"), record("d a", "f a/x 5")}, 5.0 / 15, 10, []Waste{{"a", 2, 10}}},
		{"an empty directory over a file", []*layer.Record{record("f a 10", "f b 5"), record("d a")}, 5.0 / 15, 10, []Waste{{"a", 2, 10}}},
		// Made in two layers, removed by the third.
		{
			"a directory of two layers",
			[]*layer.Record{record("d build", "f build/a 10", "f keep 60"), record("f build/o/b 30"), record("w build")},
			0.6, 40,
			[]Waste{{"build", 3, 40}},
		},
		// Removed, and made again: each copy counts.
		{
			"a directory that comes back",
			[]*layer.Record{record("d a", "f a/x 10"), record("w a"), record("d a", "f a/x 10")},
			0, 20,
			[]Waste{{"a/x", 3, 20}},
		},
		// A whiteout of nothing must not keep the rest of its layer from counting.
		{"a whiteout of nothing", []*layer.Record{record("f z 10"), record("w a", "f z 10")}, 0.5, 20, []Waste{{"z", 2, 20}}},
		// Two whiteouts of one layer, one within the other: the outer has it all.
		{"nested whiteouts", []*layer.Record{record("d a", "d a/b", "f a/b/x 10", "f a/y 5"), record("w a", "w a/b")}, 0, 15, []Waste{{"a", 2, 15}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := (&Scan{Tree: BuildTree(c.layers)}).Stats()
			if math.Abs(st.Efficiency-c.score) > 1e-12 || st.WastedBytes != c.wasted {
				t.Errorf("score %v, wasted %d; want %v, %d", st.Efficiency, st.WastedBytes, c.score, c.wasted)
			}
			if diff := cmp.Diff(c.paths, st.Inefficient); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEfficiencyOfImages: foo.txt of four bytes is replaced by a link in the
// one and removed in the other; bar.txt of four bytes stays.
func TestEfficiencyOfImages(t *testing.T) {
	for _, name := range []string{"overwritten_file.tar", "whiteout_image.tar"} {
		_, s := scanOf(t, shared(t, "images/formats/"+name), Options{})
		st := s.Stats()
		if st.Efficiency != 0.5 || st.WastedBytes != 4 || st.Bytes != 8 {
			t.Errorf("%s: %+v", name, st)
		}
		if l := st.Layers[0]; l.Wasted != 4 || st.Reclaimable != 4 {
			t.Errorf("%s: lowest layer: %+v", name, l)
		}
		if diff := cmp.Diff([]Waste{{"foo.txt", 2, 4}}, st.Inefficient); diff != "" {
			t.Error(diff)
		}
	}
}

func TestChanges(t *testing.T) {
	s := &Scan{Tree: BuildTree([]*layer.Record{
		record("d etc", "f etc/a 10", "f etc/b 20", "d var", "f var/x 30"),
		record("d etc", "f etc/a 11", "f etc/c 5", "w var"),
		record("d etc", "w etc/c", "f etc/b 21"),
	})}
	var got []string
	for l := range 3 {
		for _, c := range s.Changes(l) {
			got = append(got, fmt.Sprintf("%d %s %s %d %v", l, c.Status, c.Path, c.Size(), c.Wasted))
		}
	}
	want := []string{
		"0 added etc 0 false", "0 added etc/a 10 true", "0 added etc/b 20 true", "0 added var 0 false", "0 added var/x 30 true",
		"1 changed etc/a 11 false", "1 added etc/c 5 true", "1 removed var 0 false", "1 removed var/x 30 false",
		"2 changed etc/b 21 false", "2 removed etc/c 5 false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	st := s.Stats()
	type row struct {
		Files, Added, Changed, Removed int
		Bytes, Wasted                  int64
	}
	rows := []row{}
	for _, l := range st.Layers {
		rows = append(rows, row{l.Files, l.Added, l.Changed, l.Removed, l.Bytes, l.Wasted})
	}
	if diff := cmp.Diff([]row{{3, 3, 0, 0, 60, 60}, {2, 1, 1, 1, 16, 5}, {1, 0, 1, 1, 21, 0}}, rows); diff != "" {
		t.Error(diff)
	}
	if st.UserBytes != 37 || st.Bytes != 97 {
		t.Errorf("bytes %d, above the base %d", st.Bytes, st.UserBytes)
	}
	if l := st.Layers[0].Largest; len(l) != 3 || l[0].Path != "var/x" || l[2].Path != "etc/a" {
		t.Errorf("largest: %v", l)
	}
}

func TestLargest(t *testing.T) {
	r := &layer.Record{}
	for i := range 40 {
		r.Entries = append(r.Entries, layer.Entry{Path: fmt.Sprintf("f%02d", i), Size: int64((i * 7) % 40)})
	}
	top := (&Scan{Tree: BuildTree([]*layer.Record{r})}).Stats().Layers[0].Largest
	if len(top) != maxLargest {
		t.Fatalf("%d files", len(top))
	}
	for i, c := range top {
		if c.Size() != int64(39-i) {
			t.Errorf("place %d: %d bytes", i, c.Size())
		}
	}
}

// What can be saved is all but the last copy, and nothing that a hard link keeps.
func TestReclaimable(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers []*layer.Record
		want   int64
	}{
		{"two copies", []*layer.Record{record("f a 5"), record("f a 5")}, 5},
		{"three copies", []*layer.Record{record("f a 5"), record("f a 6"), record("f a 7")}, 11},
		{"a removed file", []*layer.Record{record("f a 5"), record("w a")}, 5},
		{"a removed directory", []*layer.Record{record("d a", "f a/x 5", "f a/y/z 7"), record("w a")}, 12},
		{"an opaque directory", []*layer.Record{record("d a", "f a/x 5"), record("o a", "f a/y 7")}, 5},
		{"nothing twice", []*layer.Record{record("f a 5"), record("f b 5")}, 0},
	} {
		if got := (&Scan{Tree: BuildTree(c.layers)}).Stats().Reclaimable; got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
