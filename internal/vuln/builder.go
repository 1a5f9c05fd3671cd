package vuln

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// repository is who builds packages in a distribution's format beside the
// distribution. Any of what is said here tells its packages.
type repository struct {
	name    string   // as people know it
	vendors []string // parts of the vendor's or maintainer's word, in lower case
	marks   []string // parts of the version
	names   []string // package names that no distribution has; a final "*" stands for any ending
}

// repositories are those whose packages are met in images.
func repositories() []repository {
	return []repository{
		{name: "nginx.org", vendors: []string{"nginx packaging", "@nginx.com", "@f5.com", "nginx, inc", "f5, inc"}, marks: []string{".ngx"}},
		{name: "NodeSource", vendors: []string{"nodesource"}, marks: []string{"nodesource"}},
		{name: "PostgreSQL's repository", vendors: []string{"postgresql global development"}, marks: []string{"pgdg"}},
		{name: "Sury", vendors: []string{"@sury.org"}, marks: []string{"deb.sury.org", "+0~20"}},
		{name: "MariaDB's repository", vendors: []string{"@lists.mariadb.org", "@mariadb.org", "mariadb foundation", "mariadb corporation"}, marks: []string{"+maria~"}, names: []string{"MariaDB-*"}},
		{name: "Redis' repository", vendors: []string{"@redis.io", "@redis.com", "@redislabs.com"}, marks: []string{"rl1~"}},
		{name: "Remi's repository", vendors: []string{"remi collet", "remi's rpm"}, marks: []string{".remi"}},
		{name: "a personal package archive", vendors: []string{"launchpad ppa"}, marks: []string{"ppa1", "ppa2", "ppa~", "~ppa", "+focal1", "+jammy1", "+noble1", "+bionic1"}},
		{name: "Docker", vendors: []string{"@docker.com", "@containerd.io"}, names: []string{"docker-ce", "docker-ce-*", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin", "docker-scan-plugin"}},
		{name: "Oracle's MySQL repository", vendors: []string{"mysql release engineering", "mysql-build@"}, names: []string{"mysql-community-*"}},
		{name: "MongoDB", vendors: []string{"@mongodb.com", "mongodb, inc", "mongodb inc"}, names: []string{"mongodb-org", "mongodb-org-*", "mongodb-mongosh"}},
		{name: "Microsoft", vendors: []string{"@microsoft.com", "microsoft corporation"}, names: []string{"dotnet-runtime-*", "dotnet-sdk-*", "aspnetcore-runtime-*", "powershell", "msodbcsql*", "mssql-*"}},
		{name: "Elastic", vendors: []string{"@elastic.co", "elasticsearch b.v", "elastic.co"}},
		{name: "Grafana Labs", vendors: []string{"@grafana.com", "grafana labs"}},
		{name: "HashiCorp", vendors: []string{"@hashicorp.com", "hashicorp"}},
		{name: "GitLab", vendors: []string{"@gitlab.com", "gitlab, inc", "gitlab b.v"}, names: []string{"gitlab-ce", "gitlab-ee", "gitlab-runner"}},
		{name: "Kubernetes' repository", vendors: []string{"@kubernetes.io"}, names: []string{"kubectl", "kubelet", "kubeadm"}},
		{name: "NVIDIA", vendors: []string{"@nvidia.com", "nvidia"}},
		{name: "Eclipse Adoptium", vendors: []string{"adoptium", "temurin"}, names: []string{"temurin-*"}},
		{name: "Azul", vendors: []string{"azul systems"}, names: []string{"zulu*-jdk*", "zulu*-jre*"}},
		{name: "Amazon Corretto", vendors: []string{"corretto"}},
		{name: "Google", vendors: []string{"chromium-dev@chromium.org", "google-cloud-cli-support", "google llc", "google inc"}, names: []string{"google-chrome-*", "google-cloud-cli*"}},
		{name: "Datadog", vendors: []string{"@datadoghq.com", "datadog, inc"}},
		{name: "InfluxData", vendors: []string{"@influxdb.com", "@influxdata.com", "influxdata"}},
		{name: "Yarn", vendors: []string{"yarn@dan.cx", "yarn contributors"}},
		{name: "RabbitMQ", vendors: []string{"@rabbitmq.com", "rabbitmq team"}},
		{name: "Jenkins", vendors: []string{"jenkins project", "kk@kohsuke.org"}},
		{name: "Percona", vendors: []string{"percona"}},
		{name: "Oracle", vendors: []string{"oracle corporation"}},
		{name: "GitHub", vendors: []string{"@github.com>"}, names: []string{"gh"}},
		{name: "deb-multimedia.org", vendors: []string{"deb-multimedia", "marillat"}, marks: []string{"-dmo"}},
		{name: "NeuroDebian", vendors: []string{"neuro.debian"}, marks: []string{"~nd"}},
		{name: "Dotdeb", vendors: []string{"dotdeb"}, marks: []string{"dotdeb"}},
		{name: "Proxmox", vendors: []string{"@proxmox.com"}, marks: []string{"-pve", "+pmx"}},
		{name: "Zabbix", vendors: []string{"@zabbix.com", "zabbix sia"}},
		{name: "MySQL's repository", vendors: []string{"@oracle.com"}, marks: []string{"-1debian1"}, names: []string{"mysql-apt-config"}},
		{name: "apt.llvm.org", marks: []string{"~++20"}},
	}
}

// builder says who built a package of a distribution's format, if not the
// distribution: by its version, its name, or its own word.
type builder struct {
	vendors []string // how they call themselves in RPM's Vendor; nil: not known
	repos   []repository
	known   map[string]string // by vendor: the repository's name, or ""
	tagged  bool              // it marks its packages with the release, ".el9"
}

func newBuilder(d *sbom.Distro) *builder {
	b := &builder{repos: repositories(), known: map[string]string{}}
	if d == nil {
		return b
	}
	b.vendors = vendorsOf(d.ID)
	b.tagged = redHatLike(d.ID) && d.VersionID != "" && !strings.HasPrefix(d.VersionID, "5") && !strings.HasPrefix(d.VersionID, "6")
	// What calls itself as the distribution does is the distribution.
	b.repos = slices.DeleteFunc(b.repos, func(r repository) bool {
		return slices.ContainsFunc(r.vendors, func(word string) bool {
			return slices.ContainsFunc(b.vendors, func(own string) bool { return strings.Contains(word, own) })
		})
	})
	return b
}

// vendorsOf is what distributions of RPM packages call themselves in them.
func vendorsOf(id string) []string {
	switch id {
	case "almalinux", "rocky", "centos", "fedora", "openeuler", "mageia":
		return []string{id}
	case "scientific":
		return []string{"scientific", "fermilab"}
	case "rhel":
		return []string{"red hat"}
	case "ol":
		return []string{"oracle"}
	case "amzn":
		return []string{"amazon"}
	case "sles", "sled", "sles_sap", "sle_hpc", "sle-micro", "sl-micro", "opensuse", "opensuse-leap", "opensuse-tumbleweed", "opensuse-leap-micro":
		return []string{"suse"}
	case "photon":
		return []string{"vmware", "broadcom"}
	case "azurelinux", "mariner":
		return []string{"microsoft"}
	}
	return nil
}

// foreign names who built a package; "": the distribution, as far as is known.
func (b *builder) foreign(p *sbom.Package) string {
	if p.Vendor != "" {
		by, ok := b.known[p.Vendor]
		if !ok {
			by = b.vendor(p)
			b.known[p.Vendor] = by
		}
		if by != "" {
			return by
		}
	}
	name := sourceName(*p)
	if p.Type == "deb" && (name == "nginx" || strings.HasPrefix(name, "nginx-")) {
		if i := strings.LastIndexByte(p.Version, '-'); nginxRevision(p.Version[i+1:]) {
			return "nginx.org"
		}
	}
	version := strings.ToLower(p.Version)
	for i := range b.repos {
		r := &b.repos[i]
		if slices.ContainsFunc(r.marks, func(m string) bool { return strings.Contains(version, m) }) {
			return r.name
		}
		if p.Vendor == "" && len(r.names) > 0 && (nameIn(r.names, p.Name) || nameIn(r.names, name)) {
			return r.name
		}
	}
	if p.Type == "rpm" && p.Vendor == "" {
		if mark := repositoryMark(version); mark != "" {
			return "a repository that marks its packages " + mark
		}
		if b.tagged && unmarked(p.Name, version) {
			return "a repository that does not mark its packages with the release"
		}
	}
	return ""
}

// redHatLike reports whether a distribution is Red Hat's or one built of its sources.
func redHatLike(id string) bool {
	return slices.Contains([]string{"rhel", "centos", "almalinux", "rocky", "ol", "scientific"}, id)
}

// unmarked reports whether a release says nothing of the distribution that it is
// built for, as those of Red Hat's relatives do since 7, but for two packages.
func unmarked(name, version string) bool {
	release := version[strings.LastIndexByte(version, '-')+1:]
	return !strings.Contains(release, ".el") && !modular(release) &&
		name != "libmodulemd1" && name != "subscription-manager-migration-data" && name != "gpg-pubkey"
}

// repositoryMark is the word that repositories beside those of Red Hat's relatives
// put behind the release they build for, or before it: "codeit" of
// "2.4.57-5.el9.codeit" and of "2.4.57-5.codeit.el9", "rhel9" of "7.7-1.rhel9"; "" for
// those relatives' own words.
func repositoryMark(version string) string {
	release := version[strings.LastIndexByte(version, '-')+1:]
	before, _, _ := strings.Cut(release, ".el")
	for word := range strings.SplitSeq(before, ".") {
		rest := strings.TrimRight(word, "0123456789")
		switch {
		case rest == "rhel" && rest != word, before != release && len(word) > 1 && letters(word) == len(word) && !slices.Contains(preRelease(), word):
			return word
		}
	}
	i := strings.LastIndex(version, ".el")
	if i < 0 || digits(version[i+len(".el"):]) == 0 {
		return ""
	}
	for word := range strings.SplitSeq(version[i+1:], ".") {
		mark := strings.TrimRight(word, "0123456789_")
		switch {
		case len(mark) < 2, strings.HasPrefix(word, "el"), strings.ContainsAny(mark, "0123456789+_~^"):
		case slices.Contains([]string{"alma", "rocky", "cloud", "centos", "ml", "hs", "sdl", "rv", "plus", "fips", "sig", "ksplice", "next", "aa", "ap"}, mark):
		default:
			return mark
		}
	}
	return ""
}

// preRelease are words of releases for what is not a release of the program.
func preRelease() []string {
	return []string{"alpha", "beta", "rc", "pre", "git", "svn", "hg", "bzr", "cvs", "snap", "snapshot", "dev", "post", "stable"}
}

// vendor is foreign by the vendor's word alone. An RPM's vendor is the one who
// built it, and so not the distribution unless it says so; a Debian package's
// maintainer may be anyone.
func (b *builder) vendor(p *sbom.Package) string {
	word := strings.ToLower(p.Vendor)
	in := func(part string) bool { return strings.Contains(word, part) }
	rpm := p.Type == "rpm" && len(b.vendors) > 0
	if project, ok := strings.CutPrefix(word, "obs://"); rpm && ok {
		return "the project " + project // of the Open Build Service, where anybody has one
	}
	if rpm && slices.ContainsFunc(b.vendors, in) {
		return ""
	}
	for i := range b.repos {
		if slices.ContainsFunc(b.repos[i].vendors, in) {
			return b.repos[i].name
		}
	}
	if rpm {
		return p.Vendor
	}
	return ""
}

// nameIn reports whether a name is one of a list, in which "*" stands for anything.
func nameIn(list []string, name string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		head, tail, any := strings.Cut(pattern, "*")
		tail = strings.TrimSuffix(tail, "*")
		return pattern == name || any && len(name) >= len(head) && strings.HasPrefix(name, head) && strings.Contains(name[len(head):], tail)
	})
}

