package trust

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// aBundle is a bundle of a repository whose one key signed v1.
func aBundle(tb testing.TB) (*Bundle, Private) {
	tb.Helper()
	p := fixedKey()
	manifest := []byte(`{"schemaVersion":2}`)
	d := finding.DigestOf(manifest)
	a, err := Assemble(context.Background(), "r", nil, NewShelf(nil, nil, NewMemo()), day(1))
	must(tb, err)
	claims := Sign("v1", 1, day(1), int64(len(manifest)), []Manifest{{Digest: d, Config: digest("config")}})
	plan, err := a.Plan(Change{Root: everyRole(p.Key()), Claims: map[string]Claims{"": claims}}, oneKey{p})
	must(tb, err)
	b := &Bundle{Schema: BundleSchema, Repository: "r", Tag: "v1", Digest: d, Roles: map[string][]byte{}, Manifests: map[finding.Digest][]byte{d: manifest}}
	for _, s := range plan.Steps {
		if s.Role == Root {
			b.Roots = append(b.Roots, s.Bytes)
			continue
		}
		b.Roles[s.Role] = s.Bytes
	}
	return b, p
}

func TestBundle(t *testing.T) {
	b, _ := aBundle(t)
	raw, err := json.Marshal(b)
	must(t, err)
	back, err := ParseBundle(raw)
	must(t, err)
	v, err := back.Open(t.Context(), State{Root: back.Roots[0]}, day(2), 0)
	must(t, err)
	verdict := v.Judge("v1", b.Digest)
	if verdict.Kind != "verified" || !verdict.Contains(b.Digest) || !verdict.Contains(digest("config")) || verdict.Contains(digest("x")) || verdict.Contains("") {
		t.Errorf("%+v", verdict)
	}
	for age, ok := range map[time.Duration]bool{0: false, 24 * time.Hour: false, 40 * 24 * time.Hour: true} {
		_, err := back.Open(t.Context(), State{Root: back.Roots[0]}, day(1).AddDate(0, 0, 39), age)
		if kind, _ := Refused(err); (err == nil) != ok || !ok && kind != "expired" {
			t.Errorf("39 days later, with %s: %v", age, err)
		}
	}
	// What is not about time is not stretched.
	if _, err := back.Open(t.Context(), State{Root: back.Roots[0]}, day(1).AddDate(4, 0, 0), 10*365*24*time.Hour); err == nil {
		t.Error("a targets role that expired holds")
	}
}

// FuzzBundle: a bundle is verified as it was signed or not at all, whatever bytes of
// it are others.
func FuzzBundle(f *testing.F) {
	b, _ := aBundle(f)
	raw, err := json.Marshal(b)
	must(f, err)
	f.Add(raw, 0, byte(0))
	f.Add([]byte(`{"schema":"drydock/trust-bundle/v1","repository":"r","digest":"sha256:00","roots":[""]}`), 3, byte('x'))
	f.Add([]byte(`{"schema":"drydock/trust-bundle/v1","roots":[null],"roles":{"timestamp":null}}`), 3, byte(' '))
	f.Fuzz(func(t *testing.T, in []byte, at int, c byte) {
		if len(in) > 0 && at >= 0 {
			in = append([]byte{}, in...)
			in[at%len(in)] = c
		}
		got, err := ParseBundle(in)
		if err != nil {
			return
		}
		v, err := got.Open(context.Background(), State{Root: b.Roots[0]}, day(2), time.Hour)
		if err != nil {
			return
		}
		if verdict := v.Judge(got.Tag, got.Digest); verdict.Kind == "verified" && (got.Digest != b.Digest || got.Tag != "" && got.Tag != "v1") {
			t.Fatalf("%s of %s is verified", got.Digest, got.Tag)
		}
	})
}
