package base

import (
	_ "embed"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

//go:embed data/alpine.zst
var packedAlpine []byte

// alpineNames are the packages that the releases of Alpine Linux have, as far
// as its records of fixed vulnerabilities name them. "edge" is later than each.
var alpineNames = sync.OnceValue(func() *packageTable { return mustLoad("names of Alpine's packages", packedAlpine, parsePackages) })

// alpineHas reports whether a release of Alpine Linux has a package. It is known of
// packages that some release has dropped or renamed, and of those that are in
// the records of fixed vulnerabilities.
func alpineHas(release, name string) (has, known bool) {
	if release == "" {
		return false, false
	}
	if slices.Contains(alpineAlways, name) {
		return true, true
	}
	if since, dropped := alpineSince[name], alpineUntil[name]; since != "" || dropped != "" {
		return (since == "" || compareVersions(release, since) >= 0) && (dropped == "" || compareVersions(release, dropped) < 0), true
	}
	if alpineRecorded(release, name) {
		return true, true
	}
	// Of software in several versions each has an origin of its own, which is in
	// the records until it goes; others leave them for other reasons.
	m := severalVersions.FindStringSubmatch(name)
	if m == nil {
		return false, false
	}
	t, origin := alpineNames(), m[1]+m[2]
	last := bits.Len(uint(t.mask(origin))) - 1
	next := last + 1 // the first release without it
	return false, last >= 0 && next < len(t.releases)-1 && compareVersions(release, t.releases[next]) >= 0
}

// alpineRecorded reports whether the records of a release, or those before and
// after it, name a package.
func alpineRecorded(release, name string) bool {
	t := alpineNames()
	mask, edge := t.mask(name), len(t.releases)-1
	if bit := slices.Index(t.releases, release); bit >= 0 {
		return mask>>bit&1 != 0
	}
	return compareVersions(release, t.releases[edge-1]) > 0 && mask>>(edge-1)&3 == 3
}

// severalVersions are software that a release has in several versions, each a
// package by its number, and what is split off it: "php81-fpm".
var severalVersions = lazyregexp.New(`^(php|postgresql|openjdk|ffmpeg|gnupg|mozjs|ceph|imagemagick|drupal|ruby|libgit2-|webkit2gtk-|dotnet)([0-9][0-9.]*)(-.+)?$`)

// alpineNear are packages that take another's place in a release.
func alpineNear(release, name string) []string {
	if to := alpineNow[name]; to != "" {
		return strings.Fields(to)
	}
	m := severalVersions.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	var out []string
	for n := range alpineNames().beginning(m[1]) {
		if o := severalVersions.FindStringSubmatch(n); o != nil && o[1] == m[1] && o[3] == "" && alpineRecorded(release, n) {
			out = append(out, n+m[3])
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return compareVersions(severalVersions.FindStringSubmatch(a)[2], severalVersions.FindStringSubmatch(b)[2])
	})
	return out[max(0, len(out)-3):]
}

// alpineSame are packages under the name that they have now.
var alpineSame = map[string]string{
	"nodejs-npm": "npm", "nodejs-current-npm": "npm", "openssl3": "openssl", "openssl3-dev": "openssl-dev", "ttf-dejavu": "font-dejavu",
}

// alpineNow are packages with what does their work now, in another version.
var alpineNow = map[string]string{
	"python": "python3", "python-dev": "python3-dev", "python2": "python3", "python2-dev": "python3-dev", "py2-pip": "py3-pip", "py-pip": "py3-pip",
	"libssl1.0": "libssl3", "libcrypto1.0": "libcrypto3", "libssl1.1": "libssl3", "libcrypto1.1": "libcrypto3", "openssl1.1-compat": "openssl",
	"openssl1.1-compat-dev": "openssl-dev", "openjdk7": "openjdk8", "openjdk7-jre": "openjdk8-jre", "openjdk7-jre-base": "openjdk8-jre-base",
	"gnupg1": "gnupg", "imagemagick6": "imagemagick", "imagemagick6-dev": "imagemagick-dev", "ffmpeg4": "ffmpeg", "ffmpeg4-dev": "ffmpeg-dev",
	"py-psycopg2": "py3-psycopg2", "py-setuptools": "py3-setuptools", "py-requests": "py3-requests", "p7zip": "7zip",
}

// alpineUntil are packages with the first release that has them no more.
var alpineUntil = map[string]string{
	"python": "3.12", "python-dev": "3.12", "py2-pip": "3.12", "python2": "3.16", "python2-dev": "3.16", "python2-tkinter": "3.16",
	"nodejs-npm": "3.12", "nodejs-current-npm": "3.12", "openjdk7": "3.16", "openjdk7-jre": "3.16", "openjdk7-jre-base": "3.16", "php7": "3.16",
	"php7-fpm": "3.16", "php7-cli": "3.16", "php5": "3.9", "php5-fpm": "3.9", "php5-cli": "3.9", "libssl1.0": "3.9", "libcrypto1.0": "3.9",
	"libssl1.1": "3.19", "libcrypto1.1": "3.19", "openssl1.1-compat": "3.19", "openssl1.1-compat-dev": "3.19", "wkhtmltopdf": "3.15", "mongodb": "3.10",
	"openssl3": "3.17", "openssl3-dev": "3.17",
}

// alpineSince are packages with the first release that has them.
var alpineSince = map[string]string{"npm": "3.12", "libssl3": "3.17", "libcrypto3": "3.17", "openjdk17": "3.15", "openjdk21": "3.19"}

// alpineAlways are packages that every release has had under one name.
var alpineAlways = strings.Fields(`bash curl wget git make gcc g++ build-base musl-dev libc-dev ca-certificates openssl openssl-dev openssh openssh-client
	tzdata tar gzip bzip2 xz unzip zip jq sed grep gawk coreutils findutils diffutils patch file su-exec tini sudo shadow nodejs python3 python3-dev
	libffi-dev zlib-dev postgresql-dev postgresql-client mariadb-dev libxml2-dev libxslt-dev jpeg-dev libjpeg-turbo-dev libpng-dev freetype-dev
	linux-headers autoconf automake libtool pkgconfig pkgconf cmake rsync vim nano less htop nginx supervisor redis imagemagick ffmpeg graphviz
	fontconfig ttf-dejavu bind-tools iputils iproute2 iptables net-tools socat procps util-linux ncurses readline-dev sqlite sqlite-dev
	sqlite-libs libpq gettext expat-dev pcre-dev icu-dev icu-libs gmp-dev yaml-dev libstdc++ libgcc libc6-compat ruby ruby-dev go cargo rust
	perl lua5.3 mercurial subversion gnupg busybox-extras dumb-init libcap krb5-dev openldap-dev cyrus-sasl-dev libsodium-dev libzip-dev oniguruma-dev curl-dev`)
