package catalog

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Reads reports whether a file, by its name or first bytes, is of a kind that
// [FromFile] looks into: a lock file, a manifest, a program, an archive of Java, of
// Python or of NuGet, or what a package manager leaves beside what it installs.
func Reads(name string) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	_, p := fileRoot(name)
	if condaEnvironment().Wants(p) && !condaFile(name) {
		return false // another program's environment
	}
	return fileListed(p) || fileInstalled(name, info) || isProgram(name)
}

// FromFile is the inventory of one file. A manifest is read with the lock file
// beside it. What is of no kind that is known has no packages.
func FromFile(ctx context.Context, name string, subject finding.Subject) (*sbom.Inventory, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	dir, p := fileRoot(name)
	if fileListed(p) {
		return fileLocks(ctx, dir, p, subject)
	}
	inv := &sbom.Inventory{Subject: subject}
	if strings.EqualFold(path.Ext(p), nugetArchive) || zipEnding(name) == nugetArchive {
		g, err := nugetFile(name, filepath.Base(name))
		if err != nil {
			inv.Unknown = append(inv.Unknown, finding.Unknown{Subject: subject, What: "packages of " + filepath.Base(name), Why: err.Error()})
			return inv, nil
		}
		inv.Packages = append(inv.Packages, *g)
		return inv, nil
	}
	rec, err := fileRecord(ctx, name, info)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	records := []*layer.Record{rec}
	scan := &image.Scan{Image: &image.Image{Kind: "rootfs"}, Records: records, Tree: image.BuildTree(records)}
	got, err := FromScan(ctx, scan, subject)
	if err != nil {
		return nil, err
	}
	inv.Packages, inv.Components, inv.Graph = got.Packages, got.Components, got.Graph
	whole := "/" + fileEntry(name)
	for i := range inv.Packages {
		g := &inv.Packages[i]
		g.Layer, g.LayerIndex = "", -1
		for k := range g.Locations {
			g.Locations[k].Layer = ""
			g.Locations[k].Path = filepath.Base(name) + strings.TrimPrefix(g.Locations[k].Path, whole)
		}
	}
	for i := range inv.Components {
		c := &inv.Components[i]
		c.Path = strings.Replace(c.Path, whole, filepath.Base(name), 1)
	}
	for _, u := range got.Unknown {
		u.What = strings.Replace(u.What, whole, filepath.Base(name), 1)
		inv.Unknown = append(inv.Unknown, u)
	}
	return inv, nil
}

// fileRoot is the folder that a file is read from, and its path there: some lock
// files are known by their folder's name too.
func fileRoot(name string) (dir, p string) {
	dir, base := filepath.Dir(name), filepath.Base(name)
	if abs, err := filepath.Abs(name); err == nil && !lockWanted(base) {
		if within := filepath.Base(filepath.Dir(abs)); lockWanted(within + "/" + base) {
			return filepath.Join(dir, ".."), within + "/" + base
		}
	}
	return dir, base
}

func lockWanted(p string) bool {
	return slices.ContainsFunc(lockParsers(), func(q lockParser) bool { return q.Wants(p) })
}

// Lists reports whether a file, by its name, lists packages that are not in it: a
// lock file or a manifest. One that lists none is empty, and no more is to say.
func Lists(name string) bool {
	_, p := fileRoot(name)
	return fileListed(p)
}

func fileListed(p string) bool {
	return lockWanted(p) || dirManifestOf(slices.Concat(dirManifests(), dirUnread()), p) != nil
}

// fileInstalled reports whether a cataloger knows the file by its name.
func fileInstalled(name string, info fs.FileInfo) bool {
	entry := fileEntry(name)
	if strings.EqualFold(path.Ext(entry), nugetArchive) {
		return true
	}
	return slices.ContainsFunc(Catalogers(), func(c Cataloger) bool {
		return c.Name != binary().Name && c.Wants(entry, info.Mode(), info.Size())
	})
}

// isProgram goes by a file's first bytes: ELF, PE, Mach-O.
func isProgram(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return false
	}
	for _, magic := range []string{
		"\x7fELF", "MZ", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// fileLocks reads a lock file or a manifest as the folder's only one.
func fileLocks(ctx context.Context, dir, p string, subject finding.Subject) (*sbom.Inventory, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read folder %s: %w", dir, err)
	}
	defer func() { _ = root.Close() }()
	w := newDirWalk(root, subject)
	w.file(p)
	for _, m := range w.manifests {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, lock := range m.kind.locks {
			lock = path.Join(path.Dir(m.path), lock)
			if info, err := root.Stat(lock); err == nil && info.Mode().IsRegular() {
				w.parse(lock, 0)
			}
		}
		w.manifest(m)
	}
	if path.Base(p) == "package.json" {
		w.itself(p)
	}
	for i := range w.inv.Packages {
		for k := range w.inv.Packages[i].Locations {
			at := &w.inv.Packages[i].Locations[k]
			at.Path = strings.TrimPrefix(at.Path, path.Dir(p)+"/") // as seen from the file's folder
		}
	}
	for i := range w.inv.Components {
		c := &w.inv.Components[i]
		c.Path = strings.TrimPrefix(c.Path, path.Dir(p)+"/")
	}
	w.inv.Merge()
	return w.inv, nil
}

// itself takes in the package that a package.json describes.
func (w *dirWalk) itself(p string) {
	body, err := w.body(p)
	if err != nil {
		return // the manifest says so
	}
	m, err := npmParse(body)
	if err != nil || !npmName(m.name) || !lockVersion(m.version) {
		return
	}
	g := lockPackage("npm", "npm", m.name, m.version, p, 1)
	g.Licenses, g.Origin = m.licenses, m.origin
	w.inv.Packages = append(w.inv.Packages, g)
}

// fileEntry is what a file is called in the layer that is made of it: a part of
// what the catalogers know, they know by the folder, and a zip archive by its ending.
func fileEntry(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	entry := strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(name, filepath.VolumeName(name))), "/")
	for _, db := range databases {
		for _, f := range db.files {
			if strings.HasSuffix(entry, "/"+f) {
				return f // of a root file system that lies in a folder
			}
		}
	}
	return entry + zipEnding(name)
}

// fileRecord is a layer's record of a file alone.
func fileRecord(ctx context.Context, name string, info fs.FileInfo) (*layer.Record, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	var head bytes.Buffer
	mode := int64(info.Mode().Perm())
	if isProgram(name) {
		mode |= 0o100
	}
	err = tar.NewWriter(&head).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: fileEntry(name), Size: info.Size(), Mode: mode, Format: tar.FormatPAX,
	})
	if err != nil {
		return nil, err
	}
	const block = 512
	end := make([]byte, 2*block+(block-info.Size()%block)%block)
	rec, err := layer.Read(ctx, io.MultiReader(&head, &exactly{f, info.Size()}, bytes.NewReader(end)),
		layer.Want{Name: filepath.Base(name)}, Analyzers(), layer.Limits{})
	var le *layer.Error
	if errors.As(err, &le) {
		err = le.Err
	}
	return rec, err
}

// exactly reads n bytes: a file that has become shorter meanwhile is an error, and
// what it has grown by is left.
type exactly struct {
	r io.Reader
	n int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.n)])
	if e.n -= int64(n); errors.Is(err, io.EOF) {
		if err = nil; e.n > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}
