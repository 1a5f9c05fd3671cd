package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Role is what a key is kept for.
type Role string

// The roles. One key may serve several; this is what it was made for.
const (
	Root    Role = "root"    // signs who may sign: best kept offline
	Targets Role = "targets" // signs who the signers of one repository are
	Signer  Role = "signer"  // signs images
	Online  Role = "online"  // signs snapshots and timestamps, day by day
)

// Entry is one key, as far as anybody may see it.
type Entry struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Role       Role      `json:"role"`
	Repository string    `json:"repository,omitempty"` // of a targets or online key that is for one only
	Online     string    `json:"online,omitempty"`     // of a signer: the id of the online key that goes with it
	Public     string    `json:"public"`               // PEM
	Created    time.Time `json:"created"`
	Locked     bool      `json:"locked"` // under a passphrase
}

// Key is the public key.
func (e Entry) Key() (trust.Key, error) {
	keys, err := trust.PublicKeys([]byte(e.Public))
	if err != nil {
		return trust.Key{}, fmt.Errorf("key %s: %w", e.Name, err)
	}
	if keys[0].ID() != e.ID {
		return trust.Key{}, fmt.Errorf("key %s: its file holds another key", e.Name)
	}
	return keys[0], nil
}

// Ring is the private keys of a folder. The zero value has none.
type Ring struct {
	Dir  string
	User disk.User

	// Passphrase asks for the passphrase of a key. For a new one it is asked for
	// twice. After a wrong answer it is asked again, up to three times in all.
	Passphrase func(what string, fresh bool) ([]byte, error)

	opened map[string]trust.Signer
	words  [][]byte // that opened a key before: most people have one for all
}

func (r *Ring) folder() string { return filepath.Join(r.Dir, "keys") }

// List is every key, by role and name.
func (r *Ring) List() ([]Entry, error) {
	if r.Dir == "" {
		return nil, nil
	}
	names, err := os.ReadDir(r.folder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := r.User.Private(r.folder()); err != nil {
		return nil, fmt.Errorf("the keys are not used: %w", err)
	}
	var out []Entry
	for _, n := range names {
		id, ok := strings.CutSuffix(n.Name(), ".json")
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(r.folder(), n.Name()))
		if err != nil {
			return nil, err
		}
		var e Entry
		if err := json.Unmarshal(b, &e); err != nil || e.ID != id {
			return nil, fmt.Errorf("key %s: its file cannot be read", id)
		}
		out = append(out, e)
	}
	order := []Role{Root, Targets, Signer, Online}
	sorting.By(out, func(a, b Entry) int {
		if a.Role != b.Role {
			return slices.Index(order, a.Role) - slices.Index(order, b.Role)
		}
		return strings.Compare(a.Name+"\n"+a.Repository+"\n"+a.ID, b.Name+"\n"+b.Repository+"\n"+b.ID)
	})
	return out, nil
}

// AbsentError is a key that is not here.
type AbsentError struct{ What string }

func (e *AbsentError) Error() string { return "no key " + e.What + " is here" }

// Hint says which are.
func (*AbsentError) Hint() string {
	return "drydock trust key list shows the keys that are here; drydock trust key load FILE takes one in"
}

// Find is the key of an id, the beginning of one, or a name. Several are an error.
func (r *Ring) Find(what string, roles ...Role) (Entry, error) {
	all, err := r.List()
	if err != nil {
		return Entry{}, err
	}
	var out []Entry
	for _, e := range all {
		named := e.ID == what || e.Name == what || len(what) >= 7 && strings.HasPrefix(e.ID, what)
		if named && (len(roles) == 0 || slices.Contains(roles, e.Role)) {
			out = append(out, e)
		}
	}
	if len(out) > 1 { // a signer's online key is called as he is, and is what nobody means
		if main := slices.DeleteFunc(slices.Clone(out), func(e Entry) bool { return e.Role == Online }); len(main) == 1 {
			out = main
		}
	}
	switch len(out) {
	case 0:
		return Entry{}, &AbsentError{what}
	case 1:
		return out[0], nil
	}
	var ids []string
	for _, e := range out {
		ids = append(ids, e.ID[:12]+" ("+string(e.Role)+")")
	}
	return Entry{}, finding.WithHint(fmt.Errorf("%d keys are called %s", len(out), what), "name one by its id: "+strings.Join(ids, ", "))
}

// Has reports whether a key of this id is here.
func (r *Ring) Has(id string) bool {
	if r.opened[id] != nil {
		return true
	}
	if r.Dir == "" || !isID(id) {
		return false
	}
	_, err := os.Stat(filepath.Join(r.folder(), id+".pem"))
	return err == nil
}

