package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// memory is a registry of one repository without a compare-and-swap. Every answer
// takes a while, so that writers interleave.
type memory struct {
	mu    sync.Mutex
	blobs map[finding.Digest][]byte
	tags  map[string][]byte
	slow  time.Duration
	write func(what string) error // asked before each write; nil: allowed
}

func newMemory() *memory {
	return &memory{blobs: map[finding.Digest][]byte{}, tags: map[string][]byte{}}
}

func (m *memory) wait() {
	if m.slow > 0 {
		time.Sleep(rand.N(m.slow))
	}
}

func (m *memory) AllTags(context.Context) ([]string, error) {
	m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for t := range m.tags {
		out = append(out, t)
	}
	return out, nil
}

func (m *memory) Blob(_ context.Context, d finding.Digest, limit int64) ([]byte, error) {
	m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[d]
	if !ok {
		return nil, fs.ErrNotExist
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return b, nil
}

func (m *memory) Manifest(_ context.Context, ref string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t, b := range m.tags {
		if t == ref || string(finding.DigestOf(b)) == ref {
			return b, "application/vnd.oci.image.manifest.v1+json", nil
		}
	}
	return nil, "", fs.ErrNotExist
}

func (m *memory) may(what string) error {
	m.wait()
	if m.write == nil {
		return nil
	}
	return m.write(what)
}

func (m *memory) PutBlob(_ context.Context, b []byte) (finding.Digest, error) {
	if err := m.may("blob"); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d := finding.DigestOf(b)
	m.blobs[d] = b
	return d, nil
}

func (m *memory) PutManifest(_ context.Context, ref, _ string, b []byte) error {
	if err := m.may(ref); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var in struct {
		Config struct{ Digest finding.Digest }
		Layers []struct{ Digest finding.Digest }
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	for _, d := range append([]struct{ Digest finding.Digest }{in.Config}, in.Layers...) {
		if _, ok := m.blobs[d.Digest]; !ok {
			return fmt.Errorf("no blob %s", d.Digest)
		}
	}
	m.tags[ref] = b
	return nil
}

func (m *memory) DeleteManifest(_ context.Context, d finding.Digest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t, b := range m.tags {
		if finding.DigestOf(b) == d {
			delete(m.tags, t)
		}
	}
	return nil
}

func (m *memory) DeleteTag(_ context.Context, tag string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tags, tag)
	return nil
}

func (m *memory) Close() {}

// ring is private keys in memory.
type ring map[string]trust.Signer

func (r ring) Has(id string) bool { return r[id] != nil }

func (r ring) Signer(id string) (trust.Signer, error) {
	if r[id] == nil {
		return nil, fmt.Errorf("no key %s", id)
	}
	return r[id], nil
}

func (r ring) add(kind trust.KeyType) trust.Key {
	p, err := trust.GenerateKey(kind)
	if err != nil {
		panic(err)
	}
	r[p.Key().ID()] = p
	return p.Key()
}

var _ store.Remote = (*memory)(nil)
