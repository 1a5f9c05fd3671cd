package rewrite

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// parcel is what a program needs of the system, as packages of Debian and of
// Alpine; empty: that system has no package of it.
type parcel struct{ debian, alpine string }

func (p parcel) on(system string) []string {
	if system == "alpine" {
		return strings.Fields(p.alpine)
	}
	return strings.Fields(p.debian)
}

func same(name string) parcel { return parcel{name, name} }

// programs are what applications start, by name.
var programs = map[string]parcel{
	"git": same("git"), "ffmpeg": same("ffmpeg"), "ffprobe": same("ffmpeg"), "convert": same("imagemagick"), "magick": same("imagemagick"),
	"identify": same("imagemagick"), "mogrify": same("imagemagick"), "wkhtmltopdf": {"wkhtmltopdf", ""}, "wkhtmltoimage": {"wkhtmltopdf", ""},
	"tesseract": same("tesseract-ocr"), "pdftotext": same("poppler-utils"), "pdftoppm": same("poppler-utils"), "pdfinfo": same("poppler-utils"),
	"gs": same("ghostscript"), "dot": same("graphviz"), "pandoc": {"pandoc", "pandoc-cli"}, "soffice": {"libreoffice-nogui", "libreoffice"},
	"libreoffice": {"libreoffice-nogui", "libreoffice"}, "pg_dump": same("postgresql-client"), "pg_restore": same("postgresql-client"),
	"psql": same("postgresql-client"), "mysqldump": {"default-mysql-client", "mysql-client"}, "mysql": {"default-mysql-client", "mysql-client"},
	"redis-cli": {"redis-tools", "redis"}, "curl": same("curl"), "wget": same("wget"), "rsync": same("rsync"), "ssh": same("openssh-client"),
	"ssh-keygen": same("openssh-client"), "scp": same("openssh-client"), "gpg": same("gnupg"), "openssl": same("openssl"), "zip": same("zip"),
	"unzip": same("unzip"), "7z": {"p7zip-full", "7zip"}, "xz": {"xz-utils", "xz"}, "hg": same("mercurial"), "svn": same("subversion"), "jq": same("jq"),
	"exiftool": {"libimage-exiftool-perl", "exiftool"}, "chromium": same("chromium"), "chromium-browser": same("chromium"), "sox": same("sox"),
	"nmap": same("nmap"), "ping": {"iputils-ping", "iputils"}, "dig": {"dnsutils", "bind-tools"}, "iptables": same("iptables"), "ip": same("iproute2"),
	"gifsicle": same("gifsicle"), "optipng": same("optipng"), "jpegoptim": same("jpegoptim"), "pngquant": same("pngquant"), "cwebp": {"webp", "libwebp-tools"},
	"qpdf": same("qpdf"), "pdftk": {"pdftk-java", "pdftk"}, "tcpdump": same("tcpdump"), "make": same("make"), "python3": same("python3"), "perl": same("perl"),
	"bash": same("bash"), "node": {"nodejs", "nodejs"}, "rclone": same("rclone"), "restic": same("restic"), "smbclient": {"smbclient", "samba-client"},
}

// everywhere are programs that a shell or a small system has.
var everywhere = strings.Fields(`sh ls cat cp mv rm mkdir rmdir chmod chown ln echo printf test true false sleep date env id whoami hostname uname pwd
	tar gzip gunzip sed awk grep head tail sort uniq wc cut tr tee touch find xargs kill du df stat basename dirname md5sum sha256sum readlink mktemp nice nohup dd`)

// javaClients are libraries for the JVM by their artifact.
var javaClients = map[string]parcel{
	"java-wkhtmltopdf-wrapper": programs["wkhtmltopdf"], "im4java": same("imagemagick"), "jmagick": {"libjmagick6-java", ""}, "jave-core": same("ffmpeg"),
	"ffmpeg-cli-wrapper": same("ffmpeg"), "jaffree": same("ffmpeg"), "tess4j": same("tesseract-ocr"), "ghost4j": same("ghostscript"),
	"jodconverter-local": programs["soffice"], "pcap4j-core": {"libpcap0.8", "libpcap"}, "jzmq": {"libzmq5", "libzmq"}, "vlcj": {"vlc", "vlc"},
	"usb4java": {"libusb-1.0-0", "libusb"}, "chromedriver": same("chromium"),
}

