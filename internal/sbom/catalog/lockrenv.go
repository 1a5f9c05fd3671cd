package catalog

import (
	"cmp"
	"errors"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// renvLock reads renv.lock, in which R's packages are objects by their names.
func renvLock() lockParser {
	return lockParser{Name: "renv-lock", Wants: lockNamed("renv.lock"), Read: renvRead}
}

func renvRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	j, some := newLockJSON(body), false
	lines := newLockLines(j.b)
	err := j.document(func(name []byte, _ int) error {
		if string(name) != "Packages" {
			return j.skip()
		}
		some = true
		return j.members("Packages", func(name []byte, at int) error {
			key := string(name)
			if r.full() {
				return errLockMany
			}
			p, err := renvPackage(j)
			if err != nil {
				return err
			}
			if p.Name == "" {
				p.Name = key
			}
			if !lockWord(p.Name) || !lockVersion(p.Version) {
				r.odd(key, lines.at(at))
				return nil
			}
			own := lockPackage("renv-lock", "cran", p.Name, p.Version, file, lines.at(at))
			own.Origin = p.Origin
			r.Packages = append(r.Packages, own)
			return nil
		})
	})
	if err == nil && !some {
		err = errors.New("not a lock file of renv: it has no Packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

// renvPackage reads a package: its name, version and, if neither CRAN nor
// Bioconductor published it, origin.
func renvPackage(j *lockJSON) (p sbom.Package, err error) {
	if j.kind() != '{' {
		return p, j.skip()
	}
	said := map[string]string{}
	err = j.object(func(name []byte, _ int) error {
		key := string(name)
		switch key {
		case "Package", "Version", "Source", "RemoteUrl", "RemoteHost", "RemoteUsername", "RemoteRepo", "RemoteSha":
			if j.kind() == '"' {
				s, err := j.str()
				said[key] = s
				return err
			}
		}
		return j.skip()
	})
	p.Name, p.Version = said["Package"], said["Version"]
	switch source := strings.ToLower(said["Source"]); source {
	case "", "repository", "cran", "bioconductor":
	case "local", "cellar":
		p.Origin = lockOrigin("file:" + cmp.Or(said["RemoteUrl"], p.Name))
	default: // GitHub, GitLab, Bitbucket, git, URL
		url := said["RemoteUrl"]
		if url == "" && said["RemoteUsername"] != "" {
			host := strings.TrimPrefix(cmp.Or(said["RemoteHost"], source+".com"), "api.")
			host, _, _ = strings.Cut(host, "/")
			if source == "bitbucket" {
				host = "bitbucket.org"
			}
			url = "https://" + host + "/" + said["RemoteUsername"] + "/" + said["RemoteRepo"]
		}
		if source != "url" {
			url = "git+" + strings.TrimPrefix(url, "git+") + "#" + said["RemoteSha"]
		}
		p.Origin = lockOrigin(url)
	}
	return p, err
}
