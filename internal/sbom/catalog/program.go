package catalog

import (
	"context"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// programCataloger is what a package says that is a program by itself.
const programCataloger = "program"

// program reads the small text files by which some programs say their version
// without being asked.
func program() Cataloger {
	const limit = 16 << 10
	return Cataloger{
		Name:    programCataloger,
		Version: 1,
		Limit:   limit,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode.IsRegular() && textProgram(p) != nil
		},
		Read: func(_ context.Context, f layer.Input) ([]sbom.Package, error) {
			text, err := io.ReadAll(io.LimitReader(f.Body, limit))
			if err != nil {
				return nil, err
			}
			t := textProgram(f.Path)
			if t == nil {
				return nil, nil
			}
			m := t.re.FindSubmatch(text)
			if m == nil {
				return nil, nil
			}
			return []sbom.Package{{Type: "generic", Name: t.name, Version: string(m[1]), Cataloger: programCataloger}}, nil
		},
	}
}

// programText is a program known by a file of text: the file's name, how its
// folder's name ends, and the version in it.
type programText struct {
	name, base, dir string
	re              *lazyregexp.Regexp
}

var programTexts = []programText{
	{"openjdk", "release", "", lazyregexp.New(`(?m)^JAVA_VERSION="(\d+(?:\.\d+)*(?:_\d+)?)`)},
	{"go", "VERSION", "go", lazyregexp.New(`^go(1\.\d+(?:\.\d+)?(?:(?:rc|beta)\d+)?)`)},
	{"erlang", "OTP_VERSION", "", lazyregexp.New(`^(\d+(?:\.\d+)+)`)},
	{"wordpress", "version.php", "wp-includes", lazyregexp.New(`(?m)^\$wp_version\s*=\s*'(\d+(?:\.\d+)+)'`)},
}

func textProgram(p string) *programText {
	dir, base := path.Split(p)
	for i := range programTexts {
		t := &programTexts[i]
		if base == t.base && (t.dir == "" || path.Base(strings.TrimSuffix(dir, "/")) == t.dir) {
			return t
		}
	}
	return nil
}