// javaDraws are libraries for the JVM that draw text, which takes fonts.
var javaDraws = []string{
	"jasperreports", "poi-ooxml", "poi", "pdfbox", "jfreechart", "openhtmltopdf-pdfbox", "flying-saucer-pdf", "batik-transcoder", "kaptcha", "easy-captcha",
	"hutool-captcha", "easyexcel", "plantuml", "zxing", "thumbnailator", "documents4j-api", "jxls-poi", "simplecaptcha",
}

// phpClients are packages of Composer.
var phpClients = map[string]parcel{
	"knplabs/knp-snappy": programs["wkhtmltopdf"], "knplabs/knp-snappy-bundle": programs["wkhtmltopdf"], "barryvdh/laravel-snappy": programs["wkhtmltopdf"],
	"mikehaertl/phpwkhtmltopdf": programs["wkhtmltopdf"], "php-ffmpeg/php-ffmpeg": same("ffmpeg"), "pbmedia/laravel-ffmpeg": same("ffmpeg"),
	"spatie/pdf-to-text": same("poppler-utils"), "spatie/pdf-to-image": same("ghostscript"), "thiagoalessio/tesseract_ocr": same("tesseract-ocr"),
	"spatie/image-optimizer": same("jpegoptim optipng pngquant gifsicle"), "spatie/laravel-image-optimizer": same("jpegoptim optipng pngquant gifsicle"),
	"czproject/git-php": same("git"), "gitonomy/gitlib": same("git"), "cpliakas/git-wrapper": same("git"), "symplify/git-wrapper": same("git"),
	"orbitale/imagemagick-php": same("imagemagick"), "symfony/panther": same("chromium"), "spatie/browsershot": same("chromium"), "chrome-php/chrome": same("chromium"),
	"spatie/laravel-backup": {"default-mysql-client", "mysql-client"}, "spatie/db-dumper": {"default-mysql-client", "mysql-client"}, "ifsnop/mysqldump-php": {},
	"composer/composer": same("git unzip"), "composer/satis": same("git unzip"), "phpoffice/phpword": {}, "jcupitt/vips": {"libvips42", "vips"},
}

// phpExtensions load libraries that PHP's images have not.
var phpExtensions = map[string]parcel{
	"gd": {"libpng16-16 libjpeg62-turbo libfreetype6 libwebp7", "libpng libjpeg-turbo freetype libwebp"}, "intl": {"libicu72", "icu-libs"},
	"zip": {"libzip4", "libzip"}, "pgsql": {"libpq5", "libpq"}, "pdo_pgsql": {"libpq5", "libpq"}, "xsl": {"libxslt1.1", "libxslt"},
	"gmp": {"libgmp10", "gmp"}, "ldap": {"libldap-2.5-0", "libldap"}, "tidy": {"libtidy5deb1", "tidyhtml-libs"}, "imap": {"libc-client2007e", "c-client"},
	"snmp": {"libsnmp40", "net-snmp-libs"}, "enchant": {"libenchant-2-2", "enchant2-libs"}, "pspell": {"libaspell15", "aspell-libs"},
	"bz2": {"libbz2-1.0", "libbz2"}, "ffi": {"libffi8", "libffi"}, "gettext": {"", "libintl"}, "pdo_odbc": {"unixodbc", "unixodbc"},
	"pdo_dblib": {"libsybdb5", "freetds"}, "soap": {"", "libxml2"}, "dba": {"libdb5.3", "db"},
	"imagick": {"libmagickwand-6.q16-6", "imagemagick"}, "memcached": {"libmemcached11", "libmemcached-libs"}, "amqp": {"librabbitmq4", "rabbitmq-c"},
	"yaml": {"libyaml-0-2", "yaml"}, "rdkafka": {"librdkafka1", "librdkafka"}, "ssh2": {"libssh2-1", "libssh2"}, "sqlsrv": {"unixodbc", "unixodbc"},
	"pdo_sqlsrv": {"unixodbc", "unixodbc"}, "vips": {"libvips42", "vips"}, "zmq": {"libzmq5", "libzmq"}, "event": {"libevent-2.1-7", "libevent"},
	"uuid": {"libuuid1", "libuuid"}, "gnupg": {"libgpgme11", "gpgme"}, "maxminddb": {"libmaxminddb0", "libmaxminddb"}, "gearman": {"libgearman8", ""},
}

