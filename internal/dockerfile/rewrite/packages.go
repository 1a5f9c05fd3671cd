package rewrite

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// packages are what a command installs by a distribution's package manager.
type packages struct {
	manager string // "apt", "apk", "rpm"; empty: it installs none
	names   []dockerfile.ShellWord
}

// packagesOf reads an installation, with the names that a variable of the same
// script stands for.
func packagesOf(cmd *dockerfile.Command) packages {
	p := installationOf(cmd)
	if !slices.ContainsFunc(p.names, func(w dockerfile.ShellWord) bool { return w.Values != nil }) {
		return p
	}
	var names []dockerfile.ShellWord
	for _, w := range p.names {
		if w.Values == nil {
			names = append(names, w)
		}
		for _, v := range w.Values {
			names = append(names, dockerfile.ShellWord{Text: v, Literal: true, Values: w.Values, Span: w.Span})
		}
	}
	return packages{p.manager, names}
}

// installationOf reads an installation as it is written.
func installationOf(cmd *dockerfile.Command) packages {
	switch cmd.Program() {
	case "apt-get", "apt", "aptitude":
		if cmd.Is(cmd.Program(), "install") || slices.ContainsFunc(cmd.Operands("-o", "-t", "-c"), func(w dockerfile.ShellWord) bool { return w.Text == "install" }) {
			return packages{"apt", dropped(cmd.Operands("-o", "-t", "-c", "--target-release"), "install")}
		}
	case "apk":
		ops := cmd.Operands("-t", "--virtual", "-X", "--repository", "-p", "--root")
		if len(ops) > 0 && ops[0].Text == "add" {
			return packages{"apk", ops[1:]}
		}
	case "yum", "dnf", "microdnf":
		if ops := cmd.Operands("--repo", "--enablerepo"); len(ops) > 0 && ops[0].Text == "install" {
			return packages{"rpm", ops[1:]}
		}
	}
	return packages{}
}

func dropped(words []dockerfile.ShellWord, text string) []dockerfile.ShellWord {
	return slices.DeleteFunc(slices.Clone(words), func(w dockerfile.ShellWord) bool { return w.Text == text })
}

// name is a package without the version or release that is asked for.
func packageName(word string) string {
	if i := strings.IndexAny(word, "=<>~/@"); i > 0 {
		word = word[:i]
	}
	return word
}

func (p packages) any(names ...string) bool { return p.first(names...) != "" }

// first is the first of the packages that is one of the names.
func (p packages) first(names ...string) string {
	for _, w := range p.names {
		if n := packageName(w.Text); slices.Contains(names, n) {
			return n
		}
	}
	return ""
}

// toolchain reports whether a package is for building programs alone.
func toolchain(manager, name string) bool {
	switch manager {
	case "apt":
		return slices.Contains(aptTools, name)
	case "apk":
		return slices.Contains(apkTools, name) || strings.HasPrefix(name, ".")
	}
	return slices.Contains(rpmTools, name)
}

var (
	aptTools = []string{
		"build-essential", "gcc", "g++", "cpp", "make", "cmake", "ninja-build", "autoconf", "automake", "libtool", "pkg-config", "pkgconf",
		"git", "git-core", "clang", "llvm", "binutils", "bison", "flex", "gfortran", "cargo", "rustc", "golang", "golang-go", "dpkg-dev",
		"python3-dev", "python-dev", "python3-pip", "python3-setuptools", "python3-wheel", "python3-venv", "libc6-dev", "libc-dev",
		"apt-utils", "software-properties-common", "apt-transport-https", "gnupg", "gnupg2", "lsb-release", "maven", "gradle", "node-gyp",
		"default-jdk", "default-jdk-headless", "protobuf-compiler", "swig", "nasm", "yasm", "patch", "unzip", "xz-utils", "devscripts", "fakeroot",
		"vim", "nano", "less", "man-db", "sudo",
	}
	apkTools = []string{
		"build-base", "gcc", "g++", "make", "cmake", "ninja", "autoconf", "automake", "libtool", "pkgconfig", "pkgconf", "git", "clang", "llvm",
		"binutils", "bison", "flex", "gfortran", "cargo", "rust", "go", "musl-dev", "libc-dev", "linux-headers", "python3-dev", "python2-dev", "python-dev", "py3-pip",
		"py-pip", "py3-wheel", "py3-setuptools", "alpine-sdk", "maven", "gradle", "nasm", "patch", "swig", "protoc", "protobuf-dev", "unzip",
		"vim", "nano", "less", "sudo", "abuild", "samurai",
	}
	rpmTools = []string{"gcc", "gcc-c++", "make", "cmake", "git", "autoconf", "automake", "libtool", "rpm-build", "python3-devel", "redhat-rpm-config", "golang", "cargo", "rust"}
)

