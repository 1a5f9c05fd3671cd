package sbom

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPURL(t *testing.T) {
	debian := &Distro{ID: "debian", VersionID: "11"}
	for _, c := range []struct {
		p            Package
		d            *Distro
		purl, source string
	}{
		{
			Package{Type: "deb", Namespace: "debian", Name: "openssl", Version: "1.1.1k-1+deb11u1", Arch: "amd64"},
			debian,
			"pkg:deb/debian/openssl@1.1.1k-1%2Bdeb11u1?arch=amd64&distro=debian-11", "pkg:deb/debian/openssl@1.1.1k-1+deb11u1",
		},
		{
			Package{Type: "deb", Namespace: "debian", Name: "libgcc-s1", Version: "10.2.1-6", Source: "gcc-10", SourceVersion: "1:10.2.1-6+b1", Arch: "amd64"},
			debian,
			"pkg:deb/debian/libgcc-s1@10.2.1-6?arch=amd64&distro=debian-11&upstream=gcc-10%401:10.2.1-6%2Bb1", "pkg:deb/debian/gcc-10@1:10.2.1-6+b1",
		},
		{Package{Type: "deb", Name: "x", Version: "1"}, &Distro{ID: "debian", Codename: "sid"}, "pkg:deb/x@1?distro=debian-sid", "pkg:deb/debian/x@1"},
		{
			Package{Type: "apk", Namespace: "alpine", Name: "libssl3", Version: "3.1.7-r0", Source: "openssl", Arch: "x86_64"},
			&Distro{ID: "alpine", VersionID: "3.18.9"},
			"pkg:apk/alpine/libssl3@3.1.7-r0?arch=x86_64&distro=alpine-3.18.9&upstream=openssl", "pkg:apk/alpine/openssl@3.1.7-r0",
		},
		{
			Package{Type: "rpm", Namespace: "redhat", Name: "bash", Version: "1:5.1.8-6.el9", Arch: "x86_64"},
			nil,
			"pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64&epoch=1", "pkg:rpm/redhat/bash@5.1.8-6.el9?epoch=1",
		},
		{Package{Type: "npm", Namespace: "@babel", Name: "core", Version: "7.0.0"}, debian, "pkg:npm/%40babel/core@7.0.0", "pkg:npm/%40babel/core@7.0.0"},
		{
			Package{Type: "golang", Namespace: "github.com/BurntSushi", Name: "toml", Version: "v1.2.0"},
			nil,
			"pkg:golang/github.com/BurntSushi/toml@v1.2.0", "pkg:golang/github.com/BurntSushi/toml@v1.2.0",
		},
		{
			Package{Type: "golang", Namespace: "github.com/docker", Name: "docker", Version: "v20.10.0+incompatible"},
			nil,
			"pkg:golang/github.com/docker/docker@v20.10.0%2Bincompatible", "pkg:golang/github.com/docker/docker@v20.10.0+incompatible",
		},
		{Package{Type: "pypi", Name: "Typing_Extensions", Version: "4.0"}, nil, "pkg:pypi/typing-extensions@4.0", "pkg:pypi/typing-extensions@4.0"},
		{
			Package{Type: "maven", Namespace: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.14.1"},
			nil,
			"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
		},
		{Package{Type: "composer", Namespace: "Symfony", Name: "http-kernel", Version: "v5.4"}, nil, "pkg:composer/symfony/http-kernel@v5.4", "pkg:composer/symfony/http-kernel@v5.4"},
		{Package{Type: "generic", Name: "node", Version: "21.6.1"}, nil, "pkg:generic/node@21.6.1", "pkg:generic/node@21.6.1"},
	} {
		if got := c.p.PURLIn(c.d); got != c.purl {
			t.Errorf("purl\n got %s\nwant %s", got, c.purl)
		}
		if got := SourcePURL(c.p, c.d); got != c.source {
			t.Errorf("source purl\n got %s\nwant %s", got, c.source)
		}
		for _, s := range []string{c.purl, c.source} {
			if _, err := FromPURL(s); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	}
}

func TestFromPURL(t *testing.T) {
	for s, want := range map[string]Package{
		"pkg:deb/debian/libssl1.1@1.1.1n?arch=amd64&upstream=openssl": {Type: "deb", Namespace: "debian", Name: "libssl1.1", Version: "1.1.1n", Source: "openssl", Arch: "amd64"},
		"pkg:deb/debian/libgcc-s1@10.2.1-6?epoch=1":                   {Type: "deb", Namespace: "debian", Name: "libgcc-s1", Version: "1:10.2.1-6"},
		"pkg:rpm/redhat/openssl-libs@3.0.1-1.el9?upstream=openssl-3.0.1-1.el9.src.rpm&epoch=1": {
			Type: "rpm", Namespace: "redhat", Name: "openssl-libs",
			Version: "1:3.0.1-1.el9", Source: "openssl",
		},
		"pkg:rpm/redhat/x@1-1?upstream=y-2-3.src.rpm":                                                  {Type: "rpm", Namespace: "redhat", Name: "x", Version: "1-1", Source: "y", SourceVersion: "2-3"},
		"pkg:golang/github.com/Azure/go-autorest/Auth@v1":                                              {Type: "golang", Namespace: "github.com/Azure/go-autorest", Name: "Auth", Version: "v1"},
		"pkg:golang/stdlib@1.21.0":                                                                     {Type: "golang", Name: "stdlib", Version: "1.21.0"},
		"pkg:npm/%40babel/core@7.0.0":                                                                  {Type: "npm", Namespace: "@babel", Name: "core", Version: "7.0.0"},
		"pkg:npm/a@1?download_url=https://u:p@dl.example.org/a.tgz":                                    {Type: "npm", Name: "a", Version: "1", Origin: "https://dl.example.org/a.tgz"},
		"pkg:npm/a@1?download_url=https://REGISTRY.npmjs.org:443/a/-/a-1.tgz":                          {Type: "npm", Name: "a", Version: "1"},
		"pkg:npm/a@1?download_url=https://registry.npmjs.org.example.org/a.tgz":                        {Type: "npm", Name: "a", Version: "1", Origin: "https://registry.npmjs.org.example.org/a.tgz"},
		"pkg:npm/a@1?download_url=NOASSERTION":                                                         {Type: "npm", Name: "a", Version: "1"},
		"pkg:npm/a@1?download_url=https://x.org/a.tgz&vcs_url=git%2Bhttps://x.org/a":                   {Type: "npm", Name: "a", Version: "1", Origin: "git+https://x.org/a"},
		"pkg:pypi/a@1?download_url=https://files.pythonhosted.org/packages/a-1.whl":                    {Type: "pypi", Name: "a", Version: "1"},
		"pkg:pypi/a@1?download_url=https://github.com/o/a/archive/1.zip":                               {Type: "pypi", Name: "a", Version: "1", Origin: "https://github.com/o/a/archive/1.zip"},
		"pkg:cargo/a@1?download_url=https://static.crates.io/crates/a/a-1.crate":                       {Type: "cargo", Name: "a", Version: "1"},
		"pkg:composer/o/a@1?download_url=https://api.github.com/repos/o/a/zipball/x":                   {Type: "composer", Namespace: "o", Name: "a", Version: "1"},
		"pkg:golang/example.org/o/a@v1.0.0?download_url=https://example.org/o/a/v1.zip":                {Type: "golang", Namespace: "example.org/o", Name: "a", Version: "v1.0.0"},
		"pkg:golang/example.org/o/a@v1.0.0?download_url=https://fork.org/o/a/v1.zip":                   {Type: "golang", Namespace: "example.org/o", Name: "a", Version: "v1.0.0", Origin: "https://fork.org/o/a/v1.zip"},
		"pkg:deb/debian/bash@5.2-1?download_url=https://mirror.example.org/debian/pool/bash_5.2-1.deb": {Type: "deb", Namespace: "debian", Name: "bash", Version: "5.2-1"},
		"pkg:maven/a.b/c@1?type=jar":                                                                   {Type: "maven", Namespace: "a.b", Name: "c", Version: "1"},
	} {
		want.LayerIndex = -1
		got, err := FromPURL(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", s, diff)
		}
	}
	for _, s := range []string{"", "pkg:", "pkg:npm", "npm/x@1", "pkg:npm/@1", "pkg:deb/%zz@1"} {
		if p, err := FromPURL(s); err == nil {
			t.Errorf("%q is %+v", s, p)
		}
	}
}

// What a purl carries survives it, for packages as their ecosystems name them.
func TestPURLRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z][a-z0-9.+-]{0,8}`)
		version := rapid.StringMatching(`([1-9]:)?[0-9][0-9a-z.+~]{0,6}(-[0-9a-z.+~]{1,3})?`)
		p := Package{
			Type: rapid.SampledFrom([]string{"deb", "apk", "rpm"}).Draw(t, "type"), Namespace: word.Draw(t, "ns"),
			Name: word.Draw(t, "name"), Version: version.Draw(t, "version"), Source: word.Draw(t, "source"),
			SourceVersion: version.Draw(t, "sv"), Arch: "amd64", LayerIndex: -1,
		}
		p.normalSource()
		got, err := FromPURL(p.PURLIn(&Distro{ID: "debian", VersionID: "11"}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatalf("%s: -want +got\n%s", p.PURL(), diff)
		}
	})
}

func TestMerge(t *testing.T) {
	yes := true
	inv := &Inventory{Packages: []Package{
		{
			Type: "npm", Name: "lodash", Version: "4.17.15", LayerIndex: 3, Layer: "sha256:3", Owner: "pkg:deb/debian/node-lodash@1", Removed: true, Dev: true,
			Licenses: []string{"MIT"}, Locations: []Location{{Path: "/z"}, {Path: "/a"}}, Cataloger: "npm",
		},
		{Type: "npm", Name: "zlib", Version: "1", LayerIndex: -1},
		{
			Type: "npm", Name: "lodash", Version: "4.17.15", LayerIndex: 1, Layer: "sha256:1", Licenses: []string{"CC0-1.0", "MIT"},
			Locations: []Location{{Path: "/a"}, {Path: "/b", Line: 3}}, InBase: &yes, Cataloger: "lock",
		},
		{Type: "npm", Name: "lodash", Version: "4.17.15", LayerIndex: -1, Removed: true},
		{Type: "deb", Namespace: "debian", Name: "libc6", Version: "2", Arch: "amd64", LayerIndex: -1},
		{Type: "deb", Namespace: "debian", Name: "libc6", Version: "2", Arch: "i386", LayerIndex: -1},
		{Type: "deb", Namespace: "debian", Name: "libc6", Version: "2", Arch: "amd64", Source: "glibc", LayerIndex: -1},
	}}
	want := []Package{
		{Type: "deb", Namespace: "debian", Name: "libc6", Version: "2", Arch: "amd64", Source: "glibc", LayerIndex: -1},
		{Type: "deb", Namespace: "debian", Name: "libc6", Version: "2", Arch: "i386", LayerIndex: -1},
		{
			Type: "npm", Name: "lodash", Version: "4.17.15", LayerIndex: 1, Layer: "sha256:1", Licenses: []string{"CC0-1.0", "MIT"},
			Locations: []Location{{Path: "/a"}, {Path: "/b", Line: 3}, {Path: "/z"}}, InBase: &yes, Cataloger: "lock",
		},
		{Type: "npm", Name: "zlib", Version: "1", LayerIndex: -1},
	}
	inv.Merge()
	if diff := cmp.Diff(want, inv.Packages); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Merging does not hang on the order in which layers and catalogers answered.
func TestMergeDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ps []Package
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			p := drawPackage(t)
			p.Type, p.Namespace, p.Name, p.Arch = "npm", "", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), ""
			p.Version, p.Source, p.SourceVersion = "1", "", ""
			p.Cataloger, p.InBase, p.Layer, p.Owner = "npm", nil, "", rapid.SampledFrom([]string{"", "pkg:deb/x", "pkg:deb/y"}).Draw(t, "owner")
			ps = append(ps, p)
		}
		a := &Inventory{Packages: clonePackages(ps)}
		b := &Inventory{Packages: clonePackages(rapid.Permutation(ps).Draw(t, "order"))}
		a.Merge()
		b.Merge()
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
		again := &Inventory{Packages: clonePackages(a.Packages)}
		again.Merge()
		if diff := cmp.Diff(a, again); diff != "" {
			t.Fatalf("merging twice changes something: %s", diff)
		}
	})
}

func clonePackages(ps []Package) []Package {
	out := slices.Clone(ps)
	for i := range out {
		out[i].Licenses, out[i].Locations = slices.Clone(out[i].Licenses), slices.Clone(out[i].Locations)
	}
	return out
}
