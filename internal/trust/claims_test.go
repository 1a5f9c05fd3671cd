package trust

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

func day(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }

func digest(s string) finding.Digest { return finding.DigestOf([]byte(s)) }

// aClaims draws claims over few keys, so that they meet.
func aClaims(keys []Key) *rapid.Generator[Claims] {
	return rapid.Custom(func(t *rapid.T) Claims {
		c := Claims{Images: map[string]Claim{}, Signers: map[string]Delegate{}}
		for range rapid.IntRange(0, 4).Draw(t, "images") {
			d := digest(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "digest"))
			v := Claim{Seq: rapid.Int64Range(1, 3).Draw(t, "seq"), At: day(rapid.IntRange(1, 2).Draw(t, "day")), Digest: d, Size: 7, Manifests: []Manifest{{Digest: d}}}
			if rapid.Bool().Draw(t, "revoked") {
				v = Claim{Seq: v.Seq, At: v.At, Revoked: true, Reason: rapid.SampledFrom([]string{"", "why"}).Draw(t, "reason")}
			}
			path := rapid.SampledFrom([]string{"v1", "v2", DigestPath(d)}).Draw(t, "path")
			c.Images[path] = v
		}
		for range rapid.IntRange(0, 2).Draw(t, "signers") {
			s := Delegate{Seq: rapid.Int64Range(1, 3).Draw(t, "seq"), At: day(1), Keys: []Key{rapid.SampledFrom(keys).Draw(t, "key")}, Threshold: 1}
			if rapid.Bool().Draw(t, "revoked") {
				s = Delegate{Seq: s.Seq, At: day(1), Revoked: true}
			}
			c.Signers[rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "name")] = s
		}
		return c
	})
}

func text(c Claims) string { return string(encoded(c.Images)) + signersText(c) }

func signersText(c Claims) string {
	var out []string
	for name, s := range c.Signers {
		out = append(out, name+s.text()+string(encoded([]any{s.Seq, s.Revoked})))
	}
	slices.Sort(out)
	return string(encoded(out))
}

// TestMergeIsAJoin: in whatever order and however often documents are put
// together, the outcome is one, covers each of them, and a revocation wins over
// what has no higher Seq.
func TestMergeIsAJoin(t *testing.T) {
	keys := []Key{newKey(t, ECDSA).Key(), newKey(t, Ed25519).Key()}
	rapid.Check(t, func(t *rapid.T) {
		gen := aClaims(keys)
		a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
		ab := a.Merge(b)
		if text(ab) != text(b.Merge(a)) || text(ab.Merge(c)) != text(a.Merge(b.Merge(c))) || text(ab.Merge(a)) != text(ab) {
			t.Fatalf("not a join: %s, %s, %s", text(a), text(b), text(c))
		}
		if !ab.Covers(a) || !ab.Covers(b) || a.Covers(b) != (text(a.Merge(b)) == text(a)) {
			t.Fatalf("covers: %s, %s", text(a), text(b))
		}
		for path, v := range a.Images {
			if got := ab.Images[path]; v.Revoked && !got.Revoked && got.Seq <= v.Seq {
				t.Fatalf("the revocation of %s is lost: %s, %s", path, text(a), text(b))
			}
		}
		if n := Next(a, b, c); n <= Next(Claims{})-1 || slices.ContainsFunc([]Claims{a, b, c}, func(c Claims) bool {
			for _, v := range c.Images {
				if v.Seq >= n {
					return true
				}
			}
			return false
		}) {
			t.Fatalf("next is %d", n)
		}
	})
}

// TestClaimsRoundTrip: what a document says is what was put into it.
func TestClaimsRoundTrip(t *testing.T) {
	keys := []Key{newKey(t, ECDSA).Key(), newKey(t, Ed25519).Key()}
	rapid.Check(t, func(t *rapid.T) {
		c := aClaims(keys).Draw(t, "claims")
		doc, err := claimsDoc(c, 3, day(30), extra{Repository: "r", Merged: []string{"00"}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := doc.encode(Targets, 3)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode[targetsType](Targets, out.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		got, x, err := claimsOf(back.body)
		if err != nil || x.Repository != "r" || !slices.Equal(x.Merged, []string{"00"}) {
			t.Fatalf("%v, %+v", err, x)
		}
		if text(got) != text(c) {
			t.Fatalf("came back as %s, was %s", text(got), text(c))
		}
		if string(back.message) != string(doc.message) {
			t.Fatal("what is signed is not what is read")
		}
	})
}

func TestRevocations(t *testing.T) {
	c := Sign("v1", 1, day(1), 5, []Manifest{{Digest: digest("one")}})
	c = c.Merge(Sign("latest", 2, day(2), 5, []Manifest{{Digest: digest("one")}}))
	if diff := cmp.Diff([]string{"latest", "v1"}, c.Tags()); diff != "" {
		t.Error(diff)
	}
	one := c.Merge(c.RevokeTag("v1", day(3), "old"))
	if got := one.Tags(); !reflect.DeepEqual(got, []string{"latest"}) || one.Images[DigestPath(digest("one"))].Revoked {
		t.Errorf("the digest has another tag: %v", got)
	}
	both := one.Merge(one.RevokeTag("latest", day(3), "old"))
	if got := both.Tags(); len(got) > 0 || !both.Images[DigestPath(digest("one"))].Revoked {
		t.Errorf("the digest has no other tag: %v", got)
	}
	again := both.Merge(Sign("v1", Next(both), day(4), 5, []Manifest{{Digest: digest("one")}}))
	if got := again.Tags(); !reflect.DeepEqual(got, []string{"v1"}) || again.Images[DigestPath(digest("one"))].Revoked {
		t.Errorf("signed again: %v", got)
	}
	ever := again.Merge(again.RevokeDigest(digest("one"), day(5), "malware"))
	if got := ever.Tags(); len(got) > 0 {
		t.Errorf("a revoked digest has tags: %v", got)
	}
	ever = ever.Merge(Sign("v1", Next(ever), day(6), 5, []Manifest{{Digest: digest("one")}}))
	if !ever.Images[DigestPath(digest("one"))].Revoked {
		t.Error("a digest that was revoked for ever is back")
	}
}
