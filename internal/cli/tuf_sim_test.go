package cli_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

// obj is a JSON object.
type obj = map[string]any

// tufKey is a private key of any kind that TUF names.
type tufKey struct {
	id     string
	public obj
	signer crypto.Signer
}

func (k *tufKey) rename() {
	b, err := cjson.EncodeCanonical(k.public)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(b)
	k.id = hex.EncodeToString(sum[:])
}

func newTUFKey(kind string) *tufKey {
	var s crypto.Signer
	var err error
	var scheme, value string
	switch kind {
	case "ecdsa":
		s, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		scheme = "ecdsa-sha2-nistp256"
	case "ed25519":
		_, s, err = ed25519.GenerateKey(rand.Reader)
		scheme = "ed25519"
	case "rsa":
		s, err = rsa.GenerateKey(rand.Reader, 2048)
		scheme = "rsassa-pss-sha256"
	}
	if err != nil {
		panic(err)
	}
	if p, ok := s.Public().(ed25519.PublicKey); ok {
		value = hex.EncodeToString(p)
	} else {
		der, err := x509.MarshalPKIXPublicKey(s.Public())
		if err != nil {
			panic(err)
		}
		value = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	k := &tufKey{public: obj{"keytype": kind, "scheme": scheme, "keyval": obj{"public": value}}, signer: s}
	k.rename()
	return k
}

func (k *tufKey) sign(message []byte) string {
	sum := sha256.Sum256(message)
	opts, in := crypto.SignerOpts(crypto.SHA256), sum[:]
	switch k.signer.(type) {
	case ed25519.PrivateKey:
		opts, in = crypto.Hash(0), message
	case *rsa.PrivateKey:
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	sig, err := k.signer.Sign(rand.Reader, in, opts)
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(sig)
}

// simulator is a TUF repository that a test changes and publishes, and a server of
// it that notes what it is asked for.
type simulator struct {
	t       *testing.T
	signed  map[string]obj               // by role, as it would be published next
	keys    map[string][]*tufKey         // that sign a role
	served  map[string][]json.RawMessage // versions of a role, from 1
	files   map[string][]byte
	hashes  bool // snapshot and timestamp have hashes
	expires time.Time

	mu    sync.Mutex
	asked []string // "root 2", "timestamp"
	got   []string // targets

	dir, url string
	bench    *workbench
}

func newSimulator(t *testing.T) *simulator {
	t.Helper()
	s := &simulator{
		t: t, signed: map[string]obj{}, keys: map[string][]*tufKey{}, served: map[string][]json.RawMessage{}, files: map[string][]byte{},
		expires: today().AddDate(0, 0, 30), dir: t.TempDir(), bench: newBench(t),
	}
	stamp := s.expires.Format(time.RFC3339)
	base := func(typ string, more obj) obj {
		o := obj{"_type": typ, "spec_version": "1.0.31", "version": 0, "expires": stamp}
		maps.Copy(o, more)
		return o
	}
	roles := obj{}
	for _, r := range []string{"root", "timestamp", "snapshot", "targets"} {
		roles[r] = obj{"keyids": []string{}, "threshold": 1}
	}
	s.signed["root"] = base("root", obj{"consistent_snapshot": true, "keys": obj{}, "roles": roles})
	s.signed["targets"] = base("targets", obj{"targets": obj{}})
	s.signed["snapshot"] = base("snapshot", obj{"meta": obj{}})
	s.signed["timestamp"] = base("timestamp", obj{"meta": obj{}})
	for _, r := range []string{"root", "timestamp", "snapshot", "targets"} {
		s.addKey(r, newTUFKey("ecdsa"))
	}
	s.publish("targets", "snapshot", "timestamp", "root")
	srv := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *simulator) role(name string) obj { return s.signed["root"]["roles"].(obj)[name].(obj) }

// addKey has a key sign a top-level role.
func (s *simulator) addKey(role string, k *tufKey) *tufKey {
	s.signed["root"]["keys"].(obj)[k.id] = k.public
	r := s.role(role)
	r["keyids"] = append(r["keyids"].([]string), k.id)
	s.keys[role] = append(s.keys[role], k)
	return k
}

// rotate gives a role new keys, as many as its threshold.
func (s *simulator) rotate(role string) {
	r := s.role(role)
	r["keyids"], s.keys[role] = []string{}, nil
	for range r["threshold"].(int) {
		s.addKey(role, newTUFKey("ecdsa"))
	}
}

func (s *simulator) version(role string) int { return s.signed[role]["version"].(int) }

// publish raises the versions of roles, signs them, and has others name them.
func (s *simulator) publish(roles ...string) {
	s.t.Helper()
	for _, role := range roles {
		s.signed[role]["version"] = s.version(role) + 1
		s.publishAs(role)
	}
}

// publishAs is publish without a new version in the document.
func (s *simulator) publishAs(role string) {
	s.t.Helper()
	message, err := cjson.EncodeCanonical(s.signed[role])
	check(s.t, err)
	var sigs []obj
	for _, k := range s.keys[role] {
		sigs = append(sigs, obj{"keyid": k.id, "sig": k.sign(message)})
	}
	b, err := json.Marshal(obj{"signed": s.signed[role], "signatures": sigs})
	check(s.t, err)
	s.mu.Lock()
	s.served[role] = append(s.served[role], b)
	s.mu.Unlock()
	meta := obj{"version": s.version(role)}
	if s.hashes {
		sum := sha256.Sum256(b)
		meta["hashes"], meta["length"] = obj{"sha256": hex.EncodeToString(sum[:])}, len(b)
	}
	switch role {
	case "root", "timestamp":
	case "snapshot":
		s.signed["timestamp"]["meta"].(obj)["snapshot.json"] = meta
	default:
		s.signed["snapshot"]["meta"].(obj)[role+".json"] = meta
	}
}

// edit changes the newest published document of a role.
func (s *simulator) edit(role string, change func(doc obj)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.served[role]) - 1
	var doc obj
	check(s.t, json.Unmarshal(s.served[role][last], &doc))
	change(doc)
	b, err := json.Marshal(doc)
	check(s.t, err)
	s.served[role][last] = b
}

// delegate has a role delegate to another, with a key of its own.
func (s *simulator) delegate(by, role string, more obj) {
	d, _ := s.signed[by]["delegations"].(obj)
	if d == nil {
		d = obj{"keys": obj{}, "roles": []obj{}}
		s.signed[by]["delegations"] = d
	}
	k := newTUFKey("ecdsa")
	s.keys[role] = append(s.keys[role], k)
	d["keys"].(obj)[k.id] = k.public
	r := obj{"name": role, "keyids": []string{k.id}, "threshold": 1, "terminating": false, "paths": []string{"*"}}
	maps.Copy(r, more)
	d["roles"] = append(d["roles"].([]obj), r)
	if s.signed[role] == nil {
		s.signed[role] = obj{"_type": "targets", "spec_version": "1.0.31", "version": 0, "expires": s.expires.Format(time.RFC3339), "targets": obj{}}
	}
}

func (s *simulator) addTarget(role, name string, data []byte, hashes ...string) {
	h := obj{}
	for _, alg := range append(hashes, "sha256")[:max(1, len(hashes))] {
		switch alg {
		case "sha256":
			sum := sha256.Sum256(data)
			h[alg] = hex.EncodeToString(sum[:])
		case "sha512":
			sum := sha512.Sum512(data)
			h[alg] = hex.EncodeToString(sum[:])
		default:
			h[alg] = strings.Repeat("ab", 32)
		}
	}
	s.signed[role]["targets"].(obj)[name] = obj{"length": len(data), "hashes": h}
	s.files[name] = data
}

func (s *simulator) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := r.URL.EscapedPath()
	if name, ok := strings.CutPrefix(p, "/targets/"); ok {
		name, _ = url.PathUnescape(name)
		_, file, _ := strings.Cut(path.Base(name), ".")
		name = path.Join(path.Dir(name), file)
		s.got = append(s.got, name)
		if b, ok := s.files[name]; ok {
			_, _ = w.Write(b)
			return
		}
		http.NotFound(w, r)
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(p, "/metadata/"), ".json")
	version := 0
	if v, rest, ok := strings.Cut(name, "."); ok && name != "timestamp" {
		if n, err := strconv.Atoi(v); err == nil {
			name, version = rest, n
		}
	}
	name, _ = url.PathUnescape(name)
	what := name
	if version > 0 {
		what += " " + strconv.Itoa(version)
	}
	s.asked = append(s.asked, what)
	all := s.served[name]
	switch {
	case version == 0 && len(all) > 0:
		_, _ = w.Write(all[len(all)-1])
	case version > 0 && version <= len(all):
		_, _ = w.Write(all[version-1])
	default:
		http.NotFound(w, r)
	}
}

