package notary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// shelf keeps repositories in a folder. Documents lie under their digests and are
// never changed; one small file, replaced by a rename, says which of them are the
// repository. A kill at any instant leaves the state before or the state after.
type shelf struct {
	dir  string
	user disk.User

	mu   sync.Mutex // of the maps of locks
	busy map[string]*sync.Mutex
}

// contents is the file that says what a repository is.
type contents struct {
	GUN     string            `json:"gun"`
	Current map[string]string `json:"current"` // role → digest of its document
	Roots   map[string]string `json:"roots"`   // version → digest
	Recent  []string          `json:"recent"`  // digests that readers may still ask for
	Keys    []storedKey       `json:"keys"`    // the server's own
}

// storedKey is one of the server's keys: the newest of a role comes last.
type storedKey struct {
	Role    string `json:"role"`
	Private string `json:"private"` // PEM
}

const (
	keepRecent      = 64
	maxRepositories = 10_000
	maxOwnKeys      = 64
	// maxContents limits the bytes of the file that says which documents of the Notary v1 server
	// count.
	maxContents  = 4 << 20
	contentsFile = "repository.json"
)

func (s *shelf) folder(gun string) string {
	return filepath.Join(s.dir, "repositories", finding.DigestOf([]byte(gun)).Hex())
}

func (s *shelf) load(gun string) (*contents, error) {
	name := filepath.Join(s.folder(gun), contentsFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &contents{GUN: gun, Current: map[string]string{}, Roots: map[string]string{}}, nil
	}
	if err != nil {
		return nil, err
	}
	var c contents
	if err := json.Unmarshal(b, &c); err != nil || c.GUN != gun || len(b) > maxContents {
		return nil, fmt.Errorf("%s cannot be read", name)
	}
	return &c, nil
}

func (s *shelf) doc(gun, digest string) ([]byte, error) {
	if strings.Trim(digest, "0123456789abcdef") != "" || len(digest) != 64 {
		return nil, fs.ErrNotExist
	}
	b, err := os.ReadFile(filepath.Join(s.folder(gun), digest+".json"))
	if err == nil && finding.DigestOf(b).Hex() != digest {
		err = fmt.Errorf("document %s of %s is damaged", digest[:12], gun)
	}
	return b, err
}

// state is the repository as it is now.
func (s *shelf) state(c *contents) (State, error) {
	st := State{}
	for role, digest := range c.Current {
		b, err := s.doc(c.GUN, digest)
		if err != nil {
			return nil, err
		}
		st[role] = b
	}
	return st, nil
}

// alone runs do while nobody else changes a repository.
func (s *shelf) alone(gun string, do func() error) error {
	if _, err := os.Stat(s.folder(gun)); errors.Is(err, fs.ErrNotExist) && s.count() >= maxRepositories {
		return &InvalidError{"INVALID_UPDATE", "ErrValidation", "the server has as many repositories as it may"}
	}
	s.mu.Lock()
	if s.busy == nil {
		s.busy = map[string]*sync.Mutex{}
	}
	m := s.busy[gun]
	if m == nil {
		m = &sync.Mutex{}
		s.busy[gun] = m
	}
	s.mu.Unlock()
	m.Lock()
	defer m.Unlock()
	if err := s.user.MkdirAll(s.folder(gun), 0o700); err != nil {
		return err
	}
	return disk.Alone(filepath.Join(s.folder(gun), contentsFile), s.user, do)
}

// put makes a state the repository's: the documents first, then what names them.
func (s *shelf) put(c *contents, next State) error {
	dir := s.folder(c.GUN)
	now := map[string]string{}
	for role, b := range next {
		digest := finding.DigestOf(b).Hex()
		now[role] = digest
		if c.Current[role] == digest {
			continue
		}
		if err := disk.WriteFile(filepath.Join(dir, digest+".json"), b, disk.Options{Mode: 0o600, User: s.user}); err != nil {
			return err
		}
		if role == trust.Root {
			d, err := decode[rootBody](role, b)
			if err != nil {
				return err
			}
			c.Roots[strconv.FormatInt(d.body.Version, 10)] = digest
		}
		if old := c.Current[role]; old != "" {
			c.Recent = append(slices.DeleteFunc(c.Recent, func(d string) bool { return d == old }), old)
		}
	}
	c.Current = now
	c.Recent = c.Recent[max(0, len(c.Recent)-keepRecent):]
	if err := s.save(c); err != nil {
		return err
	}
	s.sweep(c)
	return nil
}

func (s *shelf) save(c *contents) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return disk.WriteFile(filepath.Join(s.folder(c.GUN), contentsFile), b, disk.Options{Mode: 0o600, Exact: true, User: s.user})
}

// sweep removes documents that nothing names any more, and what a kill left.
func (s *shelf) sweep(c *contents) {
	dir := s.folder(c.GUN)
	disk.Sweep(dir, "")
	named := map[string]bool{contentsFile: true}
	for _, set := range [][]string{slices.Collect(maps.Values(c.Current)), slices.Collect(maps.Values(c.Roots)), c.Recent} {
		for _, d := range set {
			named[d+".json"] = true
		}
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range all {
		if !named[e.Name()] && strings.HasSuffix(e.Name(), ".json") {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next writer tries again
		}
	}
}

// count is how many repositories there are.
func (s *shelf) count() int {
	all, err := os.ReadDir(filepath.Join(s.dir, "repositories"))
	if err != nil {
		return 0
	}
	return len(all)
}
