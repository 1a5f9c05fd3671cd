package repair

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// once leaves out what was said before.
func once(said []string) []string {
	var out []string
	for _, s := range said {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// write puts what changed in place of what was read.
func (f *fixer) write(files []fix.File) error {
	var edits []fix.Rewrite
	root := ""
	for _, x := range files {
		edits = append(edits, fix.Rewrite{File: x.Name, Base: finding.DigestOf(x.Before), New: x.After})
		dir, err := filepath.Abs(filepath.Dir(x.Name))
		if err != nil {
			return err
		}
		root = ancestor(root, dir)
	}
	if f.opt.Context != "" {
		dir, err := filepath.Abs(f.opt.Context)
		if err != nil {
			return err
		}
		root = ancestor(root, dir)
	}
	if err := fix.Write(root, edits, disk.Options{User: disk.Caller(f.Getenv), Record: f.Ledger}); err != nil {
		return err
	}
	for i := range files {
		files[i].Written = true
	}
	return nil
}

// ancestor is the folder that both are in; an empty one is in any.
func ancestor(a, b string) string {
	for a != "" && a != b && !strings.HasPrefix(b, strings.TrimSuffix(a, string(filepath.Separator))+string(filepath.Separator)) {
		up := filepath.Dir(a)
		if up == a {
			return a
		}
		a = up
	}
	return cmp.Or(a, b)
}
