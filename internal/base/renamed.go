package base

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// RenamedPackage says what a release of a distribution has in the place of a
// package that it has not. same are the packages that are it under another name;
// near are those of another version, which what was built for the old one may
// not run with.
func RenamedPackage(distribution, release, name string) (same, near []string) {
	switch distribution {
	case "alpine":
		if to := alpineSame[name]; to != "" {
			if has, _ := alpineHas(release, to); has {
				return []string{to}, nil
			}
		}
		return nil, alpineNear(release, name)
	case "debian", "ubuntu":
	default:
		return nil, nil
	}
	t := packageNames()
	bit := slices.Index(t.releases, distribution+"-"+release)
	if bit < 0 {
		return nil, nil
	}
	all := func(names string) []string {
		list := strings.Fields(names)
		if slices.ContainsFunc(list, func(n string) bool { return t.mask(n)>>bit&1 == 0 }) {
			return nil
		}
		return list
	}
	if same = all(debianSame[name]); len(same) > 0 {
		return same, nil
	}
	if near = all(debianNear[name]); len(near) > 0 {
		return nil, near
	}
	for _, n := range t.ofKind(name) {
		if n != name && t.mask(n)>>bit&1 != 0 && t.mask(n+"t64")>>bit&1 == 0 {
			near = append(near, n)
		}
	}
	slices.SortFunc(near, func(a, b string) int { return compareVersions(numbersOf(a), numbersOf(b)) })
	return nil, near[max(0, len(near)-3):]
}

var digits = lazyregexp.New(`[0-9][0-9.]*`)

// kindOfPackage is a name without its numbers: of libicu72, libicu76 and
// libicu74t64 the same.
func kindOfPackage(name string) string {
	return digits.ReplaceAllString(strings.TrimSuffix(name, "t64"), "#")
}

// numbersOf are the numbers of a name as one version.
func numbersOf(name string) string {
	return strings.Join(digits.FindAllString(strings.TrimSuffix(name, "t64"), -1), ".")
}

// ofKind are the names of packages that a number alone tells from another's.
func (t *packageTable) ofKind(name string) []string {
	kind := kindOfPackage(name)
	before, _, numbered := strings.Cut(kind, "#")
	if !numbered {
		return nil
	}
	after := kind[strings.LastIndexByte(kind, '#')+1:]
	var all []string
	for digit := '0'; digit <= '9'; digit++ {
		for n := range t.beginning(before + string(digit)) {
			if strings.HasSuffix(strings.TrimSuffix(n, "t64"), after) && kindOfPackage(n) == kind {
				all = append(all, n)
			}
		}
	}
	return all
}

// debianSame are packages of Debian and Ubuntu under the names that took their
// place: an older release has a transitional package of each, which depends on
// them, and libasound2 has the same programs run as before.
var debianSame = map[string]string{
	"libasound2": "libasound2t64", "libgl1-mesa-glx": "libgl1 libglx-mesa0", "libegl1-mesa": "libegl1", "libgles2-mesa": "libgles2", "netcat": "netcat-openbsd",
	"libwayland-egl1-mesa": "libwayland-egl1", "libgdk-pixbuf2.0-0": "libgdk-pixbuf-2.0-0", "libgdk-pixbuf2.0-dev": "libgdk-pixbuf-2.0-dev", "policykit-1": "polkitd pkexec",
	"mime-support": "media-types mailcap", "liblz4-tool": "lz4", "gpgv2": "gpgv", "etcd": "etcd-server etcd-client", "libopenblas-base": "libopenblas0", "libncurses5-dev": "libncurses-dev",
	"vim-gtk": "vim-gtk3", "ttf-dejavu": "fonts-dejavu", "ttf-dejavu-core": "fonts-dejavu-core", "ttf-liberation": "fonts-liberation", "ttf-freefont": "fonts-freefont-ttf",
	"ttf-wqy-zenhei": "fonts-wqy-zenhei", "ttf-wqy-microhei": "fonts-wqy-microhei", "libdc1394-22-dev": "libdc1394-dev",
	"libmariadbclient-dev": "libmariadb-dev", "dnsutils": "bind9-dnsutils", "iproute": "iproute2", "letsencrypt": "certbot", "gnupg-agent": "gpg-agent", "realpath": "coreutils",
	"exuberant-ctags": "universal-ctags",
}

// debianNear are packages with what does their work now.
var debianNear = map[string]string{
	"youtube-dl": "yt-dlp", "ntp": "ntpsec", "ntpdate": "ntpsec-ntpdate", "mlocate": "plocate", "libldap-2.4-2": "libldap2", "libldap-2.5-0": "libldap2", "libpcre3": "libpcre2-8-0",
	"libpcre3-dev": "libpcre2-dev", "libappindicator1": "libayatana-appindicator1", "libappindicator3-1": "libayatana-appindicator3-1", "mysql-client": "default-mysql-client",
	"mysql-server": "default-mysql-server", "libmysqlclient-dev": "default-libmysqlclient-dev", "python": "python3", "python-dev": "python3-dev", "python-pip": "python3-pip",
	"libidn11": "libidn12", "libidn11-dev": "libidn-dev", "libcurl3": "libcurl4", "libpng12-0": "libpng16-16", "libpng12-dev": "libpng-dev", "libjpeg8": "libjpeg62-turbo",
	"libjpeg-turbo8": "libjpeg62-turbo", "libjpeg62-turbo": "libjpeg-turbo8", "libxml2": "libxml2-16", "libmysqlclient21": "libmariadb3",
}
