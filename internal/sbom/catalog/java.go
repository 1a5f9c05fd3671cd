package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// javaArchives reads Java archives, and those within them. An archive is
// what its Maven records (a pom.properties wherever it lies, else a pom.xml in
// META-INF/maven) say, all of them, for a shaded jar holds several; else what its
// manifest, its file name and its class folders say.
// A package within a nested archive has a place such as
// "/app/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar".
func javaArchives() Cataloger {
	return Cataloger{
		Name: javaReader, Version: 6, Limit: layer.Stream,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode&fs.ModeSymlink == 0 && size > 0 && (javaArchive(p) || javaUnpacked(p))
		},
		Read:  packagesOf(javaRead),
		learn: javaRead,
	}
}

const javaReader = "java"

func javaArchive(p string) bool {
	i := strings.LastIndexByte(p, '.')
	if i < 0 || len(p)-i > 5 {
		return false
	}
	switch strings.ToLower(p[i:]) {
	case ".jar", ".war", ".ear", ".par", ".sar", ".rar", ".hpi", ".jpi", ".nar", ".kar", ".lpkg":
		return true
	}
	return false
}

// javaUnpacked is a record of an archive that was unpacked, as servers do.
func javaUnpacked(p string) bool {
	return javaRecordFolder(p) && strings.HasSuffix(p, "/pom.properties")
}

func javaRead(ctx context.Context, f layer.Input) (facts, error) {
	if javaUnpacked(f.Path) {
		body, err := io.ReadAll(io.LimitReader(f.Body, javaPomMax))
		c := javaPom(string(body))
		switch {
		case err != nil || c.artifactID == "":
			return facts{}, err
		case !c.sound():
			return facts{}, c.versionless()
		}
		return facts{packages: []sbom.Package{mavenPackage(javaReader, c.group, c.artifactID, c.version, "", 0)}}, nil
	}
	s := &javaScan{ctx: ctx, budget: &javaBudget{}}
	err := s.archive(f.Body, "/"+f.Path, 1)
	if errors.Is(err, errJavaNotZip) && strings.HasSuffix(strings.ToLower(f.Path), ".rar") {
		return facts{}, nil // the other kind of rar
	}
	if err != nil {
		err = fmt.Errorf("read archive: %w", err)
	}
	return facts{packages: s.found, manifests: s.needs}, err
}

// javaScan is one outermost archive being read.
type javaScan struct {
	ctx    context.Context
	budget *javaBudget
	zips   [javaDepth]*javaZip // one at a time is open at each depth
	found  []sbom.Package
	needs  []manifest
	wants  int // of all of them
}

// javaJar is what one archive says of itself.
type javaJar struct {
	poms     []javaCoordinates
	manifest map[string]string
	models   map[string]javaModel       // folder of META-INF/maven -> its pom.xml
	told     map[string]javaCoordinates // folders with a pom.properties
	open     map[string]javaCoordinates // folders with one that names no version
	needs    map[javaCoordinates][]string
	classes  string // the folder that all classes share, "org/apache/derby/"
	compiled bool   // there are classes
	sboms    []javaSBOM
}

type javaCoordinates struct{ group, artifactID, version string }

// sound reports whether the coordinates are those of one release.
func (c javaCoordinates) sound() bool {
	return mavenWord(c.group) && mavenWord(c.artifactID) && mavenVersion(c.version)
}

const (
	javaManifestMax = 1 << 20
	javaPomMax      = 64 << 10
	javaModelMax    = 1 << 20
)

// archive reads one archive at a place. What was found before an error counts,
// but not the archive's own identity, which may not have been reached.
func (s *javaScan) archive(r io.Reader, place string, depth int) error {
	if s.zips[depth-1] == nil {
		s.zips[depth-1] = newJavaZip(r, s.budget)
	} else {
		s.zips[depth-1].reset(r, s.budget)
	}
	z := s.zips[depth-1]
	var jar javaJar
	var problems []error
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		e, err := z.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return javaProblems(append(problems, err))
		}
		if err := s.entry(z, e, &jar, place, depth); err != nil {
			problems = append(problems, javaAt(e.name, err))
			if len(problems) > 20 || s.budget.inflate(0) != nil {
				return javaProblems(problems)
			}
		}
	}
	if err := jar.readModels(javaFileName(place)); err != nil {
		problems = append(problems, err)
	}
	s.add(jar, place)
	if depth == 1 {
		s.addListed(&jar, place)
	}
	return javaProblems(problems)
}

// javaProblems makes one error of several, on one line.
func javaProblems(problems []error) error {
	switch n := len(problems); n {
	case 0:
		return nil
	case 1:
		return problems[0]
	case 2:
		return fmt.Errorf("%w; %w", problems[0], problems[1])
	default:
		return fmt.Errorf("%w; %w; and %d more", problems[0], problems[1], n-2)
	}
}

func (s *javaScan) entry(z *javaZip, e *javaEntry, jar *javaJar, place string, depth int) error {
	switch {
	case strings.EqualFold(e.name, "META-INF/MANIFEST.MF"):
		body, err := javaText(z, javaManifestMax)
		if err != nil {
			return err
		}
		jar.manifest = javaManifest(body)
	case path.Base(e.name) == "pom.properties":
		body, err := javaText(z, javaPomMax)
		if err != nil {
			return err
		}
		if c := javaPom(body); c.artifactID != "" && !c.sound() {
			jar.unsure(path.Dir(e.name), c)
		} else if c.artifactID != "" {
			if !slices.Contains(jar.poms, c) {
				jar.poms = append(jar.poms, c)
			}
			jar.tell(path.Dir(e.name), c)
		}
	case javaRecordFolder(e.name) && strings.HasSuffix(e.name, "/pom.xml"):
		body, err := javaText(z, javaModelMax)
		s.hold(jar, path.Dir(e.name), body, err)
	case depth == 1 && javaListed(e.name):
		return jar.list(z, e.name)
	case strings.HasSuffix(e.name, ".class"):
		jar.class(e.name)
	case javaArchive(e.name):
		if e.size == 0 {
			return nil
		}
		if depth >= javaDepth {
			return fmt.Errorf("archives nest deeper than %d", javaDepth)
		}
		r, err := z.open()
		if err != nil {
			return err
		}
		err = s.archive(r, place+"!/"+strings.TrimPrefix(e.name, "/"), depth+1)
		if errors.Is(err, errJavaNotZip) && strings.HasSuffix(strings.ToLower(e.name), ".rar") {
			return nil
		}
		return err
	}
	return nil
}

