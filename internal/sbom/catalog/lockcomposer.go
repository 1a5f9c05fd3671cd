package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// composerTree finds installed PHP packages by Composer's own list of them,
// vendor/composer/installed.json: a bare array from Composer 1, an object from
// Composer 2.
func composerTree() Cataloger {
	return Cataloger{
		Name: "composer", Version: 7, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode&fs.ModeSymlink == 0 && strings.HasSuffix("/"+p, "/composer/installed.json")
		},
		Read:  packagesOf(composerLearn),
		learn: composerLearn,
	}
}

func composerLearn(_ context.Context, f layer.Input) (facts, error) {
	body, err := lockBody(f, layer.MaxBuffer)
	if err != nil {
		return facts{}, err
	}
	c := composerList{j: newLockJSON(body), cataloger: "composer"}
	if err := c.installed(); err != nil {
		return facts{}, err
	}
	return facts{packages: c.r.Packages, graph: c.graph.join().told()}, c.problem()
}

// composerInstalled reads the same file in a folder.
func composerInstalled(w *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(body)
	lines := newLockLines(j.b)
	c := composerList{j: j, cataloger: "composer-installed", path: file, lines: &lines}
	if err := c.installed(); err != nil {
		return lockResult{}, err
	}
	r := c.told()
	composerProject(w, path.Join(path.Dir(file), "../../composer.json"), file, &r)
	return r, nil
}

func (c *composerList) installed() error {
	j := c.j
	var err error
	if j.kind() == '[' {
		if err = c.read(false); err == nil {
			err = j.end()
		}
	} else {
		err = j.document(func(key []byte, _ int) error {
			switch string(key) {
			case "packages":
				return c.read(false)
			case "dev-package-names":
				return j.array(func() error {
					s, err := j.str()
					c.dev = append(c.dev, s)
					return err
				})
			}
			return j.skip()
		})
	}
	c.fromRepositories()
	dev := make(map[string]bool, len(c.dev))
	for _, name := range c.dev {
		dev[name] = true
	}
	for i := range c.r.Packages {
		p := &c.r.Packages[i]
		p.Dev = dev[p.Namespace+"/"+p.Name]
	}
	return err
}

// problem is what entries could not be read.
func (c *composerList) problem() error {
	if len(c.r.Unknown) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", lockSee(c.r.Unknown), c.r.Why)
}

// composerLock reads composer.lock.
func composerLock() lockParser {
	return lockParser{Name: "composer-lock", Wants: lockNamed("composer.lock"), Read: composerLockRead, Roots: composerRoots}
}

func composerLockRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	j := newLockJSON(body)
	lines := newLockLines(j.b)
	c := composerList{j: j, cataloger: "composer-lock", path: file, lines: &lines}
	some := false
	err := j.document(func(key []byte, _ int) error {
		switch string(key) {
		case "packages":
			some = true
			return c.read(false)
		case "packages-dev":
			some = true
			return c.read(true)
		}
		return j.skip()
	})
	if err == nil && !some {
		err = errors.New("not a lock file of composer: it has no packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	c.fromRepositories()
	return c.told(), nil
}

// composerList reads lists of packages in Composer's form.
type composerList struct {
	j               *lockJSON
	cataloger, path string     // no path: an image's
	lines           *lockLines // nil: no line numbers
	r               lockResult
	repositories    []composerFrom
	notified        bool // packages name where their downloads are counted
	dev             []string
	graph           lockJoin
}

// told is what was read of a file, with its graph.
func (c *composerList) told() lockResult {
	c.r.graph, c.r.at = c.graph.join(), c.graph.at
	return c.r
}

// composerRoots takes from the composer.json beside a lock file what the project
// depends on.
func composerRoots(w besides, file string, r *lockResult) {
	composerProject(w, path.Join(path.Dir(file), "composer.json"), file, r)
}

func composerProject(w besides, manifest, file string, r *lockResult) {
	body, err := w.body(manifest)
	if err != nil {
		return
	}
	var name, version string
	var needs, dev []string
	c := composerList{j: newLockJSON(body)}
	err = c.j.document(func(key []byte, _ int) (err error) {
		switch string(key) {
		case "name":
			name, err = c.j.str()
		case "version":
			version, err = c.j.str()
		case "require":
			err = c.names(&needs)
		case "require-dev":
			err = c.names(&dev)
		default:
			err = c.j.skip()
		}
		return err
	})
	if err != nil || len(needs)+len(dev) == 0 {
		return
	}
	n := r.graph.project(name, version, file, "")
	project := &r.graph.nodes[n]
	project.needs, project.dev = r.called(needs, "as "), r.called(dev, "as ")
}

func (c *composerList) read(dev bool) error {
	j := c.j
	return j.elements("packages", func() error {
		if c.r.full() || len(c.dev) > maxPackages {
			return errLockMany
		}
		at := j.i
		var name, version, origin, repository, typ, url, commit string
		published := false
		var needs, stands []string
		var licenses []string
		err := j.object(func(key []byte, _ int) (err error) {
			switch string(key) {
			case "name":
				name, err = j.str()
			case "version":
				version, err = j.str()
			case "dist":
				typ, url, _, err = c.from()
				if typ == "path" {
					origin = "file:" + url
				}
			case "source":
				if typ, url, commit, err = c.from(); typ == "git" || typ == "hg" || typ == "svn" {
					repository = typ + "+" + url + "#" + commit
				}
			case "notification-url":
				published, c.notified = true, true
				err = j.skip()
			case "license":
				err = npmLicenses(j, &licenses)
			case "require":
				err = c.names(&needs)
			case "replace", "provide":
				err = c.names(&stands)
			default:
				err = j.skip()
			}
			return err
		})
		if err != nil {
			return err
		}
		line := 0
		if c.lines != nil {
			line = c.lines.at(at)
		}
		var n int32
		if lockWord(name) && composerVersion(version) {
			n = c.graph.node(len(c.r.Packages))
		} else {
			c.r.odd(name, line)
			n = c.graph.unlisted(name, c.path)
		}
		c.graph.call(n, strings.ToLower(name))
		for _, s := range stands {
			c.graph.call(n, "as "+s)
		}
		for _, s := range needs {
			if err := c.graph.want(n, false, s, "as "+s); err != nil {
				return err
			}
		}
		if c.graph.nodes[n].pkg < 0 {
			return nil
		}
		p := lockPackage(c.cataloger, "composer", name, version, c.path, line)
		p.Licenses, p.Dev, p.Origin = licenses, dev, lockOrigin(origin)
		if origin == "" && repository != "" && !published {
			c.repositories = append(c.repositories, composerFrom{len(c.r.Packages), repository})
		}
		c.r.Packages = append(c.r.Packages, p)
		return nil
	})
}

// composerFrom is the repository that a package of the list may come from.
type composerFrom struct {
	pkg    int
	origin string
}

// fromRepositories gives their repository to those packages that no registry has
// published: what comes from one names the address that counts its downloads.
func (c *composerList) fromRepositories() {
	if !c.notified {
		return
	}
	for _, f := range c.repositories {
		c.r.Packages[f.pkg].Origin = lockOrigin(f.origin)
	}
}

// names adds the names of the object at the cursor. Anything else has none: PHP
// writes an empty one as a list.
func (c *composerList) names(to *[]string) error {
	return c.j.object(func(name []byte, _ int) error {
		*to = append(*to, strings.ToLower(string(name)))
		return c.j.skip()
	})
}

// composerVersion reports whether s is a version, or a branch: "dev-feature/x", "1.x-dev".
func composerVersion(s string) bool {
	return lockVersion(s) || strings.HasPrefix(s, "dev-") && lockWord(s) && !strings.ContainsAny(s, ":*,;()[]<>=|&")
}

// from reads where a package's code comes from.
func (c *composerList) from() (typ, url, commit string, err error) {
	err = c.j.object(func(key []byte, _ int) (err error) {
		switch string(key) {
		case "type":
			typ, err = c.j.str()
		case "url":
			url, err = c.j.str()
		case "reference":
			commit, err = c.j.str()
		default:
			err = c.j.skip()
		}
		return err
	})
	return typ, url, commit, err
}

// lockBody reads a whole file of an image, or refuses one over the limit.
func lockBody(f layer.Input, limit int64) ([]byte, error) {
	if f.Truncated(limit) {
		return nil, fmt.Errorf("file of %d bytes is over the limit of %d: not read", f.Size, limit)
	}
	body, err := io.ReadAll(io.LimitReader(f.Body, limit))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return body, nil
}
