package notary

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

const gun = "registry.example.com/me/app"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func digest(text string) finding.Digest { return finding.DigestOf([]byte(text)) }

// yard is a server of ours, and people who sign on it.
type yard struct {
	t      *testing.T
	now    time.Time
	server *Server
	web    *Web
}

func newYard(t *testing.T) *yard {
	y := &yard{t: t, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	y.server = NewServer(t.TempDir(), disk.User{}, slog.New(slog.DiscardHandler))
	y.server.Now = func() time.Time { return y.now }
	s := httptest.NewTLSServer(y.server)
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	must(t, err)
	y.web = &Web{Server: at, GUN: gun, Client: s.Client()}
	return y
}

// person is a folder of Docker's of somebody's own.
func (y *yard) person() *Writer {
	f := Folder{Dir: y.t.TempDir(), Passphrase: func(string, string, bool) ([]byte, error) { return []byte("secret words"), nil }}
	return &Writer{Client: &Client{GUN: gun, Source: y.web, Now: y.now, State: State{}}, Web: y.web, Keys: opened{f, map[string]trust.Signer{}}, Folder: f}
}

// opened asks for no passphrase twice.
type opened struct {
	Folder
	by map[string]trust.Signer
}

func (o opened) Signer(k trust.Key, role string) (trust.Signer, error) {
	id := KeyID(k)
	s, err := o.by[id], error(nil)
	if s == nil {
		s, err = o.Folder.Signer(k, role)
		o.by[id] = s
	}
	return s, err
}

// signerKey makes a signer's key in a person's folder.
func (y *yard) signerKey(w *Writer, name string) trust.Key {
	p, err := w.Folder.fresh(name, "")
	must(y.t, err)
	return p.Key()
}

func (y *yard) sign(w *Writer, tag, text string) error {
	_, err := w.Change(y.t.Context(), true, func(d *Draft) error {
		roles, err := d.Signable("")
		if err != nil {
			return err
		}
		return d.Sign(tag, digest(text), 5, roles)
	})
	return err
}

func (y *yard) addSigner(admin *Writer, name string, k trust.Key) {
	y.t.Helper()
	_, err := admin.Change(y.t.Context(), true, func(d *Draft) error { return d.AddSigner(name, []trust.Key{k}) })
	must(y.t, err)
}

// stored is what the server has.
func (y *yard) stored() State {
	c, err := y.server.shelf.load(gun)
	must(y.t, err)
	st, err := y.server.shelf.state(c)
	must(y.t, err)
	return st
}

// served is a source of documents in memory, by role and by digest.
type served struct {
	docs  State
	roots map[string][]byte // "2.root"
	err   error
}

func (s served) Get(_ context.Context, name string, _ int64) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if b, ok := s.roots[name]; ok {
		return b, nil
	}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		for role, b := range s.docs {
			if role == name[:i] {
				return b, nil // whatever digest is asked for: a hostile server's
			}
		}
	}
	if b, ok := s.docs[name]; ok {
		return b, nil
	}
	return nil, io.ErrUnexpectedEOF
}

func (y *yard) reader(src Source, st State) *Client {
	return &Client{GUN: gun, State: maps.Clone(st), Source: src, Now: y.now}
}

// altered is a document whose signed part is changed, with the signatures as they
// were.
func altered(t testing.TB, b []byte, change func(map[string]any)) []byte {
	t.Helper()
	var d map[string]any
	must(t, json.Unmarshal(b, &d))
	change(d["signed"].(map[string]any))
	out, err := json.Marshal(d)
	must(t, err)
	return out
}

func diskUser() disk.User { return disk.User{} }

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
