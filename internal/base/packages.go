package base

import (
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/packages.zst
var packedPackages []byte

// packageTable is which packages the releases of Debian and Ubuntu have: those
// that Dockerfiles install, not every one.
type packageTable struct {
	releases []string       // "debian-12", by the bits of the masks
	has      map[string]int // a mask of a name
}

var packageNames = sync.OnceValue(func() *packageTable { return mustLoad("names of packages", packedPackages, parsePackages) })

var errPackages = errors.New("no table of package names")

func parsePackages(text string) (*packageTable, error) {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok {
		return nil, errPackages
	}
	t := &packageTable{releases: strings.Fields(head), has: make(map[string]int, 1<<16)}
	for line := range strings.Lines(rest) {
		mask, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		m, err := strconv.ParseUint(mask, 16, 16)
		if err != nil || m>>len(t.releases) != 0 || names == "" {
			return nil, errPackages
		}
		for n := range strings.SplitSeq(names, " ") {
			t.has[n] = int(m)
		}
	}
	return t, nil
}

// HasPackage says whether a release of a distribution ("debian", "12") has a
// package of a name. known is false where that cannot be told: the release, or
// the package, is not in the embedded facts.
func HasPackage(distribution, release, name string) (has, known bool) {
	if distribution == "alpine" {
		return alpineHas(release, name)
	}
	t := packageNames()
	bit := slices.Index(t.releases, distribution+"-"+release)
	mask, listed := t.has[name]
	if bit < 0 || !listed {
		return false, false
	}
	return mask>>bit&1 != 0, true
}

// alpineHas says it of Alpine Linux, of packages that some release has dropped
// or renamed.
func alpineHas(release, name string) (has, known bool) {
	if release != "" && slices.Contains(alpineAlways, name) {
		return true, true
	}
	since, dropped := alpineSince[name], alpineUntil[name]
	if release == "" || since == "" && dropped == "" {
		return false, false
	}
	return (since == "" || compareVersions(release, since) >= 0) && (dropped == "" || compareVersions(release, dropped) < 0), true
}

// alpineUntil are packages with the first release that has them no more.
var alpineUntil = map[string]string{
	"python": "3.12", "python-dev": "3.12", "py2-pip": "3.12", "python2": "3.16", "python2-dev": "3.16", "python2-tkinter": "3.16",
	"nodejs-npm": "3.12", "nodejs-current-npm": "3.12", "openjdk7": "3.16", "openjdk7-jre": "3.16", "openjdk7-jre-base": "3.16", "php7": "3.16",
	"php7-fpm": "3.16", "php7-cli": "3.16", "php5": "3.9", "php5-fpm": "3.9", "php5-cli": "3.9", "libssl1.0": "3.9", "libcrypto1.0": "3.9",
	"libssl1.1": "3.19", "libcrypto1.1": "3.19", "openssl1.1-compat": "3.19", "openssl1.1-compat-dev": "3.19", "wkhtmltopdf": "3.15", "mongodb": "3.10",
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
