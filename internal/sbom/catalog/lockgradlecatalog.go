package catalog

import "strings"

// gradleLibrary is one library of a version catalog, as its keys come.
type gradleLibrary struct {
	key                               string
	module, group, name, version, ref string
	line                              int
}

// coordinates are its group and name.
func (l *gradleLibrary) coordinates() string {
	if l.module == "" {
		return l.group + ":" + l.name
	}
	part := strings.SplitN(l.module+":", ":", 3)
	return part[0] + ":" + part[1]
}

// gradleCatalogPins reads libs.versions.toml, Gradle's version catalog: what the
// build's files refer to by name, at the version that they ask for.
func gradleCatalogPins(_ *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	libraries, versions, err := gradleLibraries(body)
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	for _, l := range libraries {
		if l.module != "" {
			part := strings.Split(l.module, ":")
			if l.group = part[0]; len(part) > 1 {
				l.name = part[1]
			}
			if len(part) > 2 {
				l.version = part[2]
			}
		}
		if l.ref != "" {
			l.version = versions[l.ref]
		}
		l.version = strings.TrimSuffix(l.version, "!!")
		if !(javaCoordinates{l.group, l.name, l.version}).sound() || strings.HasSuffix(l.version, "+") {
			r.Unknown = append(r.Unknown, l.group+":"+l.name)
			r.Why = "the catalog gives no version, or a range; gradle dependencies --write-locks says which"
			continue
		}
		r.Packages = append(r.Packages, mavenPackage("gradle-catalog", l.group, l.name, l.version, file, l.line))
	}
	return r, nil
}

// gradleLibraries reads the libraries and the versions of a version catalog.
func gradleLibraries(body []byte) (libraries []gradleLibrary, versions map[string]string, err error) {
	t := newLockTOML(body)
	lines := newLockLines(t.b)
	versions = map[string]string{}
	at := map[string]int{} // by key: the index of its library
	err = t.document(tomlVisit{
		header: func([][]byte, bool, int) error { return nil },
		pair: func(path [][]byte, offset int) error {
			if len(libraries)+len(versions) > maxPackages {
				return errLockMany
			}
			section, key := string(path[0]), ""
			if len(path) > 1 {
				key = string(path[1])
			}
			if _, known := at[key]; section == "libraries" && !known {
				at[key] = len(libraries)
				libraries = append(libraries, gradleLibrary{key: key, line: lines.at(offset)})
			}
			return t.value(path, func(path [][]byte, text []byte) error {
				field := ""
				if len(path) > 2 {
					field = string(path[2])
				}
				value := strings.ToValidUTF8(string(text), "\uFFFD")
				switch section {
				case "versions":
					gradleVersion(versions, key, field, value)
				case "libraries":
					libraries[at[key]].set(path, field, value)
				}
				return nil
			})
		},
	})
	return libraries, versions, err
}

// gradleVersion keeps a version, of a rich one the strictest word.
func gradleVersion(versions map[string]string, key, field, value string) {
	switch field {
	case "", "strictly":
		versions[key] = value
	case "require":
		if versions[key] == "" {
			versions[key] = value
		}
	case "prefer":
		if v := versions[key]; v == "" || strings.ContainsAny(v, "[]()") {
			versions[key] = value
		}
	}
}

// set takes one of a library's fields.
func (l *gradleLibrary) set(path [][]byte, field, value string) {
	switch {
	case field == "" || field == "module":
		l.module = value
	case field == "group":
		l.group = value
	case field == "name":
		l.name = value
	case field == "version" && len(path) == 3:
		l.version = value
	case field == "version" && string(path[3]) == "ref":
		l.ref = value
	case field == "version" && (string(path[3]) == "strictly" || string(path[3]) == "require" && l.version == "" || string(path[3]) == "prefer"):
		l.version = value
	}
}
