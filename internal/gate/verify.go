package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// Verifier finds out what a policy asks for from registries, and keeps what it came to
// trust. It never trusts on first use: roots are the policy's.
type Verifier struct {
	Dir    string // where it keeps that; empty: nowhere
	User   disk.User
	Images image.Options
	Now    func() time.Time

	Pins func(repository string) (root []byte, err error)                                  // that are pinned on this machine; nil: none
	Scan func(ctx context.Context, s admission.Subject) ([]admission.Vulnerability, error) // nil: it cannot be found out
	Base func(ctx context.Context, s admission.Subject) ([]admission.Base, error)

	mu    sync.Mutex
	repos map[string]*known
	proof sync.Map // proven manifests by a configuration's digest, and signatures by manifest
}

// known is what is known of one repository.
type known struct {
	mu    sync.Mutex
	kept  kept
	view  *trust.View
	asked time.Time // when the registry was asked last, with or without an answer
	err   error     // why it did not answer
}

// kept is what survives of it.
type kept struct {
	Repository string         `json:"repository"`
	Root       finding.Digest `json:"root"` // that the policy names
	Verified   time.Time      `json:"verified"`
	State      trust.State    `json:"state"`
}

func (v *Verifier) of(repository string) *known {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.repos == nil {
		v.repos = map[string]*known{}
	}
	if v.repos[repository] == nil {
		v.repos[repository] = &known{}
	}
	return v.repos[repository]
}

// askFor is how long a registry may take where something is known already.
const askFor = 3 * time.Second

// Version implements [Facts].
func (v *Verifier) Version(repository string, f admission.Freshness) (string, bool) {
	k := v.of(repository)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.view == nil || k.err != nil || v.Now().Sub(k.asked) >= f.RecheckAfter() {
		return "", false
	}
	return version(k.view), true
}

func version(v *trust.View) string {
	root, _ := v.Role(trust.Root)
	top, _ := v.Role(trust.Timestamp)
	return fmt.Sprintf("%d.%d", root.Version, top.Version)
}

// Trust implements [admission.Facts].
func (v *Verifier) Trust(ctx context.Context, repository string, root []byte, f admission.Freshness) (admission.Seen, error) {
	k := v.of(repository)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := v.load(k, repository, root); err != nil {
		return admission.Seen{}, err
	}
	if k.view != nil && v.Now().Sub(k.asked) < f.RecheckAfter() {
		if err := k.holds(v.Now()); err != nil {
			return admission.Seen{}, err
		}
		return admission.Seen{View: k.view, Verified: k.kept.Verified, Failure: k.err}, nil
	}
	limit := ctx
	if k.view != nil {
		var stop context.CancelFunc
		limit, stop = context.WithTimeout(ctx, askFor)
		defer stop()
	}
	view, err := v.ask(limit, k)
	k.asked = v.Now()
	if _, refused := trust.Refused(err); refused {
		k.view, k.err = nil, nil
		return admission.Seen{}, err
	}
	if k.err = err; err == nil {
		k.view, k.kept.Verified = view, v.Now()
		return admission.Seen{View: view, Verified: k.kept.Verified}, v.save(k)
	}
	if ctx.Err() != nil && k.view == nil {
		return admission.Seen{}, ctx.Err()
	}
	if k.view == nil {
		if k.kept.Verified.IsZero() {
			return admission.Seen{}, err
		}
		b := trust.Bundle{Roots: [][]byte{k.kept.State[trust.Root]}, Roles: k.kept.State}
		if view, err = b.Open(ctx, maps.Clone(k.kept.State), v.Now(), 0); err != nil {
			return admission.Seen{}, err
		}
		k.view = view
	}
	return admission.Seen{View: k.view, Verified: k.kept.Verified, Failure: k.err}, k.holds(v.Now())
}

// holds is an error once a document of what is known has expired.
func (k *known) holds(now time.Time) error {
	for _, r := range k.view.Roles {
		if !r.Expires.IsZero() && !now.Before(r.Expires) {
			return &trust.ExpiredError{Role: r.Role, At: r.Expires}
		}
	}
	return nil
}

func (v *Verifier) ask(ctx context.Context, k *known) (*trust.View, error) {
	opt := v.Images
	opt.Now = v.Now
	r, err := store.Open(ctx, k.kept.Repository, false, opt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.View(ctx, k.kept.State)
}

// load takes in what another process kept, where it is of the root that the policy names.
func (v *Verifier) load(k *known, repository string, root []byte) error {
	want := finding.DigestOf(root)
	if k.kept.Root != want {
		k.view, k.asked = nil, time.Time{}
		k.kept = kept{Repository: repository, Root: want, State: trust.State{trust.Root: root}}
	}
	if v.Dir == "" || k.view != nil {
		return nil
	}
	var old kept
	b, err := v.read(repository)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &old)
	}
	if err != nil {
		return fmt.Errorf("what is known of %s: %w", repository, err)
	}
	if old.Repository == repository && old.Root == want && old.State[trust.Root] != nil && !k.kept.State.Newer(old.State) {
		k.kept = old
	}
	return nil
}

func (v *Verifier) file(repository string) string {
	return filepath.Join(v.Dir, finding.DigestOf([]byte(repository)).Hex()+".json")
}

