package feed

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
)

const wholeRecord = `{"id":"GHSA-a","modified":"2024-01-02T03:04:05Z","published" : "2024-01-01T00:00:00Z",
"withdrawn":"","aliases":["CVE-2024-1","CVE-\\u0032"],"related":[],"upstream":["x"],"summary":"caf\u00e9 \"q\" \\/ \ud83d",
"details":"a\\nb\\\"c","schema_version":"1.6.0","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N","x":1}],
"affected":[{"package":{"ecosystem":"npm","name":"left","purl":"pkg:npm/left"},"ranges":[{"type":"SEMVER",
"events":[{"introduced":"0"},{"fixed":"1.0","limit":"2"},{}],"repo":"r"},{"type":"GIT","events":[]}],"versions":["1","2"],
"severity":[],"ecosystem_specific":{"urgency":"low","status":null,"binaries":[{"a":"1"}],"x86_64":{"b":[]},"n":-1.5e+3},
"database_specific":{"source":{"u":[1,true]},"severity":4,"noarch":"x","last_known_affected_version_range":"<= 2"}}],
"references":[{"type":"WEB","url":"https://example.com"}],"database_specific":{"severity":"HIGH","source":"x","ok":false},"credits":null}`

// What the scanner reads, encoding/json reads the same.
func FuzzScanner(f *testing.F) {
	whole := []byte(wholeRecord)
	if _, ok := new(scanner).record(whole); !ok {
		f.Fatal("a record with all that records have is left to encoding/json")
	}
	f.Add(whole, []byte{})
	f.Add(whole, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte(`{"ID":"a","id":"b"}`), []byte{})
	f.Add([]byte(`{"id":"a","affected":[{"package":{"name":"a"}}],"affected":[{"package":{"ecosystem":"b"}}]}`), []byte{})
	f.Fuzz(func(t *testing.T, b, script []byte) {
		if len(b) > 1<<16 {
			return
		}
		var s scanner
		for range 2 { // the second in the memory of the first
			got, ok := s.record(damage.Do(b, script))
			if !ok {
				return
			}
			var want osvRecord
			if err := json.Unmarshal(damage.Do(b, script), &want); err != nil {
				t.Fatalf("read, and encoding/json says %v", err)
			}
			if g, w := settled(t, got), settled(t, want); !reflect.DeepEqual(g, w) {
				t.Fatalf("read %s\nwant %s", g, w)
			}
		}
	})
}

// settled is a record in which a list without elements is none.
func settled(t *testing.T, rec osvRecord) string {
	t.Helper()
	for i := range rec.Affected {
		a := &rec.Affected[i]
		for _, raw := range []*json.RawMessage{&a.Versions, &a.Specific.Binaries, &a.Specific.NoArch, &a.Specific.X86, &a.Specific.ARM, &a.Database.Binaries, &a.Database.NoArch, &a.Database.X86, &a.Database.ARM} {
			if len(*raw) == 0 {
				*raw = json.RawMessage("0")
			}
		}
	}
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		t.Fatal(err)
	}
	drop(plain)
	if b, err = json.Marshal(plain); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// drop takes lists without elements out.
func drop(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if list, ok := e.([]any); ok && len(list) == 0 || e == nil {
				delete(v, k)
			} else {
				drop(e)
			}
		}
	case []any:
		for _, e := range v {
			drop(e)
		}
	}
}
