package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// record is an OSV record as the tests write it.
type record struct {
	ID        string            `json:"id"`
	Modified  string            `json:"modified"`
	Withdrawn string            `json:"withdrawn,omitempty"`
	Severity  []map[string]any  `json:"severity,omitempty"`
	Affected  []affected        `json:"affected"`
	Database  map[string]string `json:"database_specific,omitempty"`
}

type affected struct {
	Package map[string]string `json:"package"`
	Ranges  []osvRange        `json:"ranges"`
}

type osvRange struct {
	Type   string              `json:"type"`
	Events []map[string]string `json:"events"`
}

// advisory is a record about one package, fixed in a version; "": not fixed.
func advisory(id, ecosystem, name, fixed string, day int) record {
	events := []map[string]string{{"introduced": "0"}}
	if fixed != "" {
		events = append(events, map[string]string{"fixed": fixed})
	}
	return record{
		ID: id, Modified: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day).Format(time.RFC3339),
		Affected: []affected{{Package: map[string]string{"ecosystem": ecosystem, "name": name}, Ranges: []osvRange{{Type: "ECOSYSTEM", Events: events}}}},
	}
}

func (r record) vector(v string) record {
	r.Severity = []map[string]any{{"type": "CVSS_V3", "score": v}}
	return r
}

const (
	badVector  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	mildVector = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
)

func lines(t testing.TB, rs ...record) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rs {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// rest compiles records to a database as a scan opens it.
func rest(t testing.TB, rs ...record) *db.Stack {
	t.Helper()
	bySource := map[string][]vuln.Advisory{}
	for _, r := range rs {
		rec, err := feed.OSV(strings.NewReader(lines(t, r)), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range rec.Advisories {
			eco, _, _ := strings.Cut(a.Ecosystem, ":")
			bySource[eco] = append(bySource[eco], a)
		}
	}
	var in db.Input
	for eco, list := range bySource {
		in.Sources = append(in.Sources, db.SourceInput{
			Source: db.Source{Name: "osv-" + eco, Ecosystems: []string{eco}}, Advisories: sequence(list),
		})
	}
	var b bytes.Buffer
	if err := db.Compile(&b, in); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := db.NewStack(d)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func sequence(list []vuln.Advisory) iter.Seq2[vuln.Advisory, error] {
	return func(yield func(vuln.Advisory, error) bool) {
		for _, a := range list {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func service(t testing.TB, opt store.Options, at index.Rest) *stream.Service {
	t.Helper()
	st, err := store.Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return &stream.Service{Store: st, Index: index.New(at, time.Now), Log: slog.New(slog.DiscardHandler)}
}

func sqlite(t testing.TB) store.Options {
	return store.Options{Dir: filepath.Join(t.TempDir(), "data")}
}

// settle does every task that there is.
func settle(t testing.TB, s *stream.Service) {
	t.Helper()
	for range 1000 {
		more, err := s.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if aside, err := s.Store.SetAside(t.Context()); err != nil || len(aside) > 0 {
		t.Fatalf("set aside: %+v %v", aside, err)
	}
}

func advise(t testing.TB, s *stream.Service, text string) stream.DeltaReport {
	t.Helper()
	rep, err := s.Advise(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	return rep
}

func add(t testing.TB, s *stream.Service, ref string, inv *sbom.Inventory) store.Image {
	t.Helper()
	img, err := s.AddImage(t.Context(), store.NewImage{Ref: ref, Inventory: inv})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func deb(name, version string) sbom.Package {
	return sbom.Package{Type: "deb", Namespace: "debian", Name: name, Version: version, Cataloger: "dpkg", Layer: "sha256:aa", LayerIndex: 0}
}

func npm(name, version string) sbom.Package {
	return sbom.Package{
		Type: "npm", Name: name, Version: version, Layer: "sha256:bb", LayerIndex: 1,
		Locations: []sbom.Location{{Path: "/app/node_modules/" + name + "/package.json", Layer: "sha256:bb"}},
	}
}

func bookworm(ps ...sbom.Package) *sbom.Inventory {
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "12"}, Packages: ps}
	inv.Sort()
	return inv
}

// nginx is the inventory of a real image of 2021: nginx:1.20, and what an
// application puts on top of it.
func nginx(t testing.TB, more ...sbom.Package) *sbom.Inventory {
	t.Helper()
	f, err := os.Open("../../vuln/testdata/nginx-1.20.dpkg.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "11"}, Packages: more}
	for in, n := bufio.NewScanner(f), 0; in.Scan(); n++ {
		c := strings.Split(in.Text(), "\t")
		if n == 0 || len(c) != 4 {
			continue
		}
		p := deb(c[2], c[3])
		if c[0] != c[2] {
			p.Source = c[0]
		}
		if c[1] != c[3] {
			p.SourceVersion = c[1]
		}
		inv.Packages = append(inv.Packages, p)
	}
	inv.Sort()
	if len(inv.Packages) < 140 {
		t.Fatalf("%d packages", len(inv.Packages))
	}
	return inv
}

// open is what the service has open for an image, a line each.
func open(t testing.TB, s *stream.Service, id string) []string {
	t.Helper()
	if err := s.Index.Follow(t.Context(), s.Store); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range s.Index.Findings(id) {
		out = append(out, word(&f.Finding.Finding))
	}
	slices.Sort(out)
	return out
}

// word is what a finding says.
func word(f *finding.Finding) string {
	by := ""
	if f.Suppressed != nil {
		by = f.Suppressed.By
	}
	return fmt.Sprintf("%s %s fixed=%q no=%q by=%q kev=%t %s", f.Key, f.Severity, f.Vuln.FixedIn, f.Vuln.NoFix, by, f.Vuln.KEV, f.Message)
}

// scan is what a scan finds.
func scan(t testing.TB, inv *sbom.Inventory, l vuln.Lookup) []string {
	t.Helper()
	found, _, err := vuln.Match(t.Context(), inv, l, vuln.Options{Now: time.Now(), EndOfLife: base.DistroEnds})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range found {
		out = append(out, word(&found[i]))
	}
	slices.Sort(out)
	return out
}

// postgres makes a database of its own for a test, in the server that
// DRYDOCK_POSTGRES names.
func postgres(t *testing.T) store.Options {
	t.Helper()
	server := os.Getenv("DRYDOCK_POSTGRES")
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("DRYDOCK_POSTGRES names no PostgreSQL server")
		}
		t.Skip("DRYDOCK_POSTGRES names no PostgreSQL server (postgres://user@host:5432/postgres)")
	}
	d, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "drydock_" + disk.Random()
	if _, err := d.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := d.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = d.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return store.Options{URL: u.String()}
}
