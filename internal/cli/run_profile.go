package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// known is the profile that is known for an image, with the file of its filter.
type known struct {
	*confine.Profile
	filter string // empty: the Engine's own
}

// known finds the profile: a file of the user's, or what the image or its registry
// says of it, which may only take away from the hardened defaults.
func (x *running) known(cmd *cobra.Command, name string, im runtime.Image) (known, error) {
	if x.profile != "" {
		return x.fromFile(x.profile, name, im)
	}
	dir := confine.Folder(name)
	if x.ours(dir, im) {
		fmt.Fprintf(x.env.Stderr, "note: under the profile in %s\n", foreign(dir))
		return x.fromFile(dir, name, im)
	}
	own, signers, err := x.signed(cmd.Context(), name, im)
	if err != nil {
		return known{}, err
	}
	if own != nil {
		return x.fromSigner(own, signers)
	}
	by, from, err := x.stranger(cmd.Context(), name, im)
	if err != nil {
		return known{}, err
	}
	p := confine.Hardened()
	if by == nil {
		fmt.Fprintf(x.env.Stderr, "note: nothing is known of what %s needs; hardened defaults apply\nhint: drydock observe %s -o seen.json\n",
			foreign(name), foreign(name))
		return known{p, ""}, nil
	}
	p, leftOut := p.Narrow(by)
	for _, what := range leftOut {
		fmt.Fprintf(x.env.Stderr, "note: the profile %s asks for %s, which it cannot give\n", from, foreign(what))
	}
	k := known{Profile: p}
	if p.Seccomp != nil {
		if k.filter, err = x.keep(p); err != nil {
			return k, err
		}
	}
	return k, nil
}

// fromFile reads a profile of the user's.
func (x *running) fromFile(name, ref string, im runtime.Image) (known, error) {
	g, _, err := readProfile(name)
	if err != nil {
		return known{}, err
	}
	if g.Profile == nil {
		filter, err := filepath.Abs(name)
		return known{confine.Hardened(), filter}, err
	}
	k := known{Profile: g.Profile}
	if g.Profile.Image.ID != im.ID {
		fmt.Fprintf(x.env.Stderr, "warning: the profile is of another version of %s: what it needs may have changed\n", foreign(ref))
	}
	if g.Profile.Seccomp == nil {
		return k, nil
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		name = filepath.Dir(name)
	}
	if k.filter, err = filepath.Abs(filepath.Join(name, "seccomp.json")); err != nil {
		return k, err
	}
	if _, err := os.Stat(k.filter); err != nil {
		return k, finding.WithHint(fmt.Errorf("the profile's filter: %w", err), "keep seccomp.json beside profile.json")
	}
	return k, nil
}

// ours reports whether a folder here holds a profile of this very image, and nobody
// else could have put it there.
func (x *running) ours(dir string, im runtime.Image) bool {
	g, _, err := readProfile(dir)
	if err != nil || g.Profile == nil || g.Profile.Image.ID != im.ID {
		return false
	}
	if err := disk.Caller(x.env.Getenv).Private(dir); err != nil {
		fmt.Fprintf(x.env.Stderr, "warning: the profile in %s is not used: %v\n", foreign(dir), err)
		return false
	}
	return true
}

// askWithin is how long a registry has to say whether a profile is attached.
const askWithin = 10 * time.Second

// stranger is the profile that the image's label has, or that is attached to it in
// its registry; nil: there is none. from says which.
func (x *running) stranger(ctx context.Context, name string, im runtime.Image) (by *confine.Profile, from string, err error) {
	if label, ok := im.Labels[confine.Label]; ok {
		if by, err = confine.Read([]byte(label)); err != nil {
			return nil, "", fmt.Errorf("label %s of %s: %w", confine.Label, name, err)
		}
		return by, "in the image's label", nil
	}
	for _, ref := range im.Digests {
		n, err := image.ParseName(ref)
		if err != nil || n.Digest == "" || x.offline {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		r, err := image.Connect(ctx, n.Repository, false, x.images())
		if err == nil {
			by, err = confine.Attached(ctx, r, n.Digest)
			r.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(x.env.Stderr, "note: whether a profile is attached to %s is not known: %s\n", foreign(ref), foreign(err.Error()))
		}
		return by, "attached in the registry", nil
	}
	return nil, "", nil
}
