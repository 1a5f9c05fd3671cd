package notary

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/trust"
)

// TestServerRefuses: the server takes no update that a client would refuse, and
// afterwards it has what it had.
func TestServerRefuses(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	admin, alice := y.person(), y.person()
	y.addSigner(admin, "alice", y.signerKey(alice, "alice"))
	must(t, y.sign(alice, "v1", "one"))
	st := y.stored()
	thief := y.person()
	evil := y.signerKey(thief, "evil")
	evilKey, err := thief.Folder.Signer(evil, "")
	must(t, err)
	by := []signer{{KeyID(evil), evilKey}}
	root, err := decode[rootBody](trust.Root, st[trust.Root])
	must(t, err)
	targets, err := decode[targetsBody](trust.Targets, st[trust.Targets])
	must(t, err)
	own := func(role string, b targetsBody, by []signer) Doc {
		d, err := compose(role, b, by)
		must(t, err)
		return Doc{role, d.bytes}
	}
	next := func(n int64) targetsBody {
		b := targets.body
		b.Version = n
		return b
	}
	adminKey, err := admin.Keys.Signer(root.body.Keys[root.body.Roles[trust.Targets].KeyIDs[0]].key(""), "")
	must(t, err)
	admins := []signer{{root.body.Roles[trust.Targets].KeyIDs[0], adminKey}}
	expired := next(targets.body.Version + 1)
	expired.Expires = y.now.AddDate(0, 0, -1)
	twice := next(targets.body.Version + 1)
	twice.Delegations.Roles = append(slices.Clone(twice.Delegations.Roles), twice.Delegations.Roles[0])

	for name, c := range map[string]struct {
		docs []Doc
		want string
	}{
		"targets by a stranger":     {[]Doc{own(trust.Targets, next(9), by)}, "not signed by a key"},
		"a version again":           {[]Doc{own(trust.Targets, next(targets.body.Version), admins)}, "comes after version"},
		"an older version":          {[]Doc{own(trust.Targets, next(max(1, targets.body.Version-1)), admins)}, "comes after version"},
		"a version far off":         {[]Doc{own(trust.Targets, next(1<<30), admins)}, "comes after version"},
		"expired":                   {[]Doc{own(trust.Targets, expired, admins)}, "expired on"},
		"a delegation twice":        {[]Doc{own(trust.Targets, twice, admins)}, "delegates twice"},
		"a role of nobody's":        {[]Doc{own("targets/mallory", next(1), by)}, "delegated to nobody"},
		"alice's role, not by her":  {[]Doc{own("targets/alice", next(9), by)}, "not signed by a key"},
		"the server's timestamp":    {[]Doc{{trust.Timestamp, st[trust.Timestamp]}}, "is not published"},
		"a role with a bad name":    {[]Doc{{"targets/../x", st[trust.Targets]}}, "unknown"},
		"no JSON":                   {[]Doc{{trust.Targets, []byte("{")}}, "unexpected end"},
		"a snapshot by a stranger":  {[]Doc{{trust.Snapshot, bytes.Replace(st[trust.Snapshot], []byte(`"version":`), []byte(`"version":9`), 1)}}, "not signed by a key"},
		"good and bad in one":       {[]Doc{own(trust.Targets, next(targets.body.Version+1), admins), own("targets/mallory", next(1), by)}, "delegated to nobody"},
		"the same role given twice": {[]Doc{{trust.Targets, st[trust.Targets]}, {trust.Targets, st[trust.Targets]}}, "given twice"},
		"nothing":                   {nil, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			err := y.web.publish(t.Context(), c.docs)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if got := y.stored(); !maps.EqualFunc(got, st, bytes.Equal) {
				t.Error("the repository has changed")
			}
		})
	}
}

