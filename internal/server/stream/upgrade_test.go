package stream_test

import (
	"compress/gzip"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// TestAnOlderVersionsDataIsBroughtUp opens data folders that older versions wrote:
// what they knew is what a service of today knows that went through the same.
func TestAnOlderVersionsDataIsBroughtUp(t *testing.T) {
	files, err := filepath.Glob("testdata/schema-*.sqlite.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no data of older versions", err)
	}
	fresh := service(t, sqlite(t), rest(t, killedRest()...))
	history(t, fresh.AddImage, fresh.Store, func(text string) { advise(t, fresh, text) }, func() { settle(t, fresh) })
	settle(t, fresh)
	want := known(t, fresh)
	if len(want) < 8 || !strings.Contains(strings.Join(want, "\n"), "/srv/b/package.json") {
		t.Fatalf("the test says little: %q", want)
	}
	kinds := map[string]func(t *testing.T, file string) store.Options{
		"sqlite": func(t *testing.T, file string) store.Options {
			opt := sqlite(t)
			unpack(t, file, filepath.Join(opt.Dir, "drydock.sqlite"))
			return opt
		},
		"postgres": moved,
	}
	for i := range len(files) * len(kinds) {
		file, kind := files[i/len(kinds)], slices.Sorted(maps.Keys(kinds))[i%len(kinds)]
		t.Run(filepath.Base(file)+" in "+kind, func(t *testing.T) {
			opt := kinds[kind](t, file)
			old := service(t, opt, rest(t, killedRest()...))
			before := told(t, old)
			settle(t, old)
			if d := cmp.Diff(want, known(t, old)); d != "" {
				t.Errorf("(-service of today +older data):\n%s", d)
			}
			if d := cmp.Diff(before, told(t, old)); d != "" {
				t.Errorf("the upgrade itself is told as news of findings:\n%s", d)
			}
			n := old.Index.Images(index.Query{}).Total
			for _, row := range old.Index.Images(index.Query{}).Items { // sent again, it is the same one
				inv, _ := old.Index.Inventory(row.ID)
				if img := add(t, old, row.Ref, inv); img.ID != row.ID {
					t.Errorf("%s is %s, and was %s", row.Ref, img.ID, row.ID)
				}
			}
			settle(t, old)
			if again := old.Index.Images(index.Query{}).Total; again != n {
				t.Errorf("%d images are %d after they were sent again", n, again)
			}
			advise(t, old, lines(t, advisory("GHSA-aaaa-bbbb-0002", "npm", "lib-0", "", 3)))
			if l := old.Index.Vulns(index.Query{Q: "GHSA-aaaa-bbbb-0002"}); l.Total != 1 || l.Items[0].Images != 2 {
				t.Errorf("a delta after the upgrade: %+v", l)
			}
		})
	}
}

// told are the changes of findings that were told.
func told(t *testing.T, s *stream.Service) (out []string) {
	t.Helper()
	events, err := s.Store.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == store.FindingsChanged {
			out = append(out, fmt.Sprint(e.N, e.Subject))
		}
	}
	return out
}

// known is what a service knows of images, their findings and the exceptions, and
// what it knew, a line each.
func known(t *testing.T, s *stream.Service) (out []string) {
	t.Helper()
	if err := s.Index.Follow(t.Context(), s.Store); err != nil {
		t.Fatal(err)
	}
	for _, row := range s.Index.Images(index.Query{}).Items {
		out = append(out, fmt.Sprintf("%s %s %s packages=%d counts=%v judged=%t", row.Ref, row.Env, row.Digest, row.Packages, row.Counts, row.Judged))
		for _, f := range s.Index.Findings(row.ID) {
			w := f.WhyOpened
			out = append(out, fmt.Sprintf("%s: %s at %+v %s by %s %s, excepted=%t", row.Ref, word(&f.Finding.Finding), f.At, f.Evidence[len(f.Evidence)-1].Text, w.Cause, w.Advisory, f.Exception != nil))
		}
		inv, ok := s.Index.Inventory(row.ID)
		if !ok {
			t.Errorf("%s has no inventory", row.Ref)
			continue
		}
		for _, p := range inv.Packages {
			out = append(out, fmt.Sprintf("%s holds %s %v in %s %d", row.Ref, p.PURL(), p.Locations, p.Layer, p.LayerIndex))
		}
	}
	if err := s.Store.Closed(t.Context(), s.Store.Now().AddDate(-10, 0, 0), func(f store.Finding) error {
		out = append(out, fmt.Sprintf("closed %s by %s", word(&f.Finding), f.WhyClosed.Advisory))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// moved is a PostgreSQL database that holds what a SQLite file holds.
func moved(t *testing.T, file string) store.Options {
	t.Helper()
	opt := postgres(t)
	path := filepath.Join(t.TempDir(), "drydock.sqlite")
	unpack(t, file, path)
	from, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := sql.Open("pgx", opt.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	var version int64
	if err := from.QueryRowContext(t.Context(), "SELECT MAX(version_id) FROM goose_db_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	tables := []string{"counters", "images", "inventories", "parts", "findings", "advisories", "facts", "exceptions", "running", "vex", "outbox", "tasks", "audit"}
	if version < 4 {
		p, err := goose.NewProvider(goose.DialectPostgres, to, os.DirFS("../store/migrations"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.UpTo(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	} else { // version 4 is a change by code, which only the store knows: what is newer is undone
		tables = append(tables, "contents", "jobs", "webhooks")
		st, err := store.Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		for _, undo := range []string{"DROP TABLE history", "DELETE FROM goose_db_version WHERE version_id > 5"} {
			if _, err := to.ExecContext(t.Context(), undo); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range tables {
			if _, err := to.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, table := range tables {
		rows, err := from.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into, marks := make([]any, len(columns)), make([]any, len(columns)), make([]string, len(columns))
			for i := range values {
				into[i], marks[i] = &values[i], fmt.Sprintf("$%d", i+1)
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			if _, err := to.ExecContext(t.Context(), "INSERT INTO "+table+" VALUES ("+strings.Join(marks, ", ")+")", values...); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return opt
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, r); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
