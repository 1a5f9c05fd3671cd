package vuln

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/finding"
)

// memory is a Lookup over a map.
type memory struct {
	advs  map[string][]Advisory // ecosystem + "\x00" + name
	ecos  map[string]bool
	metas map[string]Meta
	asked []string
}

func newMemory(advs ...Advisory) *memory {
	m := &memory{advs: map[string][]Advisory{}, ecos: map[string]bool{}, metas: map[string]Meta{}}
	for _, a := range advs {
		k := a.Ecosystem + "\x00" + a.Package
		m.advs[k] = append(m.advs[k], a)
		m.ecos[a.Ecosystem] = true
	}
	return m
}

func (m *memory) Advisories(_ context.Context, eco, name string) ([]Advisory, error) {
	m.asked = append(m.asked, eco+" "+name)
	return m.advs[eco+"\x00"+name], nil
}

func (m *memory) Meta(_ context.Context, id string) (Meta, error) { return m.metas[id], nil }

func (m *memory) Knows(_ context.Context, eco string) bool { return m.ecos[eco] }

// sharedFile opens real test data, or skips.
func sharedFile(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if root == filepath.Dir(root) {
				t.Fatal("no go.mod above the test")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared")
	}
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared test data is required here: %v", err)
		}
		t.Skipf("shared test data is absent (set DRYDOCK_SHARED): %v", err)
	}
	return file
}

// osvRecord is as much of an OSV record as the tests need.
type osvRecord struct {
	ID        string    `json:"id"`
	Aliases   []string  `json:"aliases"`
	Related   []string  `json:"related"`
	Upstream  []string  `json:"upstream"`
	Published time.Time `json:"published"`
	Withdrawn string    `json:"withdrawn"`
	Severity  []struct{ Type, Score string }
	Affected  []struct {
		Package  struct{ Ecosystem, Name string }
		Severity []struct{ Type, Score string }
		Ranges   []struct {
			Type   string
			Events []map[string]string
		}
		Versions  []string
		Ecosystem struct {
			Urgency  string `json:"urgency"`
			Priority string `json:"ubuntu_priority"`
		} `json:"ecosystem_specific"`
	}
	Database struct{ Severity string } `json:"database_specific"`
}

// advisories turns a record into the package's words.
func (r osvRecord) advisories() []Advisory {
	var out []Advisory
	for _, f := range r.Affected {
		a := Advisory{
			ID: r.ID, Aliases: append(r.Aliases, r.Upstream...), Related: r.Related,
			Source: osvSource(r.ID, f.Package.Ecosystem), Ecosystem: f.Package.Ecosystem,
			Package: NormalName(f.Package.Ecosystem, f.Package.Name), Versions: f.Versions,
			Published: r.Published, Withdrawn: r.Withdrawn != "",
			Urgency: f.Ecosystem.Urgency + f.Ecosystem.Priority,
		}
		for _, g := range f.Ranges {
			if g.Type == "GIT" {
				continue
			}
			events := make([]Event, 0, len(g.Events))
			for _, e := range g.Events {
				events = append(events, Event{e["introduced"], e["fixed"], e["last_affected"], e["limit"]})
			}
			a.Ranges = append(a.Ranges, Range{Type: g.Type, Events: events})
		}
		if !strings.Contains(f.Package.Ecosystem, ":") {
			a.Severity, _ = finding.ParseSeverity(r.Database.Severity)
			for _, s := range append(f.Severity, r.Severity...) {
				a.CVSS = append(a.CVSS, finding.CVSS{Vector: s.Score, Source: a.Source})
			}
		}
		out = append(out, a)
	}
	return out
}

func osvSource(id, eco string) string {
	base, _, _ := strings.Cut(eco, ":")
	switch {
	case base == "Rocky Linux":
		return "rocky"
	case strings.HasPrefix(id, "GHSA-"):
		return "ghsa"
	case strings.Contains(eco, ":") || base == "Bitnami":
		return strings.ToLower(base)
	}
	return "osv"
}

// eachLine calls f with every line of an xz file of advisories.
func eachLine(t testing.TB, name string, f func([]byte)) {
	t.Helper()
	file, err := os.Open(sharedFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	x, err := xz.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(x, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 1 {
			f(line)
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// osvLines reads a file of records that are already one a line, uncompressed.
func parseRecord(t testing.TB, line []byte) osvRecord {
	t.Helper()
	var r osvRecord
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