// TestServerRoots: a root comes after the one before it, and names keys that there are.
func TestServerRoots(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	admin := y.person()
	must(t, y.sign(admin, "v1", "one"))
	st := y.stored()
	d, err := decode[rootBody](trust.Root, st[trust.Root])
	must(t, err)
	id := d.body.Roles[trust.Root].KeyIDs[0]
	key, err := admin.Keys.Signer(d.body.Keys[id].key(id), trust.Root)
	must(t, err)
	for name, c := range map[string]struct {
		change func(*rootBody)
		want   string
	}{
		"skips a version": {func(b *rootBody) { b.Version += 2 }, "comes after version"},
		"a timestamp key of somebody else's": {func(b *rootBody) {
			b.Version++
			b.Roles[trust.Timestamp] = roleKeys{b.Roles[trust.Targets].KeyIDs, 1}
		}, "does not have"},
		"a threshold of two with one key": {func(b *rootBody) {
			b.Version++
			b.Roles[trust.Targets] = roleKeys{b.Roles[trust.Targets].KeyIDs, 2}
		}, "threshold"},
		"no snapshot role": {func(b *rootBody) {
			b.Version++
			delete(b.Roles, trust.Snapshot)
		}, "no role"},
		"targets keys that did not sign": {func(b *rootBody) {
			b.Version++
			b.Roles[trust.Targets] = roleKeys{b.Roles[trust.Timestamp].KeyIDs, 1}
		}, "not signed by a key"},
		"a key under another's id": {func(b *rootBody) {
			b.Version++
			k := b.Keys[b.Roles[trust.Targets].KeyIDs[0]]
			b.Keys["00ff"] = k
			b.Roles[trust.Targets] = roleKeys{[]string{"00ff"}, 1}
		}, "another's id"},
	} {
		body := d.body
		body.Keys, body.Roles = maps.Clone(body.Keys), maps.Clone(body.Roles)
		c.change(&body)
		doc, err := compose(trust.Root, body, []signer{{id, key}})
		must(t, err)
		if err := y.web.publish(t.Context(), []Doc{{trust.Root, doc.bytes}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if !maps.EqualFunc(y.stored(), st, bytes.Equal) {
		t.Error("the repository has changed")
	}
}

// TestServerKeys: a key that is asked for waits until a root names it, and a fresh one
// is asked for by POST.
func TestServerKeys(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	ask := func(fresh bool) string {
		k, err := y.web.key(t.Context(), trust.Timestamp, fresh)
		must(t, err)
		return k.id()
	}
	one := ask(false)
	if ask(false) != one || ask(true) != one {
		t.Error("before there is a root, one key waits")
	}
	must(t, y.sign(y.person(), "v1", "one"))
	if ask(false) != one {
		t.Error("the key that root names is the key")
	}
	two := ask(true)
	if two == one || ask(true) != two || ask(false) != one {
		t.Error("a fresh key waits until a root names it")
	}
	resp, err := y.web.Client.Get(y.web.at("timestamp.key"))
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	if bytes.Contains(b, []byte("PRIVATE")) || !bytes.Contains(b, []byte(`"private":null`)) {
		t.Errorf("%s", b)
	}
}

// TestServerRefreshes: a timestamp is signed anew when half of its time is over, so
// that a repository that nobody changes stays fresh.
func TestServerRefreshes(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	w := y.person()
	must(t, y.sign(w, "v1", "one"))
	version := func() (int64, int64) {
		w.Now = y.now
		r, err := w.Update(t.Context())
		must(t, err)
		return r.timestamp.body.Version, r.snapshot.body.Version
	}
	a, s := version()
	y.now = y.now.AddDate(0, 0, 3)
	if b, _ := version(); b != a {
		t.Errorf("after 3 days version %d, was %d", b, a)
	}
	y.now = y.now.AddDate(0, 0, 5)
	if b, _ := version(); b != a+1 {
		t.Errorf("after 8 days version %d, was %d", b, a)
	}
	y.now = y.now.AddDate(2, 6, 0)
	if _, b := version(); b != s+1 {
		t.Errorf("after 2.5 years snapshot %d, was %d", b, s)
	}
}

// TestServerShape: answers that are not documents, as clients know them.
func TestServerShape(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	must(t, y.sign(y.person(), "v1", "one"))
	base := y.web.Server.String()
	for path, want := range map[string]int{
		"/v2/": 200, "/_notary_server/health": 200, "/v2/" + gun + "/_trust/tuf/root.json": 200, "/v2/" + gun + "/_trust/tuf/1.root.json": 200,
		"/v2/" + gun + "/_trust/tuf/2.root.json": 404, "/v2/" + gun + "/_trust/tuf/1.targets.json": 404, "/v2/x/_trust/tuf/root.json": 404,
		"/v2/" + gun + "/_trust/tuf/root.key": 404, "/v2/" + gun + "/_trust/tuf/..%2f..%2fca.key": 404, "/v2/../_trust/tuf/root.json": 404,
		"/v2/" + gun + "/_trust/tuf/root." + strings.Repeat("a", 64) + ".json": 404, "/": 404, "/v2/" + gun + "/_trust/changefeed": 404,
	} {
		resp, err := y.web.Client.Get(base + path)
		must(t, err)
		b, err := io.ReadAll(resp.Body)
		must(t, errors.Join(err, resp.Body.Close()))
		if resp.StatusCode != want || want == 404 && !json.Valid(b) {
			t.Errorf("%s: %d, want %d: %s", path, resp.StatusCode, want, b)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, base+"/v2/"+gun+"/_trust/tuf/", nil)
	must(t, err)
	resp, err := y.web.Client.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %s", resp.Status)
	}
	if _, err := y.web.Get(t.Context(), "targets/nobody", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestServerKeeps: a damaged document is told, and who lists the folder finds nothing
// that a killed writer left.
func TestServerKeeps(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	w := y.person()
	must(t, y.sign(w, "v1", "one"))
	dir := y.server.shelf.folder(gun)
	must(t, os.WriteFile(filepath.Join(dir, strings.Repeat("b", 64)+".json"), []byte("left by a kill"), 0o600))
	for i := range 3 {
		must(t, y.sign(w, "v1", strings.Repeat("x", i+1)))
	}
	if _, err := os.Stat(filepath.Join(dir, strings.Repeat("b", 64)+".json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left is there: %v", err)
	}
	c, err := y.server.shelf.load(gun)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, c.Current[trust.Targets]+".json"), []byte("{}"), 0o600))
	if _, err := y.person().Update(t.Context()); err == nil {
		t.Error("a damaged document is served")
	}
}

// FuzzUpload: whatever is uploaded, the repository goes on verifying.
func FuzzUpload(f *testing.F) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	must(f, w.SetBoundary("b"))
	p, err := w.CreateFormFile("files", "targets/releases")
	must(f, err)
	_, err = p.Write([]byte(`{"signed":{"_type":"Targets","version":1},"signatures":[]}`))
	must(f, errors.Join(err, w.Close()))
	f.Add(buf.Bytes())
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"root\"\r\n\r\n{}\r\n--b--\r\n"))
	f.Add([]byte("--b--"))
	s := NewServer(f.TempDir(), diskUser(), quietLog())
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v2/a/_trust/tuf/", bytes.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", `multipart/form-data; boundary=b`)
		if err := s.publish("a", req); err == nil {
			t.Fatalf("taken: %q", body)
		}
		c, err := s.shelf.load("a")
		if err != nil || len(c.Current) != 0 {
			t.Fatalf("%v, %v", c, err)
		}
	})
}
