package catalog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// nugetArchive is the ending of NuGet's packages.
const nugetArchive = ".nupkg"

// zipEnding is the ending by which the catalogers know a zip archive that is called
// something else, by what it holds: records of Maven or a manifest, the metadata of a
// wheel or egg, a nuspec, else archives of Java. It is "" for what has such an ending,
// for no zip archive, and for one that holds nothing known.
func zipEnding(name string) string {
	if javaArchive(name) || strings.HasSuffix(name, ".whl") || strings.HasSuffix(name, ".egg") {
		return ""
	}
	ending := ""
	_ = eachInZip(name, func(_ *javaZip, entry string) error {
		switch {
		case nuspec(entry):
			ending = nugetArchive
		case pyArchiveMetadata(entry) && strings.HasPrefix(entry, "EGG-INFO/"):
			ending = ".egg"
		case pyArchiveMetadata(entry):
			ending = ".whl"
		case entry == "META-INF/MANIFEST.MF", strings.HasPrefix(entry, "META-INF/maven/"):
			ending = ".jar"
		case javaArchive(entry):
			ending = ".jar" // unless more is said
			return nil
		default:
			return nil
		}
		return io.EOF
	}) // who reads the archive says what is wrong with it
	return ending
}

// eachInZip calls do with every entry of an archive that begins as a zip does, until
// io.EOF.
func eachInZip(name string, do func(z *javaZip, entry string) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, len(javaSigLocal))
	if _, err := io.ReadFull(f, head); err != nil || string(head) != javaSigLocal {
		return errJavaNotZip
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	z := newJavaZip(f, &javaBudget{})
	for {
		e, err := z.next()
		if err == nil {
			err = do(z, e.name)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// nuspec reports whether an entry is the manifest of a package of NuGet.
func nuspec(entry string) bool {
	return !strings.Contains(entry, "/") && strings.EqualFold(path.Ext(entry), ".nuspec")
}

// nugetFile is the package that a .nupkg is, by its manifest.
func nugetFile(name, at string) (*sbom.Package, error) {
	var p *sbom.Package
	err := eachInZip(name, func(z *javaZip, entry string) error {
		if !nuspec(entry) {
			return nil
		}
		body, err := javaText(z, pyLimit)
		if err == nil {
			p, err = nuspecRead([]byte(body), at)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", entry, err)
		}
		return io.EOF
	})
	if err == nil && p == nil {
		err = errors.New("a package of NuGet without its manifest")
	}
	return p, err
}

func nuspecRead(body []byte, at string) (*sbom.Package, error) {
	var id, version, license string
	err := lockXML(body, func(e xmlElement) error {
		text := strings.TrimSpace(e.text)
		switch e.at() {
		case "package/metadata/id":
			id = text
		case "package/metadata/version":
			version = text
		case "package/metadata/license":
			if strings.EqualFold(e.attr("type"), "expression") && len(text) <= maxName {
				license = text
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !nugetWord(id) || !nugetWord(version):
		return nil, errors.New("it names no package and version")
	}
	p := lockPackage("nuget-archive", "nuget", id, version, at, 0)
	if license != "" {
		p.Licenses = []string{license}
	}
	return &p, nil
}