// goClients are modules that start a program, or load a library, by the
// beginning of their path.
var goClients = map[string]parcel{
	"github.com/SebastiaanKlippert/go-wkhtmltopdf": programs["wkhtmltopdf"], "github.com/u2takey/ffmpeg-go": same("ffmpeg"), "github.com/xfrr/goffmpeg": same("ffmpeg"),
	"github.com/floostack/transcoder": same("ffmpeg"), "github.com/gogs/git-module": same("git"), "code.gitea.io/git": same("git"), "github.com/ldez/go-git-cmd-wrapper": same("git"),
	"github.com/hashicorp/go-getter": same("git"), "github.com/chromedp/chromedp": same("chromium"), "github.com/go-rod/rod": same("chromium"),
	"github.com/otiai10/gosseract": {"tesseract-ocr", "tesseract-ocr"}, "github.com/h2non/bimg": {"libvips42", "vips"}, "github.com/davidbyttow/govips": {"libvips42", "vips"},
	"gopkg.in/gographics/imagick": {"libmagickwand-6.q16-6", "imagemagick"}, "github.com/google/gopacket": {"libpcap0.8", "libpcap"},
	"github.com/gopacket/gopacket": {"libpcap0.8", "libpcap"}, "github.com/libgit2/git2go": {"libgit2-1.5", "libgit2"}, "github.com/pebbe/zmq4": {"libzmq5", "libzmq"},
	"github.com/tecbot/gorocksdb": {"librocksdb7.8", "rocksdb"}, "github.com/linxGnu/grocksdb": {"librocksdb7.8", "rocksdb"}, "github.com/goccy/go-graphviz": {},
	"github.com/mattn/go-sqlite3": {}, "github.com/confluentinc/confluent-kafka-go": {}, "github.com/marcboeker/go-duckdb": {}, "github.com/gen2brain/go-fitz": {},
	"github.com/alexbrainman/odbc": {"unixodbc", "unixodbc"}, "github.com/gordonklaus/portaudio": {"libportaudio2", "portaudio"},
}

// rubyClients are gems.
var rubyClients = map[string]parcel{
	"mini_magick": same("imagemagick"), "rmagick": {"libmagickwand-6.q16-6", "imagemagick"}, "wicked_pdf": programs["wkhtmltopdf"], "pdfkit": programs["wkhtmltopdf"],
	"streamio-ffmpeg": same("ffmpeg"), "git": same("git"), "pg": {"libpq5", "libpq"}, "mysql2": {"libmariadb3", "mariadb-connector-c"}, "ruby-vips": {"libvips42", "vips"},
	"image_processing": {"libvips42", "vips"}, "rtesseract": same("tesseract-ocr"), "ruby-graphviz": same("graphviz"), "execjs": {"nodejs", "nodejs"},
	"charlock_holmes": {"libicu72", "icu-libs"}, "grover": same("chromium"), "tiny_tds": {"libsybdb5", "freetds"}, "docsplit": same("poppler-utils"),
}

// instead is what a release has in the place of a package.
func (d *draft) instead(y system, name string) (same, near []string) {
	if d.Renamed == nil {
		return nil, nil
	}
	return d.Renamed(y.distribution, y.release, name)
}

