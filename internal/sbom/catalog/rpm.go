package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// rpm reads the RPM database in its three forms: Berkeley DB (Packages), rpm's
// own (Packages.db) and SQLite (rpmdb.sqlite).
func rpm() Cataloger {
	return Cataloger{
		Name:    "rpm",
		Version: 3,
		Limit:   layer.Stream,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode.IsRegular() && size > 0 && isRPM(strings.TrimSuffix(p, walSuffix))
		},
		Read:  packagesOf(learnRPM),
		learn: learnRPM,
	}
}

// maxRPM limits the bytes of an RPM database. The largest of a full workstation are a third of it.
const maxRPM = 512 << 20

// walSuffix is of a file beside an SQLite database with what was not yet
// written back to it.
const walSuffix = "-wal"

// isRPM reports whether a path is where distributions keep the database.
func isRPM(p string) bool {
	dir, base := "", p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		dir, base = p[:i], p[i+1:]
	}
	switch base {
	case "Packages", "Packages.db", "rpmdb.sqlite":
		return dir == "var/lib/rpm" || dir == "usr/lib/sysimage/rpm" || dir == "usr/share/rpm"
	}
	return false
}

func learnRPM(ctx context.Context, f layer.Input) (facts, error) { return readRPM(ctx, f, worthOwning) }

// readRPM takes note of the owned files that are worth it, by their names.
func readRPM(ctx context.Context, f layer.Input, worth func(base []byte) bool) (facts, error) {
	if strings.HasSuffix(f.Path, walSuffix) {
		return facts{}, errors.New("changes that were not yet written back to the database are not read")
	}
	if f.Size > maxRPM {
		return facts{}, fmt.Errorf("%w: %d bytes", errTooLarge, f.Size)
	}
	db, err := spool(f.Body, maxRPM)
	if err != nil {
		return facts{}, err
	}
	defer db.close()
	var got facts
	var bad, n int
	var graph rpmGraph
	var first error
	err = rpmHeaders(db, func(blob []byte) error {
		if n++; n > maxPackages {
			return fmt.Errorf("more than %d packages", maxPackages)
		}
		h, err := parseRPMHeader(blob)
		if err != nil {
			bad++
			first = cmpError(first, err)
			return ctx.Err()
		}
		p := h.pkg()
		if p.Name == "gpg-pubkey" { // a trusted key that rpm keeps among the packages
			return ctx.Err()
		}
		o := h.owner(p, worth)
		graph.add(int32(len(got.packages)), p.Name, h, o.paths)
		got.packages = append(got.packages, p)
		if len(o.paths) > 0 {
			got.owners = append(got.owners, o)
		}
		return ctx.Err()
	})
	if len(got.packages) > 0 {
		got.graph = graph.join()
	}
	if bad > 0 {
		err = errors.Join(err, fmt.Errorf("%d of its packages could not be read: %w", bad, first))
	}
	return got, err
}

func cmpError(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

// pkg is the package that a header describes.
func (h rpmHeader) pkg() sbom.Package {
	p := sbom.Package{
		Type:      "rpm",
		Name:      h.name,
		Version:   h.version,
		Module:    sbom.ModuleStream(h.module),
		Vendor:    oneLine(h.vendor),
		Arch:      h.arch,
		Licenses:  declared(h.license),
		Cataloger: "rpm",
	}
	if h.release != "" {
		p.Version += "-" + h.release
	}
	// "openssl-3.0.7-24.el9.src.rpm": neither version nor release has a dash.
	if base, ok := strings.CutSuffix(h.source, ".rpm"); ok {
		base = base[:max(0, strings.LastIndexByte(base, '.'))] // .src or .nosrc
		if i := strings.LastIndexByte(base, '-'); i > 0 {
			if k := strings.LastIndexByte(base[:i], '-'); k > 0 {
				p.Source, p.SourceVersion = base[:k], base[k+1:]
			}
		}
	}
	if p.SourceVersion == p.Version { // said of the same build, the epoch is the same
		p.SourceVersion = ""
	}
	if p.Source == p.Name {
		p.Source = ""
	}
	if h.epoch != 0 {
		p.Version = strconv.FormatUint(uint64(h.epoch), 10) + ":" + p.Version
	}
	return p
}

// oneLine is a text that a package's maker wrote, fit to be shown; "" if it is
// none.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if !utf8.ValidString(s) || len(s) > maxName || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return ""
	}
	return s
}

func (h rpmHeader) owner(p sbom.Package, worth func(base []byte) bool) owner {
	o := owner{name: p.Name, arch: p.Arch, version: p.Version}
	h.files(func(dir, base []byte) {
		if len(base) > 0 && worth(base) {
			o.paths = o.paths.add(dir, base)
		}
	})
	return o
}

// spooled is a stream made readable at any place: in memory while it is small,
// else in a temporary file that no one but this process ever sees.
type spooled struct {
	io.ReaderAt
	size int64
	file *os.File
}

const spoolMemory = 4 << 20

// spool reads r to its end; more than limit bytes is an error.
func spool(r io.Reader, limit int64) (*spooled, error) {
	head, err := io.ReadAll(io.LimitReader(r, spoolMemory+1))
	if err != nil {
		return nil, err
	}
	if len(head) <= spoolMemory {
		return &spooled{ReaderAt: bytes.NewReader(head), size: int64(len(head))}, nil
	}
	f, err := ledger.Unnamed("") // nothing is left behind even by a kill
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s := &spooled{ReaderAt: f, file: f}
	s.size, err = io.Copy(f, io.MultiReader(bytes.NewReader(head), io.LimitReader(r, limit+1-int64(len(head)))))
	if err == nil && s.size > limit {
		err = errTooLarge
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("spool: %w", err)
	}
	return s, nil
}

func (s *spooled) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}