// The client under test, by the command line of the suite.

func (s *simulator) run(args ...string) int {
	a := s.bench.run(append([]string{"trust", "tuf-client", "--metadata-dir", filepath.Join(s.dir, "metadata")}, args...)...)
	if testing.Verbose() && a.code != 0 {
		s.t.Logf("%v: %s", args, strings.TrimSpace(a.stderr))
	}
	return a.code
}

func (s *simulator) initRoot(b []byte) int {
	file := filepath.Join(s.dir, "initial_root.json")
	check(s.t, os.WriteFile(file, b, 0o600))
	return s.run("init", file)
}

func (s *simulator) init() {
	s.t.Helper()
	if s.initRoot(s.served["root"][0]) != 0 {
		s.t.Fatal("init fails")
	}
}

func (s *simulator) refresh(want int) {
	s.t.Helper()
	if got := s.run("--metadata-url", s.url+"/metadata/", "refresh"); got != want {
		s.t.Errorf("refresh: exit code %d, want %d", got, want)
	}
}

func (s *simulator) download(name string, want int) {
	s.t.Helper()
	got := s.run("--metadata-url", s.url+"/metadata", "--target-name", name, "--target-dir", filepath.Join(s.dir, "targets"), "--target-base-url", s.url+"/targets/", "download")
	if got != want {
		s.t.Errorf("download of %s: exit code %d, want %d", name, got, want)
	}
}