// called is a package by the name that a release has it under: the library of
// another version where there is one alone. ok is false where it has none, or
// where the release is not known and not all have it under one name.
func (d *draft) called(y system, name string) (as []string, ok bool) {
	if d.Package == nil || y.distribution == "alpine" {
		return []string{name}, true
	}
	if !y.known() {
		return []string{name}, !slices.ContainsFunc([]string{"11", "12", "13"}, func(release string) bool {
			has, known := d.Package("debian", release, name)
			return known && !has
		})
	}
	has, known := d.Package(y.distribution, y.release, name)
	if has {
		return []string{name}, true
	}
	same, near := d.instead(y, name)
	switch {
	case len(same) > 0:
		return same, true
	case len(near) == 1:
		return near, true
	}
	return []string{name}, !known
}

// standing is the system of the image that the final stage stands on.
func (c *conversion) standing() system {
	r, old := parseReference(c.base), parseReference(c.stage.Base)
	switch n := slices.Index(debianNames, r.codename()); {
	case n >= 0:
		return system{"debian", strconv.Itoa(n + firstDebian)}
	case r.Name == old.Name:
		return c.systemOf(c.stage)
	}
	return system{}
}

// needed has the final stage install what one of its parts needs, where its base
// is another than the build's or built is set, and keep it where the build
// installs it.
func (c *carrying) needed(by string, p parcel, built bool) error {
	names := p.on(c.system())
	if len(names) == 0 {
		if p.debian == "" || c.system() != "alpine" {
			return nil // it has what it needs
		}
		return refuse(nil, "%s needs %s, of which %s has no package", by, p.debian, c.base)
	}
	y := c.standing()
	for _, name := range names {
		as, ok := c.called(y, name)
		if !ok {
			return refuse(nil, "%s needs %s, and %s has no package of that name", by, name, y)
		}
		for _, n := range as {
			c.keeps = append(c.keeps, n)
			if (built || c.base != c.stage.BaseRaw) && !slices.Contains(c.install, n) {
				c.install = append(c.install, n)
				c.note("%s needs %s, which the final stage installs", by, n)
			}
		}
	}
	return nil
}

// starting says which programs the sources below a folder of the context start,
// with the file that does; call finds a call, with the program in a group.
func (c *conversion) starting(dir string, call *lazyregexp.Regexp, suffixes ...string) map[string]string {
	out := map[string]string{}
	if c.Context == nil {
		return out
	}
	for _, suffix := range suffixes {
		for _, name := range c.filesOf(dir, suffix) {
			if rest, _ := below(name, dir); skipped(rest) || strings.Contains("/"+name, "/node_modules/") || strings.Contains("/"+name, "/test") {
				continue
			}
			b, err := c.Context.Read(name, maxText)
			if err != nil {
				continue
			}
			for _, m := range call.FindAllSubmatch(b, -1) {
				if p := path.Base(string(m[1])); out[p] == "" {
					out[p] = name
				}
			}
		}
	}
	return out
}

// Calls by which sources start a program, with its name beside them.
var (
	rustStarts   = lazyregexp.New(`\bCommand::new\s*\(\s*"([\w./+-]+)"`)
	pythonStarts = lazyregexp.New(`(?:\b(?:run|call|check_call|check_output|Popen|getoutput|getstatusoutput|which)|\bos\.(?:system|popen|execvp|execlp)|` +
		`create_subprocess_(?:exec|shell))\s*\(\s*\[?\s*f?["']([\w./+-]+)`)
	nodeStarts = lazyregexp.New("(?m)(?:^|[^.\\w]|child_process\\.|\\bcp\\.)(?:exec|execSync|spawn|spawnSync|execFile|execFileSync|execa|execaSync)\\s*\\(\\s*[\"'`]([\\w./+-]+)")
)

// inSlim are programs that the small images of languages have.
var inSlim = []string{"bash", "perl", "python3", "node", "openssl", "make"}

// startedBySources has the final stage install the programs that the sources
// below a folder of the context are seen to start.
func (c *carrying) startedBySources(dir string, call *lazyregexp.Regexp, suffixes ...string) error {
	found := c.starting(dir, call, suffixes...)
	for _, p := range slices.Sorted(maps.Keys(found)) {
		if known, ok := programs[p]; ok && !slices.Contains(inSlim, p) {
			if err := c.needed(path.Base(found[p])+", which starts "+p+",", known, false); err != nil {
				return err
			}
		}
	}
	return nil
}
