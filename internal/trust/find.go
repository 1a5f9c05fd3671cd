package trust

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Find looks for a target in the top-level role and those that it delegates to,
// depth first, in the order of their delegations (5.6.7). fs.ErrNotExist: no
// role that may name it does.
func (c *Client) Find(ctx context.Context, target string) (*metadata.TargetFiles, error) {
	q, err := quorumOf(&c.root.body, Targets)
	if err != nil {
		return nil, err
	}
	todo, seen := []quorum{q}, map[string]bool{}
	for len(todo) > 0 && len(seen) <= maxDelegations {
		by := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[by.role] {
			continue
		}
		t, err := c.load(ctx, by)
		if err != nil {
			return nil, err
		}
		if f, ok := t.body.Targets[target]; ok {
			return f, nil
		}
		seen[by.role] = true
		children, terminated := delegatesFor(t.body.Delegations, target)
		if terminated {
			todo = nil
		}
		slices.Reverse(children)
		todo = append(todo, children...)
	}
	return nil, fmt.Errorf("target %q: %w", target, fs.ErrNotExist)
}

// delegatesFor are the roles that may name a target, up to one that ends the
// search for others.
func delegatesFor(d *metadata.Delegations, target string) (roles []quorum, terminated bool) {
	if d == nil {
		return nil, false
	}
	if s := d.SuccinctRoles; s != nil {
		for _, r := range s.GetRolesForTarget(target) {
			roles = append(roles, quorum{r.Name, d.Keys, s.KeyIDs, s.Threshold})
		}
		return roles, true
	}
	sum := sha256.Sum256([]byte(target))
	digest := hex.EncodeToString(sum[:])
	for _, r := range d.Roles {
		if slices.ContainsFunc(r.Paths, func(p string) bool { return within(target, p) }) ||
			slices.ContainsFunc(r.PathHashPrefixes, func(p string) bool { return strings.HasPrefix(digest, p) }) {
			roles = append(roles, quorum{r.Name, d.Keys, r.KeyIDs, r.Threshold})
			if r.Terminating {
				return roles, true
			}
		}
	}
	return roles, false
}

// within reports whether a pattern of a delegation, whose wildcards do not go
// across slashes, matches a target (TUF specification 4.5, "PATHPATTERN").
func within(target, pattern string) bool {
	pattern = strings.NewReplacer(`\`, `\\`, `[!`, `[^`).Replace(pattern)
	ok, err := path.Match(pattern, target)
	return ok && err == nil
}

// MatchesTarget is nil where bytes are those of a target: its length, and each of
// its hashes.
func MatchesTarget(name string, f *metadata.TargetFiles, b []byte) error {
	if f.Length != int64(len(b)) {
		return &HashError{name, fmt.Sprintf("%d bytes, where %d are signed", len(b), f.Length)}
	}
	return hashes(name, f.Hashes, b)
}

// Consistent reports whether the repository's files have versions and digests in
// their names.
func (c *Client) Consistent() bool { return c.root.body.ConsistentSnapshot }