// maxKept limits the bytes of the state that the gate keeps of a repository.
const maxKept = 64 << 20

func (v *Verifier) read(repository string) ([]byte, error) {
	name := v.file(repository)
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxKept {
		return nil, fmt.Errorf("%s has more than %d MiB", name, maxKept>>20)
	}
	if err := v.User.Private(name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

func (v *Verifier) save(k *known) error {
	if v.Dir == "" {
		return nil
	}
	b, err := json.Marshal(k.kept)
	if err != nil {
		return err
	}
	name := v.file(k.kept.Repository)
	return disk.Alone(name, v.User, func() error {
		disk.Sweep(v.Dir, filepath.Base(name))
		return disk.WriteFile(name, b, disk.Options{Mode: 0o600, Exact: true, User: v.User})
	})
}

// Tag implements [Facts].
func (v *Verifier) Tag(ctx context.Context, repository, tag string) (finding.Digest, error) {
	m, err := image.Connect(ctx, repository, false, v.Images)
	if err != nil {
		return "", err
	}
	defer m.Close()
	b, _, err := m.Manifest(ctx, tag)
	if err != nil {
		return "", err
	}
	return finding.DigestOf(b), nil
}

// Manifests implements [admission.Facts].
func (v *Verifier) Manifests(ctx context.Context, s admission.Subject) ([]finding.Digest, error) {
	if !s.Config {
		return []finding.Digest{s.Digest}, nil
	}
	key := "config " + s.Name.Repository + " " + string(s.Digest)
	if all, ok := v.proof.Load(key); ok {
		return all.([]finding.Digest), nil
	}
	m, err := image.Connect(ctx, s.Name.Repository, false, v.Images)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	var out []finding.Digest
	hints := make([]string, 0, len(s.Hints)+1)
	for _, d := range s.Hints {
		hints = append(hints, string(d))
	}
	if s.Name.Tag != "" {
		hints = append(hints, s.Name.Tag)
	}
	for _, ref := range hints {
		all, err := m.Resolve(ctx, ref)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Config == s.Digest && r.Attests == "" {
				out = append(out, all[0].Digest, r.Digest)
			}
		}
	}
	if len(out) > 0 {
		v.proof.Store(key, out)
	}
	return out, nil
}

// Pinned implements [admission.Facts].
func (v *Verifier) Pinned(repository string) ([]byte, error) {
	if v.Pins == nil {
		return nil, nil
	}
	return v.Pins(repository)
}

// marked are the signatures on a manifest, and when that was found out.
type marked struct {
	scheme.Marks
	at time.Time
}

// Marks implements [admission.Facts].
func (v *Verifier) Marks(ctx context.Context, repository string, d finding.Digest, who scheme.Who) (scheme.Marks, error) {
	key := "signed " + repository + " " + string(d) + " " + who.ID()
	old, found := v.proof.Load(key)
	if found && v.Now().Sub(old.(marked).at) < (admission.Freshness{}).RecheckAfter() {
		return old.(marked).Marks, nil
	}
	now, err := v.marks(ctx, repository, d, who)
	if err != nil {
		if found && v.Now().Sub(old.(marked).at) < admission.RefuseAfter {
			return old.(marked).Marks, nil
		}
		return now, err
	}
	if len(now.By) > 0 {
		v.proof.Store(key, marked{now, v.Now()})
	}
	return now, nil
}

func (v *Verifier) marks(ctx context.Context, repository string, d finding.Digest, who scheme.Who) (scheme.Marks, error) {
	opt := v.Images
	opt.Now = v.Now
	r, err := store.Open(ctx, repository, false, opt)
	if err != nil {
		return scheme.Marks{}, err
	}
	defer r.Close()
	s := store.Session{Repository: r}
	return s.Marks(ctx, d, who)
}

// Vulnerabilities implements [admission.Facts].
func (v *Verifier) Vulnerabilities(ctx context.Context, s admission.Subject) ([]admission.Vulnerability, error) {
	if v.Scan == nil {
		return nil, errors.New("vulnerabilities are not looked for here")
	}
	return v.Scan(ctx, s)
}

// Bases implements [admission.Facts].
func (v *Verifier) Bases(ctx context.Context, s admission.Subject) ([]admission.Base, error) {
	if v.Base == nil {
		return nil, errors.New("bases are not looked for here")
	}
	return v.Base(ctx, s)
}

// Age is how old what is known of a repository is.
type Age struct {
	Repository string    `json:"repository"`
	Verified   time.Time `json:"verified"`
	Expires    time.Time `json:"expires"` // of the first document that does
}

// Ages are those of all that is kept.
func (v *Verifier) Ages() ([]Age, error) {
	files, err := os.ReadDir(v.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Age
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".json" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(v.Dir, f.Name()))
		if err != nil {
			return nil, err
		}
		var k kept
		if err := json.Unmarshal(b, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		a := Age{Repository: k.Repository, Verified: k.Verified}
		for _, doc := range k.State {
			if e := trust.ExpiresIn(doc); !e.IsZero() && (a.Expires.IsZero() || e.Before(a.Expires)) {
				a.Expires = e
			}
		}
		out = append(out, a)
	}
	return out, nil
}
