package catalog

import (
	"io/fs"
	"path"
)

// installedIn is the file that lists what is in a folder of others' code, by the
// folder's name.
func installedIn(folder string) (string, bool) {
	switch folder {
	case "vendor":
		return "composer/installed.json", true
	case "node_modules":
		return ".package-lock.json", true
	}
	return "", false
}

// installed takes in such a file: it is all that is looked at in the folder.
func (w *dirWalk) installed(p string) {
	if info, err := fs.Lstat(w.root.FS(), p); err == nil && info.Mode().IsRegular() {
		w.file(p)
	}
}

// npmInstalled reads node_modules/.package-lock.json, which npm keeps of what it
// has installed.
func npmInstalled(w *dirWalk, file string, body []byte) (lockResult, error) {
	r, err := npmLockRead(file, body)
	if err == nil {
		npmRootsIn(w, path.Dir(path.Dir(file)), file, &r)
	}
	for i := range r.Packages {
		r.Packages[i].Cataloger = "npm-installed"
	}
	return r, err
}