func isID(id string) bool { return len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" }

// Use lends the ring a key that lies elsewhere, for this run.
func (r *Ring) Use(s trust.Signer) {
	if r.opened == nil {
		r.opened = map[string]trust.Signer{}
	}
	r.opened[s.Key().ID()] = s
}

// Signer opens a key.
func (r *Ring) Signer(id string) (trust.Signer, error) {
	if s := r.opened[id]; s != nil {
		return s, nil
	}
	p, err := r.open(id)
	if err != nil {
		return nil, err
	}
	r.Use(p)
	return p, nil
}

func (r *Ring) open(id string) (trust.Private, error) {
	e, err := r.Find(id)
	if err != nil {
		return trust.Private{}, err
	}
	b, err := os.ReadFile(filepath.Join(r.folder(), id+".pem"))
	if err != nil {
		return trust.Private{}, err
	}
	p, err := r.Unlock(b, fmt.Sprintf("%s key %s (%s)", e.Role, e.Name, id[:12]))
	if err != nil {
		return p, fmt.Errorf("%s key %s: %w", e.Role, e.Name, err)
	}
	if p.Key().ID() != id {
		return p, fmt.Errorf("%s key %s: its file holds another key", e.Role, e.Name)
	}
	return p, nil
}

const passphraseTries = 3

// Unlock opens a key file, with a passphrase that opened another before or one
// that is asked for.
func (r *Ring) Unlock(b []byte, what string) (trust.Private, error) {
	f, err := trust.ParseKeyFile(b)
	if err != nil {
		return trust.Private{}, err
	}
	if !f.Locked {
		return f.Open(nil)
	}
	for _, w := range r.words {
		p, err := f.Open(func() ([]byte, error) { return w, nil })
		if !errors.Is(err, trust.ErrPassphrase) {
			return p, err
		}
	}
	if r.Passphrase == nil {
		return trust.Private{}, trust.ErrLocked
	}
	var last []byte
	for try := 1; ; try++ {
		word, err := r.Passphrase(what, false)
		if err != nil {
			return trust.Private{}, err
		}
		p, err := f.Open(func() ([]byte, error) { return word, nil })
		switch {
		case err == nil:
			r.words = append(r.words, word)
			return p, nil
		case !errors.Is(err, trust.ErrPassphrase) || try == passphraseTries || bytes.Equal(word, last):
			return trust.Private{}, err // the same answer again is a variable's
		}
		last = word
	}
}

// Fresh is the passphrase for new keys. It is asked for once in a run.
func (r *Ring) Fresh(what string) ([]byte, error) {
	if len(r.words) > 0 {
		return r.words[len(r.words)-1], nil
	}
	if r.Passphrase == nil {
		return nil, trust.ErrLocked
	}
	word, err := r.Passphrase(what, true)
	if err != nil {
		return nil, err
	}
	if len(word) == 0 {
		return nil, errors.New("an empty passphrase protects nothing")
	}
	r.words = append(r.words, word)
	return word, nil
}

// Add keeps a private key, under a passphrase unless e.Locked is false. One that
// is here already stays as it is.
func (r *Ring) Add(p trust.Private, e Entry) (Entry, error) {
	if r.Dir == "" {
		return Entry{}, errors.New("there is no folder to keep keys in")
	}
	e.ID, e.Public = p.Key().ID(), string(p.Key().PEM())
	if old, err := r.Find(e.ID); err == nil {
		return old, nil
	}
	var sealed []byte
	var err error
	if e.Locked {
		word, werr := r.Fresh("new " + string(e.Role) + " key " + e.Name)
		if werr != nil {
			return Entry{}, werr
		}
		sealed, err = p.Seal(word, nil)
	} else {
		sealed, err = p.Plain(nil)
	}
	if err != nil {
		return Entry{}, err
	}
	meta, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return Entry{}, err
	}
	if err := r.User.MkdirAll(r.folder(), 0o700); err != nil {
		return Entry{}, err
	}
	if err := r.User.Private(r.folder()); err != nil {
		return Entry{}, err
	}
	opt := disk.Options{Mode: 0o600, Exact: true, User: r.User}
	if err := disk.WriteFile(filepath.Join(r.folder(), e.ID+".pem"), sealed, opt); err != nil {
		return Entry{}, err
	}
	if err := disk.WriteFile(filepath.Join(r.folder(), e.ID+".json"), append(meta, '\n'), opt); err != nil {
		return Entry{}, err
	}
	r.Use(p)
	return e, nil
}

// Remove deletes a key for good.
func (r *Ring) Remove(id string) error {
	e, err := r.Find(id)
	if err != nil {
		return err
	}
	delete(r.opened, e.ID)
	return errors.Join(os.Remove(filepath.Join(r.folder(), e.ID+".json")), os.Remove(filepath.Join(r.folder(), e.ID+".pem")))
}

// Private opens a key to hand it out: to another program's format.
func (r *Ring) Private(id string) (trust.Private, error) { return r.open(id) }

// PublicFile is what others are given of a key: its public half in PEM, and after
// it that of the online key that goes with it.
func (r *Ring) PublicFile(e Entry) ([]byte, error) {
	out := []byte(e.Public)
	if e.Online != "" {
		o, err := r.Find(e.Online)
		if err != nil {
			return nil, err
		}
		out = append(out, o.Public...)
	}
	return out, nil
}
