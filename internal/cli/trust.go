package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// trustFlags is what the verbs of trust take beside the global ones.
type trustFlags struct {
	*flags
	words  passphrases
	root   string
	settle time.Duration
	begin  bool   // a repository without trust metadata is begun, as docker trust does
	notary string // the address of a Notary v1 server
}

func newTrust(f *flags) *cobra.Command {
	t := &trustFlags{flags: f, words: passphrases{fd: -1}}
	c := &cobra.Command{
		Use:   "trust",
		Short: "Who signed exactly these bytes, is it fresh: key, init, signer, sign, verify",
		Long: `Sign images, and verify who signed exactly the bytes that a registry serves. The
signatures lie in the registry itself, as a TUF repository: keys are rotated and
revoked, old states are told from new ones, and no server stands beside it.

Exit codes of "verify": 0 verified, 2 refused, 1 it could not be found out.
Passphrases are asked for, or taken from --passphrase-fd, DRYDOCK_TRUST_PASSPHRASE
or DRYDOCK_TRUST_PASSPHRASE_FILE. Keys and pinned roots lie in the data folder,
under trust.`,
	}
	s := c.PersistentFlags()
	s.IntVar(&t.words.fd, "passphrase-fd", -1, "read the passphrase from the open file `DESCRIPTOR`")
	s.StringVar(&t.root, "root", "", "trust the root in `FILE`, instead of the first one that the registry shows")
	s.BoolVar(&t.begin, "begin", false, "begin a repository that has no trust metadata when it is first signed or given a signer")
	s.DurationVar(&t.settle, "settle", 0, "wait so `LONG` between two looks: for a registry whose list of tags lags behind (10s)")
	c.AddCommand(
		newTrustKey(t), newTrustInit(t), newTrustSigner(t), newTrustSign(t), newTrustInspect(t), newTrustVerify(t), newTrustRevoke(t),
		newTrustStatus(t), newTrustRefresh(t), newTrustRotate(t), newTrustBundle(t), newTrustAttest(t), newTrustForget(t), newTrustRoot(t),
		newTrustServe(t), newTrustMigrate(t), newTrustFile(t), newTUFClient(t),
	)
	return c
}

// folder is where keys and pins lie.
func (t *trustFlags) folder() (string, error) {
	if t.database() == "" {
		return "", errNowhere("keys and pinned roots")
	}
	return filepath.Join(t.database(), "trust"), nil
}

func (t *trustFlags) ring() (*keyring.Ring, error) {
	dir, err := t.folder()
	if err != nil {
		return nil, err
	}
	t.words.env = t.env
	return &keyring.Ring{Dir: dir, User: disk.Caller(t.env.Getenv), Passphrase: t.words.ask}, nil
}

func (t *trustFlags) pins() (keyring.Pins, error) {
	dir, err := t.folder()
	return keyring.Pins{Dir: dir, User: disk.Caller(t.env.Getenv)}, err
}

// images is how registries and Engines are asked for images.
func (f *flags) images() image.Options {
	return image.Options{
		InsecureRegistries: f.insecure, Offline: f.offline, Log: f.logger(), Getenv: f.env.Getenv, Now: f.env.Now,
		Dial: f.env.Dial, Notice: f.notice(), Platform: f.platform,
	}
}

// named is an image's name with its repository, as a user gives it.
func named(arg string) (image.Name, error) {
	n, err := image.ParseName(arg)
	if err != nil {
		return n, usageError{err, "name an image as docker push does: REGISTRY/REPOSITORY:TAG"}
	}
	return n, nil
}

// session connects to a repository, to write if asked for.
func (t *trustFlags) session(ctx context.Context, n image.Name, write bool) (*store.Session, error) {
	ring, err := t.ring()
	if err != nil {
		return nil, err
	}
	r, err := store.Open(ctx, n.Repository, write, t.images())
	if err != nil {
		return nil, err
	}
	r.Settle = t.settle
	s := &store.Session{Repository: r, Ring: ring, Pins: keyring.Pins{Dir: ring.Dir, User: ring.User}, Pinned: t.firstUse}
	if t.root != "" {
		b, err := readSmall(t.root, trust.MaxRoot)
		if err == nil {
			err = s.Take(b)
		}
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("--root %s: %w", t.root, err)
		}
	}
	return s, nil
}

// firstUse says aloud that a root is trusted because nothing else was known.
func (t *trustFlags) firstUse(p *keyring.Pin, keys []trust.Key) {
	fmt.Fprintf(t.env.Stderr, "first use: the root of %s is trusted from now on\n", foreign(p.Repository))
	for _, k := range keys {
		fmt.Fprintf(t.env.Stderr, "  root key %s\n", k.ID())
	}
	fmt.Fprintln(t.env.Stderr, "  compare it with what the repository's owner says; --root FILE trusts a root that you were given")
}

// page is how reports of trust and gate are printed.
func (f *flags) page(to sink) report.Options {
	return report.Options{Tool: f.env.Version, Now: f.env.Now(), Width: cmp.Or(f.env.Width, 120), Color: to.color}
}

// say prints what was done, as text or as JSON.
func (t *trustFlags) say(facts map[string]any, text string, args ...any) error {
	return t.write(func(to sink) error { return report.Facts(to, to.format, facts, fmt.Sprintf(text, args...), t.page(to)) })
}

// closing ends a session after its work.
func closing(s *store.Session, err error) error {
	s.Close()
	return err
}
