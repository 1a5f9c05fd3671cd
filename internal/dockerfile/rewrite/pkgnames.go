package rewrite

import "strings"

// aptToApk are packages of Debian with Alpine's of the same things; "-": Alpine
// has no need of it. Packages of the same name in both are in sameNames.
var aptToApk = map[string]string{
	"apt-transport-https": "-", "apt-utils": "-", "build-essential": "build-base", "gcc": "gcc musl-dev", "libc6-dev": "musl-dev", "libc-dev": "musl-dev", "pkg-config": "pkgconf",
	"python3-pip": "py3-pip", "python3-venv": "python3", "python3-setuptools": "py3-setuptools", "python3-wheel": "py3-wheel", "python-is-python3": "python3",
	"libpq5": "libpq", "default-libmysqlclient-dev": "mariadb-connector-c-dev", "libmariadb-dev": "mariadb-connector-c-dev", "libmariadb3": "mariadb-connector-c", "default-mysql-client": "mysql-client",
	"libssl-dev": "openssl-dev", "libssl3": "libssl3", "gnupg2": "gnupg", "xz-utils": "xz", "zlib1g-dev": "zlib-dev", "zlib1g": "zlib", "libxslt1-dev": "libxslt-dev", "libxslt1.1": "libxslt",
	"libjpeg-dev": "libjpeg-turbo-dev", "libjpeg62-turbo-dev": "libjpeg-turbo-dev", "libjpeg62-turbo": "libjpeg-turbo", "libpng16-16": "libpng", "libfreetype6-dev": "freetype-dev", "libfreetype6": "freetype",
	"libtiff-dev": "tiff-dev", "libgif-dev": "giflib-dev", "libopenjp2-7": "openjpeg", "iputils-ping": "iputils", "dnsutils": "bind-tools", "bind9-dnsutils": "bind-tools", "netcat": "netcat-openbsd",
	"libgl1": "mesa-gl", "libgl1-mesa-glx": "mesa-gl", "libglib2.0-0": "glib", "libsm6": "libsm", "libxext6": "libxext", "libxrender1": "libxrender", "libmagic1": "libmagic", "libmagic-dev": "file-dev",
	"libsqlite3-dev": "sqlite-dev", "sqlite3": "sqlite", "libsqlite3-0": "sqlite-libs", "libyaml-dev": "yaml-dev", "libicu-dev": "icu-dev", "libonig-dev": "oniguruma-dev", "libcurl4-openssl-dev": "curl-dev",
	"libgmp-dev": "gmp-dev", "libreadline-dev": "readline-dev", "libncurses-dev": "ncurses-dev", "libncurses5-dev": "ncurses-dev", "libbz2-dev": "bzip2-dev", "liblzma-dev": "xz-dev",
	"redis-tools": "redis", "default-jre-headless": "openjdk17-jre-headless", "default-jre": "openjdk17-jre", "default-jdk": "openjdk17-jdk", "openjdk-17-jdk": "openjdk17-jdk", "openjdk-17-jre-headless": "openjdk17-jre-headless",
	"openjdk-11-jdk": "openjdk11-jdk", "openjdk-11-jre-headless": "openjdk11-jre-headless", "openjdk-21-jdk": "openjdk21-jdk", "fonts-dejavu": "font-dejavu", "fonts-liberation": "font-liberation", "libnss3": "nss", "libgtk-3-0": "gtk+3.0",
	"libzmq3-dev": "zeromq-dev", "libgeos-dev": "geos-dev", "libproj-dev": "proj-dev", "gdal-bin": "gdal-tools", "libgdal-dev": "gdal-dev", "libldap2-dev": "openldap-dev", "libsasl2-dev": "cyrus-sasl-dev", "libkrb5-dev": "krb5-dev",
	"uuid-runtime": "util-linux", "locales": "-", "libcairo2-dev": "cairo-dev", "libpango1.0-dev": "pango-dev", "libpango-1.0-0": "pango", "libcairo2": "cairo", "protobuf-compiler": "protoc", "golang-go": "go", "rustc": "rust", "ninja-build": "samurai",
	"awscli": "aws-cli", "bsdmainutils": "util-linux", "lsb-release": "-",
}

// sameNames are packages with one name in both.
var sameNames = strings.Fields(`ca-certificates curl wget git make g++ cmake autoconf automake libtool bison flex clang llvm python3 python3-dev bash openssl
	gnupg unzip zip tar gzip bzip2 libffi-dev libxml2-dev libxml2 libpng-dev libwebp-dev imagemagick graphviz ffmpeg jq vim nano less procps net-tools netcat-openbsd
	iproute2 openssh-client openssh-server rsync tzdata file libzip-dev libevent-dev libsodium-dev nodejs npm ruby ruby-dev nginx supervisor sudo tini dumb-init
	mariadb-client postgresql-client libpq-dev fontconfig chromium xvfb gettext patch diffutils findutils coreutils sed gawk socat telnet htop tree tmux screen
	binutils mercurial subversion maven gradle cargo php perl lua5.3 haproxy redis memcached sqlite-libs yarn librdkafka-dev unixodbc-dev unixodbc freetds-dev gfortran nasm yasm swig strace
	lsof psmisc pv parallel expect aria2 inotify-tools apache2-utils dos2unix poppler-utils tesseract-ocr ghostscript`)

// apkToApt is the other direction, for names that are one to one.
func apkToApt(name string) (string, bool) {
	preferred := map[string]string{
		"build-base": "build-essential", "musl-dev": "libc6-dev", "linux-headers": "linux-libc-dev", "postgresql-dev": "libpq-dev", "mariadb-dev": "libmariadb-dev", "mariadb-connector-c-dev": "libmariadb-dev",
		"openssl-dev": "libssl-dev", "jpeg-dev": "libjpeg-dev", "libjpeg-turbo-dev": "libjpeg-dev", "freetype-dev": "libfreetype6-dev", "zlib-dev": "zlib1g-dev", "xz": "xz-utils", "py3-pip": "python3-pip", "pkgconf": "pkg-config", "pkgconfig": "pkg-config",
		"libxslt-dev": "libxslt1-dev", "sqlite": "sqlite3", "sqlite-dev": "libsqlite3-dev", "bind-tools": "dnsutils", "iputils": "iputils-ping", "yaml-dev": "libyaml-dev", "icu-dev": "libicu-dev", "curl-dev": "libcurl4-openssl-dev", "oniguruma-dev": "libonig-dev",
		"gmp-dev": "libgmp-dev", "readline-dev": "libreadline-dev", "ncurses-dev": "libncurses-dev", "xz-dev": "liblzma-dev", "bzip2-dev": "libbz2-dev", "libpq": "libpq5", "mysql-client": "default-mysql-client", "tiff-dev": "libtiff-dev", "giflib-dev": "libgif-dev",
		"libmagic": "libmagic1", "file-dev": "libmagic-dev", "util-linux": "util-linux", "shadow": "-", "libc6-compat": "-", "gcompat": "-", "libstdc++": "libstdc++6", "cairo-dev": "libcairo2-dev", "pango-dev": "libpango1.0-dev", "krb5-dev": "libkrb5-dev", "openldap-dev": "libldap2-dev", "coreutils": "coreutils",
	}
	to, ok := preferred[name]
	return to, ok
}