// at moves the client's clock.
func (s *simulator) at(days int) {
	s.bench.now = func() time.Time { return today().AddDate(0, 0, days) }
}

// trusted are the roles and versions that the client has come to trust.
func (s *simulator) trusted(want ...string) {
	s.t.Helper()
	all, err := os.ReadDir(filepath.Join(s.dir, "metadata"))
	check(s.t, err)
	var got []string
	for _, e := range all {
		name := strings.TrimSuffix(e.Name(), ".json")
		got = append(got, fmt.Sprintf("%s %d", name, s.has(name)))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("trusted is %q, want %q", got, want)
	}
}

// has is the version of a role that the client trusts; 0: none.
func (s *simulator) has(role string) int {
	b, err := os.ReadFile(filepath.Join(s.dir, "metadata", role+".json"))
	if err != nil {
		return 0
	}
	var doc struct{ Signed struct{ Version int } }
	check(s.t, json.Unmarshal(b, &doc))
	return doc.Signed.Version
}

func (s *simulator) requests(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.asked, want) {
		s.t.Errorf("asked for %q, want %q", s.asked, want)
	}
}

func (s *simulator) last(want string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.asked); n == 0 || s.asked[n-1] != want {
		s.t.Errorf("asked for %q last, want %q", s.asked, want)
	}
}

func (s *simulator) downloaded(name string) string {
	b, err := os.ReadFile(filepath.Join(s.dir, "targets", url.PathEscape(name)))
	if err != nil {
		return ""
	}
	return string(b)
}
