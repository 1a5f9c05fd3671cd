package rules

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// cacheFloor is what a cache has to hold to be worth a word, bytes.
const cacheFloor = 1 << 20

// cache is where a package manager keeps what it fetched. A path that begins
// with ~ is below any home.
type cache struct {
	manager string
	dirs    []string
	aliases []string
	fix     string
}

var caches = []cache{
	{"apt", []string{"var/lib/apt/lists", "var/cache/apt"}, []string{"DKL-DI-0005", "DL3009"}, "End the RUN with rm -rf /var/lib/apt/lists/* /var/cache/apt, or mount both as caches"},
	{"apk", []string{"var/cache/apk", "etc/apk/cache"}, []string{"DKL-DI-0004", "DL3019"}, "apk add --no-cache"},
	{"dnf", []string{"var/cache/dnf", "var/cache/yum", "var/cache/libdnf5"}, []string{"DL3032", "DL3040"}, "End the RUN with dnf clean all"},
	{"zypper", []string{"var/cache/zypp"}, []string{"DL3036"}, "End the RUN with zypper clean"},
	{"pip", []string{"~/.cache/pip"}, []string{"DL3042"}, "pip install --no-cache-dir"},
	{"npm", []string{"~/.npm/_cacache"}, []string{"DKL-LI-0003"}, "RUN --mount=type=cache,target=/root/.npm npm ci"},
	{"yarn", []string{"usr/local/share/.cache/yarn", "~/.cache/yarn", "~/.yarn/berry/cache"}, []string{"DL3060"}, "End the RUN with yarn cache clean"},
	{"go", []string{"~/.cache/go-build"}, nil, "Build in a stage of its own"},
	{"composer", []string{"~/.composer/cache", "~/.cache/composer"}, nil, "composer install --no-cache"},
	{"gradle", []string{"~/.gradle/caches"}, nil, "Build in a stage of its own"},
	{"cargo", []string{"~/.cargo/registry/cache"}, nil, "Build in a stage of its own"},
}

func packageCache() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/package-manager-cache",
			Title:    "A package manager's cache is left in the image",
			Practice: finding.Layering,
			Severity: finding.Low,
			Aliases:  []string{"DKL-DI-0004", "DKL-DI-0005", "DL3009", "DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060", "DKL-LI-0003"},
			Why: "What a package manager fetched and has unpacked is of no use in a container, makes the image larger, and goes stale. It has to " +
				"go in the step that brought it: a later rm hides it and saves nothing. Less than 1 MiB is not reported.",
			Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get install -y curl\n",
			Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
		},
		Run: func(_ context.Context, p *pass) error {
			homes := homesOf(p.Input)
			for _, c := range caches {
				var bytes int64
				var where []finding.Location
				for _, dir := range c.in(homes) {
					n, loc := held(p.Input, dir)
					if n > 0 {
						bytes += n
						where = append(where, loc)
					}
				}
				if bytes < cacheFloor {
					continue
				}
				p.Report(finding.Finding{
					Key:     c.manager,
					Aliases: slices.Concat([]string{}, c.aliases),
					Message: fmt.Sprintf("%s's cache is left in the image: %s", c.manager, megabytes(bytes)),
					At:      where,
					Fixes:   []finding.Fix{{Title: c.fix}},
				})
			}
			return nil
		},
	}
}

func (c cache) in(homes []string) []string {
	var out []string
	for _, d := range c.dirs {
		rest, ok := strings.CutPrefix(d, "~/")
		if !ok {
			out = append(out, d)
			continue
		}
		for _, h := range homes {
			out = append(out, h+"/"+rest)
		}
	}
	return out
}