// library is the package that a program needs of one that is for building
// against it; empty: the slim images have it.
func library(manager, name string) (lib string, known bool) {
	table := aptLibraries
	if manager == "apk" {
		table = apkLibraries
	}
	lib, known = table[name]
	return lib, known
}

var aptLibraries = map[string]string{
	"libpq-dev": "libpq5", "default-libmysqlclient-dev": "libmariadb3", "libmariadb-dev": "libmariadb3", "libmariadb-dev-compat": "libmariadb3",
	"libmariadbclient-dev": "libmariadb3", "libffi-dev": "", "libssl-dev": "", "zlib1g-dev": "", "libbz2-dev": "", "liblzma-dev": "", "libsqlite3-dev": "libsqlite3-0",
	"libreadline-dev": "", "libncurses5-dev": "", "libncurses-dev": "", "libxml2-dev": "libxml2", "libxslt1-dev": "libxslt1.1", "libxslt-dev": "libxslt1.1",
	"libjpeg-dev": "libjpeg62-turbo", "libjpeg62-turbo-dev": "libjpeg62-turbo", "libpng-dev": "libpng16-16", "libfreetype6-dev": "libfreetype6", "libfreetype-dev": "libfreetype6",
	"libtiff-dev": "libtiff6", "libtiff5-dev": "libtiff6", "libopenjp2-7-dev": "libopenjp2-7", "libgmp-dev": "libgmp10", "libmagic-dev": "libmagic1", "libyaml-dev": "libyaml-0-2",
	"libcairo2-dev": "libcairo2", "libpango1.0-dev": "libpango-1.0-0", "libgif-dev": "libgif7", "librsvg2-dev": "librsvg2-2", "libevent-dev": "libevent-2.1-7",
	"libsodium-dev": "libsodium23", "libzmq3-dev": "libzmq5", "libgeos-dev": "libgeos-c1v5", "librdkafka-dev": "librdkafka1", "libxmlsec1-dev": "libxmlsec1-openssl",
	"libkrb5-dev": "libgssapi-krb5-2", "libsasl2-dev": "libsasl2-2", "unixodbc-dev": "unixodbc", "freetds-dev": "freetds-bin", "libpcre3-dev": "libpcre3", "libpcre2-dev": "libpcre2-8-0",
	"libicu-dev": "libicu72", "libzip-dev": "libzip4", "libmagickwand-dev": "libmagickwand-6.q16-6", "libldap2-dev": "libldap-2.5-0", "libldap-dev": "libldap-2.5-0",
	"libwebp-dev": "libwebp7", "libmemcached-dev": "libmemcached11", "librabbitmq-dev": "librabbitmq4", "libtidy-dev": "libtidy5deb1", "libvips-dev": "libvips42",
	"libpcap-dev": "libpcap0.8", "libonig-dev": "libonig5", "libcurl4-openssl-dev": "libcurl4", "libcurl4-gnutls-dev": "libcurl3-gnutls", "libssh2-1-dev": "libssh2-1",
	"libpspell-dev": "libaspell15", "libsnmp-dev": "libsnmp40", "libxpm-dev": "libxpm4", "libavif-dev": "libavif15", "libgpgme-dev": "libgpgme11", "libsystemd-dev": "libsystemd0",
}

var apkLibraries = map[string]string{
	"postgresql-dev": "libpq", "libpq-dev": "libpq", "mariadb-dev": "mariadb-connector-c", "mariadb-connector-c-dev": "mariadb-connector-c", "mysql-dev": "mariadb-connector-c",
	"libffi-dev": "libffi", "openssl-dev": "", "libressl-dev": "", "zlib-dev": "", "bzip2-dev": "", "xz-dev": "", "sqlite-dev": "sqlite-libs", "readline-dev": "", "ncurses-dev": "",
	"libxml2-dev": "libxml2", "libxslt-dev": "libxslt", "jpeg-dev": "libjpeg-turbo", "libjpeg-turbo-dev": "libjpeg-turbo", "libpng-dev": "libpng", "freetype-dev": "freetype",
	"tiff-dev": "tiff", "openjpeg-dev": "openjpeg", "gmp-dev": "gmp", "file-dev": "libmagic", "yaml-dev": "yaml", "cairo-dev": "cairo", "pango-dev": "pango", "giflib-dev": "giflib",
	"librsvg-dev": "librsvg", "libevent-dev": "libevent", "libsodium-dev": "libsodium", "zeromq-dev": "libzmq", "geos-dev": "geos", "librdkafka-dev": "librdkafka",
	"krb5-dev": "krb5-libs", "cyrus-sasl-dev": "libsasl", "openldap-dev": "libldap", "unixodbc-dev": "unixodbc", "pcre-dev": "pcre", "pcre2-dev": "pcre2", "vips-dev": "vips", "curl-dev": "libcurl",
	"icu-dev": "icu-libs", "libzip-dev": "libzip", "oniguruma-dev": "oniguruma",
}