// javaRecordFolder reports whether a file lies where Maven keeps its records: at the
// top of an archive, or of the classes that an application carries along.
func javaRecordFolder(name string) bool {
	return strings.HasPrefix(name, "META-INF/maven/") || strings.Contains(name, "/META-INF/maven/")
}

// javaText reads the current entry, which must be no longer than limit.
func javaText(z *javaZip, limit int64) (string, error) {
	r, err := z.open()
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return string(body), err
}

// javaPom reads a pom.properties file. The version may be none.
func javaPom(body string) javaCoordinates {
	var c javaCoordinates
	for line := range strings.SplitSeq(body, "\n") {
		i := strings.IndexAny(line, "=:") // Java's properties take either
		if i < 0 {
			continue
		}
		value := strings.TrimSpace(line[i+1:])
		switch strings.TrimSpace(line[:i]) {
		case "groupId":
			c.group = value
		case "artifactId":
			c.artifactID = value
		case "version":
			c.version = value
		}
	}
	if !mavenWord(c.group) || !mavenWord(c.artifactID) {
		return javaCoordinates{}
	}
	return c
}

// javaManifest reads the main section of a manifest (JAR File Specification,
// "JAR Manifest"): lines continue after a blank, the section ends at an empty line.
func javaManifest(body string) map[string]string {
	m := map[string]string{}
	last := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
		switch {
		case line == "":
			return m
		case line[0] == ' ':
			if v := m[last]; last != "" && len(v) < 1024 {
				m[last] = v + line[1:]
			}
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || len(m) > 1000 {
			continue
		}
		last = strings.ToLower(strings.TrimSpace(key))
		m[last] = strings.TrimSpace(value)
	}
	return m
}

// add lists the archive: every Maven record in it and, if none of them is its
// own, what the manifest and the file name say.
func (s *javaScan) add(jar javaJar, place string) {
	file := javaFileName(place)
	own := false
	for _, c := range jar.poms {
		own = own || javaSameArtifact(c.artifactID, file.artifactID)
	}
	if len(jar.poms) == 1 && (file.version == "" || file.version == jar.poms[0].version) && !jar.another(jar.poms[0]) {
		own = true // "app.jar" with one record: it is the record's
	}
	coordinates, guessed := jar.poms, -1
	if !own {
		if c := javaGuess(jar, file); c.artifactID != "" && !jar.recorded(c, file) {
			guessed = len(coordinates)
			coordinates = append(coordinates, c)
		}
	}
	for i, c := range coordinates {
		cataloger := javaReader
		if i == guessed {
			cataloger = javaByManifest
		}
		p := mavenPackage(cataloger, c.group, c.artifactID, c.version, place, 0)
		if own && len(jar.poms) == 1 || i == guessed {
			if l := jar.manifest["bundle-license"]; l != "" && len(l) <= 200 {
				p.Licenses = []string{l}
			}
		}
		if needs := jar.needs[c]; needs != nil {
			s.needs = append(s.needs, manifest{pkg: len(s.found), needs: needs})
		}
		s.found = append(s.found, p)
	}
}

func javaSameArtifact(a, b string) bool {
	return a != "" && (a == b || strings.HasPrefix(a, b+"-") || strings.HasPrefix(b, a+"-"))
}

// javaFileName takes an archive's name apart: "log4j-1.2-api-2.14.1.jar" is
// log4j-1.2-api at 2.14.1.
func javaFileName(place string) javaCoordinates {
	base := path.Base(place)
	base = base[:len(base)-len(path.Ext(base))]
	parts := strings.Split(base, "-")
	for i := 1; i < len(parts); i++ {
		if v := javaVersion(parts[i:]); v != "" {
			return javaCoordinates{artifactID: strings.Join(parts[:i], "-"), version: v}
		}
	}
	return javaCoordinates{artifactID: base}
}

// javaVersion is the version that the parts are, a classifier behind it
// dropped; "" if they are none.
func javaVersion(parts []string) string {
	if !javaDigit(parts[0]) {
		return ""
	}
	n := len(parts)
	for i, p := range parts[1:] {
		if javaDigit(p) || javaQualifier(p) {
			continue
		}
		n = i + 1
		for _, later := range parts[n:] {
			if javaDigit(later) {
				return "" // "1.2-api-2.14.1": the number is part of the name
			}
		}
		break
	}
	return strings.Join(parts[:n], "-")
}

func javaDigit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

// javaQualifier reports whether s belongs to a version, rather than being a
// classifier such as "sources" or "linux".
func javaQualifier(s string) bool {
	s = strings.ToLower(strings.TrimRight(s, "0123456789."))
	switch s {
	case "alpha", "a", "beta", "b", "m", "milestone", "rc", "cr", "snapshot", "final", "ga", "release", "sp",
		"jre", "android", "incubating", "pre", "preview", "ea", "dev", "pfd", "redhat", "jbossorg", "hal", "v", "r", "rev":
		return true
	}
	return false
}
