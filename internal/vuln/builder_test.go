package vuln

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestBuilder: who built a package is told by its version, its name and its
// vendor's word, and what a distribution builds is never taken for another's.
func TestBuilder(t *testing.T) {
	for _, test := range []struct {
		distro, typ, name, version, vendor, want string
	}{
		{"debian", "deb", "nginx", "1.26.2-1~bookworm", "", "nginx.org"},
		{"debian", "deb", "nginx", "1.22.1-9", "Debian Nginx Maintainers <pkg-nginx-maintainers@alioth-lists.debian.net>", ""},
		{"debian", "deb", "nginx", "1.26.2-9", "NGINX Packaging <nginx-packaging@f5.com>", "nginx.org"},
		{"debian", "deb", "tzdata", "2024a-0+deb12u1~bpo", "GNU Libc Maintainers <debian-glibc@lists.debian.org>", ""},
		{"debian", "deb", "nodejs", "18.19.0-1nodesource1", "", "NodeSource"},
		{"debian", "deb", "php8.2", "8.2.20-1+0~20240614.45+debian12~1.gbpf2b381", "Debian PHP Maintainers <team+pkg-php@tracker.debian.org>", "Sury"},
		{"ubuntu", "deb", "php7.4", "1:7.4.33-8+ubuntu22.04.1+deb.sury.org+1", "", "Sury"},
		{"debian", "deb", "postgresql-14", "14.11-1.pgdg120+2", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>", "PostgreSQL's repository"},
		{"debian", "deb", "postgresql-15", "15.6-0+deb12u1", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>", ""},
		{"debian", "deb", "docker-ce", "5:24.0.7-1~debian.12~bookworm", "", "Docker"},
		{"debian", "deb", "containerd.io", "1.6.28-1", "Containerd team <help@containerd.io>", "Docker"},
		{"ubuntu", "deb", "python3.12", "3.12.3-1+jammy1", "", "a personal package archive"},
		{"ubuntu", "deb", "openssl", "3.0.2-0ubuntu1.15", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", ""},
		{"almalinux", "rpm", "nginx", "1:1.26.2-1.el9.ngx", "", "nginx.org"},
		{"almalinux", "rpm", "php", "7.4.33-10.el9.remi", "", "Remi's repository"},
		{"almalinux", "rpm", "php", "8.0.30-1.el9_2", "AlmaLinux", ""},
		{"almalinux", "rpm", "postgresql15-server", "15.2-1PGDG.rhel9", "", "PostgreSQL's repository"},
		{"almalinux", "rpm", "httpd", "2.4.57-5.el9.codeit", "", "a repository that marks its packages codeit"},
		{"centos", "rpm", "git", "2.36.6-1.el7.ius", "", "a repository that marks its packages ius"},
		{"almalinux", "rpm", "httpd", "2.4.53-1.codeit.el9", "", "a repository that marks its packages codeit"},
		{"almalinux", "rpm", "curl", "7.70.0-1.0.cf.rhel9", "", "a repository that marks its packages rhel9"},
		{"rocky", "rpm", "curl", "7.70.0-1.0.rhel8", "", "a repository that marks its packages rhel8"},
		{"almalinux", "rpm", "grafana", "9.0.0-1", "", "a repository that does not mark its packages with the release"},
		{"rhel", "rpm", "varnish", "7.0.0-1", "", "a repository that does not mark its packages with the release"},
		{"almalinux", "rpm", "grafana", "9.0.0-1", "AlmaLinux", ""},
		{"almalinux", "rpm", "libmodulemd1", "1.8.16-0.2.13.0.1", "", ""},
		{"almalinux", "rpm", "squid", "7:4.15-1.module_el8.5.0+2500+d2377ea3", "", ""},
		{"almalinux", "rpm", "tboot", "1:1.10.5-2.alpha.el9", "", ""},
		{"rhel", "rpm", "kernel-rt", "4.18.0-0.rc1.git0.1.el8", "", ""},
		{"fedora", "rpm", "bash", "5.2-1.fc40", "", ""},
		{"debian", "deb", "vim", "2:9.0.1000-dmo1", "", "deb-multimedia.org"},
		{"debian", "deb", "ffmpeg", "10:5.1-dmo1+deb12u1", "", "deb-multimedia.org"},
		{"debian", "deb", "mysql-server", "8.0.35-1debian12", "", "MySQL's repository"},
		{"centos", "rpm", "bash", "4.2.46-35.el7_9", "", ""},
		{"centos", "rpm", "httpd", "2.4.6-99.el7.centos.1", "", ""},
		{"almalinux", "rpm", "kernel", "5.14.0-427.13.1.el9_4.alma.1", "", ""},
		{"rocky", "rpm", "rocky-release", "9.4-1.7.el9.rocky.0.1", "", ""},
		{"ol", "rpm", "openssl", "1:3.0.7-27.0.1.el9", "", ""},
		{"almalinux", "rpm", "jq", "1.7-1.el9", "Fedora Project", "Fedora Project"},
		{"rocky", "rpm", "openssl", "1:3.0.7-24.el9", "Rocky Enterprise Software Foundation", ""},
		{"ol", "rpm", "openssl", "1:3.0.7-24.el9", "Oracle America", ""},
		{"rhel", "rpm", "openssl", "1:3.0.7-24.el9", "Red Hat, Inc.", ""},
		{"sles", "rpm", "openssl", "3.0.8-150500.5.5.1", "SUSE LLC <https://www.suse.com/>", ""},
		{"opensuse-leap", "rpm", "openssl", "3.0.8-150500.5.5.1", "openSUSE", ""},
		{"opensuse-tumbleweed", "rpm", "hello", "3.0.8-1.1", "obs://build.opensuse.org/home:someone", "the project build.opensuse.org/home:someone"},
		{"amzn", "rpm", "openssl", "1:3.0.8-1.amzn2023.0.3", "Amazon Linux", ""},
		{"azurelinux", "rpm", "dotnet-runtime-8.0", "8.0.8-1.azl3", "", ""},
		{"mariner", "rpm", "dotnet-runtime-6.0", "6.0.8-1.cm2", "Microsoft Corporation", ""},
		{"fedora", "rpm", "dotnet-runtime-8.0", "8.0.8-1.fc40", "Microsoft Corporation", "Microsoft"},
		{"photon", "rpm", "openssl", "3.0.8-1.ph5", "VMware, Inc.", ""},
		{"mageia", "rpm", "openssl", "3.0.8-1.mga9", "Mageia.Org", ""},
		{"openeuler", "rpm", "openssl", "1:1.1.1f-4.oe2203", "http://openeuler.org", ""},
		{"clearlinux", "rpm", "openssl", "3-1", "Someone", ""},
		{"alpine", "apk", "nginx", "1.25.4-r1", "NGINX Packaging <nginx-packaging@f5.com>", "nginx.org"},
		{"alpine", "apk", "nginx", "1.24.0-r7", "Jakub Jirutka <jakub@jirutka.cz>", ""},
	} {
		b := newBuilder(&sbom.Distro{ID: test.distro, VersionID: "9"})
		p := sbom.Package{Type: test.typ, Name: test.name, Version: test.version, Vendor: test.vendor}
		for range 2 { // the second time by what is remembered
			if got := b.foreign(&p); got != test.want {
				t.Errorf("%s %s of %q: %q, want %q", test.name, test.version, test.vendor, got, test.want)
			}
		}
	}
}

// TestForeign: another's build is measured by its upstream's advisories, and is
// unknown where there are none; what it owns is not excused by the distribution.
func TestForeign(t *testing.T) {
	fixed := func(eco, name, id, fix string) Advisory {
		return Advisory{ID: id, Ecosystem: eco, Package: name, Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: fix}}}}}
	}
	l := newMemory(
		fixed("AlmaLinux:9", "nginx", "ALSA-2024:1", "1:1.99.0-1.el9"),
		fixed("AlmaLinux:9", "php", "ALSA-2024:2", "8.0.30-1.el9"),
		fixed("AlmaLinux:9", "docker-ce", "ALSA-2024:3", "99:1-1"),
		fixed("Bitnami", "nginx", "BIT-nginx-2024-1", "1.26.3"),
		fixed("Bitnami", "php", "BIT-php-2024-2", "8.1.0"),
		fixed("Go", "github.com/docker/docker", "GHSA-1", "25.0.0"),
	)
	rpm := func(name, source, version, vendor string) sbom.Package {
		return sbom.Package{Type: "rpm", Namespace: "almalinux", Name: name, Source: source, Version: version, Vendor: vendor}
	}
	docker := rpm("docker-ce", "", "3:24.0.7-1.el9", "Docker <support@docker.com>")
	engine := pkg("golang", "github.com/docker", "docker", "v24.0.7", "/usr/bin/dockerd")
	engine.Owner = docker.PURL()
	found, unknown := match(t, l, &sbom.Inventory{Distro: &sbom.Distro{ID: "almalinux", VersionID: "9.4"}, Packages: []sbom.Package{
		docker, engine,
		rpm("nginx", "", "1:1.26.2-1.el9.ngx", ""), rpm("nginx-module-njs", "", "1:1.26.2+0.8.5-1.el9.ngx", ""),
		rpm("php-common", "php", "7.4.33-10.el9.remi", "Remi's RPM repository <https://rpms.remirepo.net/>"),
	}})
	want := map[string]string{"BIT-nginx-2024-1 nginx": "1.26.3", "BIT-php-2024-2 php": "8.1.0", "GHSA-1 github.com/docker/docker": "25.0.0"}
	for _, f := range found {
		fix, ok := want[f.Vuln.ID+" "+f.Vuln.Name]
		if !ok || fix != f.Vuln.FixedIn || f.Suppressed != nil {
			t.Errorf("found %s of %s, fixed in %q, %+v", f.Vuln.ID, f.Vuln.Name, f.Vuln.FixedIn, f.Suppressed)
		}
		delete(want, f.Vuln.ID+" "+f.Vuln.Name)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	if len(unknown) != 1 || !strings.Contains(unknown[0].What, "docker-ce 3:24.0.7-1.el9") || !strings.Contains(unknown[0].Why, "built by Docker") {
		t.Errorf("unknown: %v", unknown)
	}
}