// upstreamOf is the program that a package of another's repository is, by the
// name under which its upstream's advisories are kept, and its version.
func upstreamOf(p *sbom.Package) (program, version string) {
	_, v := rpmEpoch(p.Version)
	if p.Type == "deb" && p.SourceVersion != "" {
		_, v = rpmEpoch(p.SourceVersion)
	}
	i := strings.IndexAny(v, "-+~")
	if i >= 0 {
		v = v[:i]
	}
	name := strings.ToLower(sourceName(*p))
	if name == "docker-ce" && p.Name == "docker-ce-cli" {
		return "docker-cli", v
	}
	for _, known := range upstreams() {
		if nameIn(known.names, name) && !library(name) {
			return known.program, v
		}
	}
	return programName(name), v
}

// upstreams are the programs of other repositories' source packages, where
// these have another name.
func upstreams() []struct {
	names   []string
	program string
} {
	return []struct {
		names   []string
		program string
	}{
		{[]string{"nginx", "nginx-plus", "nginx-module-*"}, "nginx"},
		{[]string{"nodejs"}, "node"},
		{[]string{"postgresql*"}, "postgresql"},
		{[]string{"mariadb*"}, "mariadb"},
		{[]string{"mongodb-org*"}, "mongodb"},
		{[]string{"redis", "redis-server", "redis-tools", "redis-stack-server"}, "redis"},
		{[]string{"php", "php5*", "php7*", "php8*"}, "php"},
		{[]string{"python2.*", "python3.*"}, "python"},
		{[]string{"ruby2.*", "ruby3.*"}, "ruby"},
		{[]string{"golang-1.*"}, "golang"},
		{[]string{"tomcat7", "tomcat8", "tomcat9", "tomcat1*"}, "tomcat"},
		{[]string{"influxdb2"}, "influxdb"},
		{[]string{"mysql-community-client*"}, "mysql-client"},
		{[]string{"docker-ce-cli"}, "docker-cli"},
		{[]string{"rabbitmq-server"}, "rabbitmq"},
		{[]string{"dotnet-sdk-*"}, "dotnet-sdk"},
		{[]string{"dotnet-runtime-*"}, "dotnet"},
		{[]string{"aspnetcore-runtime-*"}, "aspnet-core"},
		{[]string{"gitlab-ce", "gitlab-ee"}, "gitlab"},
	}
}

// library tells what is named after a program and is released by itself:
// extensions, clients and drivers.
func library(name string) bool {
	if nameIn([]string{"php*-pecl*", "mariadb-connector*", "postgresql-common", "postgresql-client-common"}, name) {
		return true
	}
	// "postgresql-14-postgis-3": an extension for the server of that version
	rest, ok := strings.CutPrefix(name, "postgresql-")
	n := digits(rest)
	return ok && n > 0 && n < len(rest) && rest[n] == '-'
}
