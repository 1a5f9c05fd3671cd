package minify

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom/installed"
)

// maxDatabase limits the bytes of a package database that minify rewrites.
const maxDatabase = 256 << 20

// isDatabase reports whether a file is one that lists packages or their files.
func isDatabase(p string) bool {
	switch p {
	case "var/lib/dpkg/status", "var/lib/dpkg/available", "var/lib/apt/extended_states", "lib/apk/db/installed", "usr/lib/apk/db/installed", "etc/apk/world":
		return true
	}
	rest, ok := strings.CutPrefix(p, "var/lib/dpkg/")
	if !ok {
		return false
	}
	ext := path.Ext(rest)
	return strings.HasPrefix(rest, "info/") && (ext == ".list" || ext == ".md5sums") || strings.HasPrefix(rest, "status.d/") && ext == ".md5sums"
}

// databases reads them.
func (j *job) databases(ctx context.Context) (map[string][]byte, error) {
	out := map[string][]byte{}
	total := int64(0)
	for i, rec := range j.scan.Records {
		wanted := false
		for _, e := range rec.Entries {
			n, ok := j.scan.Tree.Lookup(e.Path)
			wanted = wanted || ok && n.Layer == i && e.Kind == layer.File && isDatabase(e.Path)
		}
		if !wanted {
			continue
		}
		err := j.im.Each(ctx, i, func(p string, h *tar.Header, body io.Reader) error {
			n, ok := j.scan.Tree.Lookup(p)
			if !ok || n.Layer != i || h.Typeflag != tar.TypeReg || !isDatabase(p) {
				return nil
			}
			if total += h.Size; total > maxDatabase {
				return fmt.Errorf("the package databases are larger than %d bytes: %w", maxDatabase, layer.ErrLimit)
			}
			b, err := io.ReadAll(body)
			out[p] = b
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rewritten are the databases without what is not there any more. One that says the same
// as before is left as it is.
func (j *job) rewritten() map[string][]byte {
	fate := map[[2]string]keep.Fate{}
	name := map[string]bool{} // of those of which something stays
	for _, p := range j.set.Packages {
		fate[[2]string{p.Name, p.Arch}] = p.Fate
		name[p.Name] = name[p.Name] || p.Fate != keep.Removed
	}
	known := map[string]bool{}
	for _, p := range j.set.Packages {
		known[p.Name] = true
	}
	gone := func(n, arch string) bool {
		if f, ok := fate[[2]string{n, arch}]; ok {
			return f == keep.Removed
		}
		return known[n] && !name[n]
	}
	out := map[string][]byte{}
	for p, b := range j.files {
		var after []byte
		switch path.Ext(p) {
		case ".list":
			after = installed.DpkgList(b, j.stays)
		case ".md5sums":
			after = installed.DpkgSums(b, j.stays)
		default:
			switch path.Base(p) {
			case "installed":
				after = installed.APK(b, func(n, _ string) bool { return known[n] && !name[n] }, j.stays)
			case "world":
				after = installed.World(b, func(n string) bool { return known[n] && !name[n] })
			default:
				after = installed.DpkgStatus(b, gone)
			}
		}
		if len(after) != len(b) {
			out[p] = after
		}
	}
	return out
}

// stays reports whether a path that a list names is still there. One that was not there
// before, in documentation that was never installed, is left as it is.
func (j *job) stays(p string) bool {
	if p == "" {
		return true
	}
	dir, base := path.Split(p)
	at, _, err := j.scan.Tree.Resolve(dir)
	if err != nil && dir != "" {
		return true
	}
	p = path.Join(at, base)
	if _, ok := j.scan.Tree.Lookup(p); !ok {
		return true
	}
	return j.set.Keeps(p)
}
