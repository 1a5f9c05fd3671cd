package image

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
)

// attested is an image with BuildKit's attestations beside it, about of.
func attested(t *testing.T, l *layoutOf, image obj, of finding.Digest, predicates ...string) obj {
	t.Helper()
	var layers []obj
	for _, p := range predicates {
		body := js(t, obj{
			"_type": "https://in-toto.io/Statement/v0.1", "predicateType": p,
			"subject":   []obj{{"name": "pkg:docker/app@1", "digest": obj{"sha256": of.Hex()}}},
			"predicate": obj{"says": p},
		})
		layers = append(layers, with(l.add(body), obj{"mediaType": "application/vnd.in-toto+json", "annotations": obj{"in-toto.io/predicate-type": p}}))
	}
	layers = append(layers, with(l.add("not a statement"), obj{"mediaType": "text/plain"}))
	config := with(l.add(`{"architecture":"unknown","os":"unknown"}`), obj{"mediaType": "application/vnd.oci.image.config.v1+json"})
	m := with(l.add(js(t, obj{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers})),
		obj{"mediaType": "application/vnd.oci.image.manifest.v1+json"})
	return with(m, obj{
		"platform":    obj{"os": "unknown", "architecture": "unknown"},
		"annotations": obj{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]},
	})
}

func TestStatements(t *testing.T) {
	l := &layoutOf{t: t}
	a := with(l.manifest(app(t, "amd64", "x")), platform("amd64"))
	of := a["digest"].(finding.Digest)
	top := l.index(a, attested(t, l, a, of, "https://slsa.dev/provenance/v1", "https://spdx.dev/Document"))
	s := serve(t)
	s.push(t, l, top)
	for _, target := range []string{folder(t, l.parts(top)), file(t, "a.tar", tarOf(t, l.parts(top)...)), "registry://" + s.host + "/app:1"} {
		im, err := Open(context.Background(), target, Options{Platform: "linux/amd64", Backoff: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		got, err := im.Statements(context.Background())
		if err != nil || len(got) != 2 || got[0].Predicate != "https://slsa.dev/provenance/v1" || !strings.Contains(string(got[1].Body), "spdx.dev") {
			t.Errorf("%s: %+v, %v", im.Kind, got, err)
		}
		if one, err := im.Statements(context.Background(), "https://slsa.dev/"); err != nil || len(one) != 1 || one[0].Predicate != "https://slsa.dev/provenance/v1" {
			t.Errorf("%s: provenance alone: %+v, %v", im.Kind, one, err)
		}
		if im.Kind == "registry" && im.Top != top["digest"] {
			t.Errorf("the index is %s, want %s", im.Top, top["digest"])
		}
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	}

	// What is remembered of an image that costs much to open is what attests it, too.
	packed, opt := file(t, "a.tar.gz", gz(t, tarOf(t, l.parts(top)...))), Options{Platform: "linux/amd64", Cache: &cache.Cache{Dir: t.TempDir()}, Now: later}
	for range 2 {
		im, err := Open(context.Background(), packed, opt)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := im.Statements(context.Background()); err != nil || len(got) != 2 || !im.Attested {
			t.Errorf("of a compressed archive: %+v, %v", got, err)
		}
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	}

	// What is said about another image is not about this one.
	l = &layoutOf{t: t}
	a = with(l.manifest(app(t, "amd64", "x")), platform("amd64"))
	top = l.index(a, attested(t, l, a, finding.DigestOf([]byte("another")), "https://slsa.dev/provenance/v1"))
	im, err := Open(context.Background(), folder(t, l.parts(top)), Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := im.Statements(context.Background()); err == nil || got != nil {
		t.Errorf("about another image: %+v, %v", got, err)
	}
	if err := im.Close(); err != nil {
		t.Error(err)
	}
	// An image without any has none.
	plain, err := Open(context.Background(), folder(t, (&layoutOf{t: t}).plain()), Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := plain.Statements(context.Background()); err != nil || got != nil {
		t.Errorf("of nothing: %+v, %v", got, err)
	}
	if err := plain.Close(); err != nil {
		t.Error(err)
	}
}

// TestSBOMsComeWithoutLayers: what an image holds is read from beside it, and
// nothing of it is pulled.
func TestSBOMsComeWithoutLayers(t *testing.T) {
	l := &layoutOf{t: t}
	m := app(t, "amd64", "x")
	a := with(l.manifest(m), platform("amd64"))
	top := l.index(a, attested(t, l, a, a["digest"].(finding.Digest), "https://slsa.dev/provenance/v1", "https://spdx.dev/Document", "https://cyclonedx.org/bom/v1.5"))
	s := serve(t)
	s.push(t, l, top)
	im, err := Open(t.Context(), "registry://"+s.host+"/app:1", Options{Platform: "linux/amd64", Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	got, err := im.SBOMs(t.Context())
	if err != nil || len(got) != 2 || got[0].Predicate != "https://spdx.dev/Document" || got[1].Predicate != "https://cyclonedx.org/bom/v1.5" {
		t.Errorf("%+v, %v", got, err)
	}
	layer := string(finding.DigestOf(gz(t, m.layers[0])))
	for _, asked := range s.asked {
		if strings.HasSuffix(asked, layer) {
			t.Errorf("a layer was fetched: %s", asked)
		}
	}
	if s.blobsAsked() != 3 { // the configuration and two statements
		t.Errorf("%q", s.asked)
	}
	if err := im.Close(); err != nil {
		t.Error(err)
	}
}

func (l *layoutOf) plain() []part {
	a := with(l.manifest(made{config: `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`}), platform("amd64"))
	return l.parts(a)
}

func FuzzStatement(f *testing.F) {
	digest := finding.DigestOf([]byte("x"))
	f.Add(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","predicate":{},"subject":[{"digest":{"sha256":"` + digest.Hex() + `"}}]}`)
	f.Add(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"p","predicate":1}`)
	f.Add(`{"subject":null}`)
	f.Fuzz(func(t *testing.T, in string) {
		s, err := parseStatement([]byte(in), digest)
		if err != nil {
			if s.Predicate != "" || s.Body != nil {
				t.Fatalf("%+v with %v", s, err)
			}
			return
		}
		if s.Predicate == "" || !json.Valid(s.Body) {
			t.Fatalf("%+v", s)
		}
	})
}

func TestTags(t *testing.T) {
	s := serve(t)
	l := &layoutOf{t: t}
	s.push(t, l, l.manifest(app(t, "amd64", "x")))
	opt := Options{Backoff: time.Millisecond}
	tags, err := Tags(context.Background(), s.host+"/app", opt)
	if err != nil || len(tags) != 1 || tags[0] != "1" {
		t.Errorf("%v, %v", tags, err)
	}
	// Pages, and a link that leads to another host: the path alone is followed.
	pages := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		if r.URL.Query().Get("last") == "" {
			w.Header().Set("Link", `<http://elsewhere.invalid/v2/app/tags/list?last=b&n=2>; rel="next"`)
			fmt.Fprint(w, `{"tags":["a","b"]}`)
		} else {
			fmt.Fprint(w, `{"tags":["b","c"]}`)
		}
		return true
	}
	s.spoil.Store(&pages)
	if tags, err = Tags(context.Background(), s.host+"/app", opt); err != nil || strings.Join(tags, " ") != "a b c" {
		t.Errorf("%v, %v", tags, err)
	}
	// A registry that never ends, and one that sends too much.
	n := 0
	endless := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		n++
		w.Header().Set("Link", fmt.Sprintf(`</v2/app/tags/list?last=%d>; rel="next"`, n))
		fmt.Fprintf(w, `{"tags":["t%d"]}`, n)
		return true
	}
	s.spoil.Store(&endless)
	if tags, err = Tags(context.Background(), s.host+"/app", opt); err != nil || len(tags) != maxTagPages {
		t.Errorf("endless: %d tags, %v", len(tags), err)
	}
	huge := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		fmt.Fprint(w, `{"tags":["`+strings.Repeat("x", maxDocument)+`"]}`)
		return true
	}
	s.spoil.Store(&huge)
	if tags, err = Tags(context.Background(), s.host+"/app", opt); err == nil || tags != nil {
		t.Errorf("huge: %d tags, %v", len(tags), err)
	}
	if _, err := Tags(context.Background(), s.host+"/app", Options{Offline: true}); err == nil {
		t.Error("offline, and asked")
	}
	if _, err := Tags(context.Background(), "A B", opt); err == nil {
		t.Error("no repository, and asked")
	}
}
