package catalog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/sbom"
)

const gemLimit = 1 << 20

// gemTree finds installed Ruby gems by the specification that RubyGems
// writes beside them. The file is Ruby, and is read as text: what RubyGems
// writes is one literal an attribute.
func gemTree() Cataloger {
	return Cataloger{
		Name: "gem", Version: 3, Limit: gemLimit,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode&fs.ModeSymlink == 0 && strings.HasSuffix(p, ".gemspec") &&
				(strings.Contains("/"+p, "/specifications/") || gemCheckout(p) != "")
		},
		Read:  packagesOf(gemLearn),
		learn: gemLearn,
	}
}

var (
	gemAttribute = lazyregexp.New(`^\s*[a-z_]\w*\.(name|version|license|licenses)\s*=\s*(.*)$`)
	gemNeeds     = lazyregexp.New(`\.add_(?:runtime_)?dependency[ (]\s*(.*)$`)
	gemLiteral   = lazyregexp.New(`"([^"\\#]*)"|'([^'\\]*)'|%q<([^<>\\]*)>`)
)

func gemLearn(_ context.Context, f layer.Input) (facts, error) {
	if f.Truncated(gemLimit) {
		return facts{}, fmt.Errorf("gemspec of %d bytes is over the limit of %d: not read", f.Size, gemLimit)
	}
	var name, version string
	var licenses, needs []string
	s := bufio.NewScanner(f.Body)
	s.Buffer(nil, gemLimit)
	for s.Scan() {
		line := s.Text()
		if m := gemNeeds.FindStringSubmatch(line); m != nil && len(needs) < maxClauses {
			if values := gemLiterals(m[1]); len(values) > 0 && lockWord(values[0]) {
				needs = append(needs, values[0]+" "+strings.Join(values[1:], ", "))
			}
			continue
		}
		if !strings.Contains(line, "=") {
			continue
		}
		m := gemAttribute.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		values := gemLiterals(m[2])
		switch {
		case len(values) == 0:
		case m[1] == "name" && name == "":
			name = values[0]
		case m[1] == "version" && version == "":
			version = values[0]
		case strings.HasPrefix(m[1], "license"):
			licenses = append(licenses, values...)
		}
	}
	if err := s.Err(); err != nil {
		return facts{}, fmt.Errorf("read gemspec: %w", err)
	}
	checkout := gemCheckout(f.Path)
	if !lockWord(name) || strings.Contains(name, "/") || !lockVersion(version) {
		if checkout != "" {
			return facts{}, fmt.Errorf("the gem of the repository %s computes its version: it is not listed", checkout)
		}
		return facts{}, errors.New("gemspec without a literal name and version")
	}
	p := lockPackage("gem", "gem", name, version, "", 0)
	if checkout != "" {
		p.Origin = lockOrigin("git:" + checkout)
	}
	slices.Sort(licenses)
	p.Licenses = slices.Compact(licenses)
	return facts{packages: []sbom.Package{p}, manifests: []manifest{{needs: needs}}}, nil
}

// gemCheckout is the repository and revision that bundler has put a gem from, by the
// folder: bundler/gems/NAME-REVISION/NAME.gemspec. Empty: the gem is from elsewhere.
func gemCheckout(p string) string {
	dir := path.Dir(p)
	if path.Base(dir)+".gemspec" == path.Base(p) && strings.HasSuffix("/"+path.Dir(path.Dir(dir)), "/bundler/gems") {
		dir = path.Dir(dir) // one of several gems of a repository
	}
	i := strings.LastIndexByte(dir, '-')
	if i < 0 || !strings.HasSuffix("/"+path.Dir(dir), "/bundler/gems") {
		return ""
	}
	revision := dir[i+1:]
	if len(revision) < 7 || strings.Trim(revision, "0123456789abcdef") != "" {
		return ""
	}
	return path.Base(dir[:i]) + "#" + revision
}

func gemLiterals(s string) []string {
	var out []string
	for _, m := range gemLiteral.FindAllStringSubmatch(s, 32) {
		if v := m[1] + m[2] + m[3]; v != "" {
			out = append(out, v)
		}
	}
	return out
}