// homesOf are the home directories that the image has.
func homesOf(s *scan) []string {
	homes := map[string]bool{"root": true}
	s.Tree.Under("home", func(path string, _ image.Node) bool {
		if parts := strings.SplitN(path, "/", 3); len(parts) > 1 && len(homes) < 100 {
			homes["home/"+parts[1]] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(homes))
}

// held is how many bytes lie below a directory, and where most of them come
// from.
func held(s *scan, dir string) (total int64, where finding.Location) {
	by := map[int]int64{}
	s.Tree.Under(dir, func(_ string, n image.Node) bool {
		if n.Entry.Kind == layer.File {
			total += n.Entry.Size
			by[n.Layer] += n.Entry.Size
		}
		return true
	})
	if total == 0 {
		return 0, finding.Location{}
	}
	most := slices.MaxFunc(slices.Sorted(maps.Keys(by)), func(a, b int) int { return cmp.Or(cmp.Compare(by[a], by[b]), cmp.Compare(b, a)) })
	return total, at(s, most, dir)
}

func shellHistory() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/shell-history",
			Title:    "Somebody's command history is in the image",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"DKL-LI-0003"},
			Why: "A history file says that the image was made by hand, with docker commit or by copying a home directory, and holds what was typed: " +
				"addresses, names, now and then a password.",
			Bad:  "FROM debian:13-slim\nCOPY <<EOF /root/.bash_history\nmysql -h db.internal\nEOF\n",
			Good: "FROM debian:13-slim\nCOPY <<EOF /root/.bashrc\nset -o vi\nEOF\n",
		},
		Run: func(_ context.Context, p *pass) error {
			for _, e := range visible(p.Input, func(e *layer.Entry) bool {
				return e.Kind == layer.File && e.Size > 0 && strings.HasSuffix(e.Path, "_history") && slices.Contains(histories, e.Path[strings.LastIndexByte(e.Path, '/')+1:])
			}) {
				p.Report(finding.Finding{
					Key:     "/" + e.Path,
					Message: fmt.Sprintf("/%s holds what somebody typed", e.Path),
					At:      []finding.Location{at(p.Input, e.layer, e.Path)},
				})
			}
			return nil
		},
	}
}

var histories = []string{
	".bash_history", ".ash_history", ".sh_history", ".zsh_history", ".fish_history", ".python_history", ".node_repl_history", ".mysql_history",
	".psql_history", ".sqlite_history", ".irb_history", ".rediscli_history", ".ksh_history", ".history",
}

// repository reports whether a path is the file that makes its directory one.
func repository(path string) bool {
	if path == "" {
		return false
	}
	switch path[len(path)-1] { // most paths end here
	case 'D':
		return strings.HasSuffix(path, ".git/HEAD")
	case 'b':
		return strings.HasSuffix(path, ".svn/wc.db")
	case 'i':
		return strings.HasSuffix(path, ".hg/00changelog.i")
	}
	return false
}

func versionControl() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/version-control",
			Title:    "A repository's history is in the image",
			Practice: finding.Layering,
			Severity: finding.Medium,
			Aliases:  []string{"DKL-LI-0003"},
			Why: "A .git directory is every version of every file, what was removed for good reasons included, and the address it was cloned " +
				"from. It is often larger than the program. List it in .dockerignore.",
			Bad:  "FROM debian:13-slim\nCOPY <<EOF /app/.git/HEAD\nref: refs/heads/main\nEOF\n",
			Good: "FROM debian:13-slim\nCOPY <<EOF /app/main.py\nprint(1)\nEOF\n",
		},
		Run: func(_ context.Context, p *pass) error {
			for _, e := range visible(p.Input, func(e *layer.Entry) bool {
				return e.Kind == layer.File && repository(e.Path)
			}) {
				dir, _ := split(e.Path)
				n, _ := held(p.Input, dir)
				p.Report(finding.Finding{
					Key:     "/" + dir,
					Message: fmt.Sprintf("/%s is a repository with its history: %s", dir, megabytes(n)),
					At:      []finding.Location{at(p.Input, e.layer, dir)},
				})
			}
			return nil
		},
	}
}
