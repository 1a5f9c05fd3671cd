package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// rpmListPath is the list of packages that Azure Linux' distroless images have in
// place of RPM's database.
const rpmListPath = "var/lib/rpmmanifest/container-manifest-2"

// rpmList reads a list that rpm printed: a line per package of name,
// version-release, times of installation and build, vendor, epoch, size,
// architecture, epoch as a number, and source rpm, separated by tabs.
func rpmList() Cataloger {
	return Cataloger{
		Name:    "rpm-list",
		Version: 1,
		Limit:   layer.Stream,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return p == rpmListPath && mode.IsRegular()
		},
		Read: readRPMList,
	}
}

// The columns of the list.
const (
	listName = iota
	listVersion
	_
	_
	listVendor
	_
	_
	listArch
	listEpoch
	listSource
	listColumns
)

func readRPMList(_ context.Context, f layer.Input) ([]sbom.Package, error) {
	var out []sbom.Package
	var bad badLines
	err := eachLine(f.Body, maxText, func(line []byte) {
		bad.at++
		if len(line) == 0 {
			return
		}
		col := bytes.Split(line, []byte("\t"))
		if len(col) < listColumns {
			bad.add()
			return
		}
		version, release, ok := bytes.Cut(col[listVersion], []byte("-"))
		epoch, err := strconv.ParseUint(string(col[listEpoch]), 10, 32)
		if !ok || len(col[listName]) == 0 || len(version) == 0 || err != nil {
			bad.add()
			return
		}
		if len(out) < maxPackages {
			out = append(out, rpmHeader{
				name: string(col[listName]), version: string(version), release: string(release), epoch: uint32(epoch),
				vendor: told(col[listVendor]), arch: told(col[listArch]), source: told(col[listSource]),
			}.pkg())
		}
	})
	if len(out) == maxPackages {
		err = errors.Join(err, fmt.Errorf("more than %d packages", maxPackages))
	}
	return out, errors.Join(bad.err(), err)
}

// told is a column's text; rpm prints "(none)" for nothing.
func told(col []byte) string {
	if string(col) == "(none)" {
		return ""
	}
	return string(col)
}
