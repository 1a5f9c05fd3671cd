package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

func small(t testing.TB) []byte {
	r := []vuln.Range{{Type: "SEMVER", Events: []vuln.Event{{Introduced: "0"}, {Fixed: "1.2"}}}}
	return compiled(t, Input{Sources: []SourceInput{{
		Source: Source{Name: "npm", Newest: time.Unix(1e9, 0), Ecosystems: []string{"npm", "Debian"}},
		Advisories: seq([]vuln.Advisory{
			{ID: "CVE-2026-0001", Ecosystem: "Debian:11", Package: "a", Ranges: r, Aliases: []string{"GHSA-x"}, Source: "debian", CVSS: []finding.CVSS{{Vector: "CVSS:3.1/AV:N", Source: "osv"}}},
			{ID: "CVE-2026-0002", Ecosystem: "Debian:12", Package: "a", Ranges: r, Versions: []string{"9"}, URL: "u"},
			{ID: "GHSA-y", Ecosystem: "npm", Package: "b", Ranges: r, Withdrawn: true},
		}),
		Metas: seq([]vuln.Meta{{ID: "CVE-2026-0001", KEV: true, KEVAdded: "2026-01-01", EPSS: finding.EPSS{Score: 0.5, Date: "2026-01-01"}}}),
	}}})
}

// reseal makes the checksums of a changed file right, as someone who wants to
// harm would: the index's and the blocks'.
func reseal(b []byte) []byte {
	if len(b) < headerSize {
		return b
	}
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	binary.LittleEndian.PutUint64(b[16:], uint64(len(b)))
	n := int(binary.LittleEndian.Uint32(b[12:]))
	if n > len(b)-headerSize {
		return b
	}
	binary.LittleEndian.PutUint64(b[24:], xxhash.Sum64(b[headerSize:headerSize+n]))
	sum := sha256.Sum256(b[headerSize:])
	copy(b[32:], sum[:])
	return b
}

// Hostile bytes are an error or values, in bounded memory; and what reads as a
// whole compiles to a database that reads the same.
func FuzzOpen(f *testing.F) {
	f.Add(small(f), "Debian:11", "a", "CVE-2026-0001")
	f.Add(small(f)[:80], "npm", "b", "GHSA-y")
	f.Add([]byte("drydkADB"), "", "", "")
	f.Fuzz(func(t *testing.T, b []byte, eco, name, id string) {
		ctx := context.Background()
		d, err := OpenReader(bytes.NewReader(reseal(b)), int64(len(b)))
		if err != nil {
			if d != nil {
				t.Fatal("a database beside an error")
			}
			return
		}
		if list, err := d.Advisories(ctx, eco, name); err != nil && list != nil {
			t.Fatal("advisories beside an error")
		}
		if m, err := d.Meta(ctx, id); err != nil && m.ID != "" {
			t.Fatal("a meta beside an error")
		}
		if list, err := d.Find(ctx, id); err != nil && list != nil {
			t.Fatal("a find beside an error")
		}
		if err := d.Verify(ctx); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	})
}

// FuzzDecode goes below the checksums, where FuzzOpen seldom gets: the bodies of
// packages, of rows, and columns of identifiers.
func FuzzDecode(f *testing.F) {
	d := opened(f, small(f))
	for _, b := range d.bases {
		for i := range b.packages {
			block, err := d.packageBlock(&b.packages[i])
			if err != nil {
				f.Fatal(err)
			}
			for j := range block.ids {
				f.Add([]byte(block.row(j)))
			}
		}
	}
	f.Add(putIDs(nil, []string{"ALSA-2019:0973", "CVE-2026-0001", "CVE-2026-0009", "GHSA-x", "x"}))
	f.Add(putName(putName(putName(nil, "CVE-2026-0001", "UBUNTU-CVE-2026-0001"), "CVE-1999-123456", "x"), "whole", "x"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, b := range d.bases {
			for column := range b.releases {
				list, err := d.decode(b, "x", string(body), selection{column: column})
				if err != nil && (list != nil || !errors.Is(err, ErrCorrupt)) {
					t.Fatalf("%v beside %v", list, err)
				}
				for _, a := range list {
					if a.ID == "" || a.Ecosystem != joinEcosystem(name, b.releases[column]) {
						t.Fatalf("%+v", a)
					}
				}
			}
		}
		r := &reader{s: string(body)}
		var ids idColumn
		if ids.read(r, 100); r.bad != (ids.len() == 0) {
			t.Fatalf("%d ids, damaged: %v", ids.len(), r.bad)
		}
		for i := range ids.len() {
			if at, ok := ids.find(ids.id(i)); ok && ids.id(at) != ids.id(i) {
				t.Fatalf("looked for %q and found %q", ids.id(i), ids.id(at))
			}
		}
		r = &reader{s: string(body)}
		for len(r.s) > 0 {
			if n := r.name("UBUNTU-CVE-2026-0001"); r.bad && n != "" {
				t.Fatalf("name %q beside damage", n)
			}
		}
		if _, err := d.meta("x", string(body)); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	})
}
