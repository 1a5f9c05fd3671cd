package catalog

import (
	"bytes"
	"path"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// signature is how one program is known: by its file's name, then by a string
// in it that says its version. Anchor is the rarest fixed part of that string;
// re is matched against the bytes around it, and the first group that is not
// empty is the version.
type signature struct {
	name   string
	files  []string // patterns as in path.Match, for the base name
	anchor string
	re     *lazyregexp.Regexp
}

// signatures is every program that is known by its binary. It never changes.
var signatures = []signature{
	sig("node", `node\.js/v(\d+\.\d+\.\d+)`, "node.js/v", "node", "nodejs", "libnode.so*"),
	sig("node", `/download/[a-z]+/v(\d+\.\d+\.\d+)/node-v`, "/node-v", "node", "nodejs", "libnode.so*"),
	sig("python", `\x00([23]\.\d+\.\d+(?:(?:a|b|rc)\d+)?)\+?\x00`, "\x002.7.", "python2.7", "libpython2.7.so*"),
	sig("python", `\x00([23]\.\d+\.\d+(?:(?:a|b|rc)\d+)?)\+?\x00`, "\x003.", "python3.[0-9]*", "libpython3.[0-9]*.so*", "libpython3.so*"),
	sig("ruby", `ruby (\d+\.\d+\.\d+(?:p\d+|preview\d+|rc\d+)?) \(`, "ruby ", "ruby", "ruby[0-9]*", "libruby*.so*"),
	sig("php", `X-Powered-By: PHP/(\d+\.\d+\.\d+(?:(?:RC|alpha|beta)\d+)?)`, "X-Powered-By: PHP/", "php", "php[0-9]*", "php-fpm*", "php-cgi*", "libphp*.so*", "phpdbg*"),
	sig("openjdk", ` JRE \((\d+(?:\.\d+)*(?:_\d+)?)`, " JRE (", "libjvm.so"),
	sig("perl", `/perl5?/(5\.\d+\.\d+)`, "/5.", "perl", "perl5*", "libperl.so*"),
	sig("nginx", `[^a-z]nginx/(\d+\.\d+\.\d+)`, "nginx/", "nginx"),
	sig("openresty", `openresty/(\d+\.\d+\.\d+\.\d+)`, "openresty/", "nginx", "openresty"),
	sig("apache", `Apache/(\d+\.\d+\.\d+)`, "Apache/2", "httpd", "apache2"),
	sig("lighttpd", `lighttpd/(\d+\.\d+\.\d+)`, "lighttpd/", "lighttpd"),
	sig("haproxy", `version (\d+\.\d+\.\d+(?:-dev\d+)?)[^,\n\x00]{0,40}, released `, ", released ", "haproxy"),
	sig("varnish", `varnish-(\d+\.\d+\.\d+)`, "varnish-", "varnishd"),
	sig("redis", redisBuild, "00000000", "redis-server", "redis-sentinel", "redis-check-rdb", "redis-check-aof"),
	sig("redis", `Redis version (\d+\.\d+\.\d+)`, "Redis version ", "redis-server"),
	sig("valkey", redisBuild, "00000000", "valkey-server", "valkey-sentinel", "valkey-check-rdb", "valkey-check-aof"),
	sig("memcached", `memcached (\d+\.\d+\.\d+)`, "memcached ", "memcached"),
	sig("postgresql", `postgres \(PostgreSQL\) (\d+(?:\.\d+)*(?:(?:beta|rc)\d+)?)`, "postgres (PostgreSQL) ", "postgres"),
	sig("mysql", `/mysql-(\d+\.\d+\.\d+)/`, "/mysql-", "mysqld"),
	sig("mariadb", `(\d+\.\d+\.\d+)-MariaDB`, "-MariaDB", "mysqld", "mariadbd"),
	sig("busybox", `BusyBox v(\d+\.\d+\.\d+)`, "BusyBox v", "busybox*"),
	sig("openssl", `OpenSSL (\d+\.\d+\.\d+[a-z]*(?:-[a-z]+\d+)?) +\d{1,2} [A-Z][a-z]{2} \d{4}`, "OpenSSL ", "openssl", "libcrypto.so*", "libcrypto-*.so*", "libssl.so*"),
	sig("curl", `(?:libcurl|LIBCURL|curl)[ /](\d+\.\d+\.\d+)`, "curl", "curl", "libcurl*.so*"),
	sig("curl", `CLIENT LIBCURL (\d+\.\d+\.\d+)`, "LIBCURL ", "libcurl*.so*"),
	sig("bash", `Bash version (\d+\.\d+\.\d+)`, "Bash version ", "bash"),
	sig("zlib", ` deflate (1\.\d+(?:\.\d+)*) Copyright`, " deflate 1", "libz.so*"),
	sig("glibc", `stable release version (\d+\.\d+)`, "stable release version ", "libc.so.6", "libc-2.*.so"),
	sig("sqlite", `\x00(3\.\d{1,2}\.\d{1,2})\x00`, "\x003.", "sqlite3", "libsqlite3.so*"),
	sig("expat", `expat_(\d+\.\d+\.\d+)`, "expat_", "libexpat.so*"),
}

// redisBuild is a version run together with the build's host, seconds and
// nanoseconds: "7.0.14buildkitsandbox-1702957741000000000".
const redisBuild = `(?:^|[^\d.])(?:(\d+\.\d+\.\d+?)[0-9a-f]{12}-|(\d+\.\d+\.\d+)[A-Za-z][-0-9A-Za-z_.]*-|(\d+\.\d+\.\d{1,2}))1\d{9}0{8}`

func sig(name, re, anchor string, files ...string) signature {
	return signature{name: name, files: files, anchor: anchor, re: lazyregexp.New(re)}
}

// programFinder looks for one signature.
type programFinder struct {
	signature
	version string
	tries   int
}

// findPrograms returns the finders that a file of this name calls for.
func findPrograms(base string) []finder {
	var out []finder
	for _, s := range signatures {
		for _, pattern := range s.files {
			if ok, _ := path.Match(pattern, base); ok {
				out = append(out, &programFinder{signature: s})
				break
			}
		}
	}
	return out
}

// An anchor that is everywhere is given up in the end.
const maxTries = 200_000

func (p *programFinder) look(v view) {
	if p.version != "" || p.tries > maxTries {
		return
	}
	for i := range v.find([]byte(p.anchor)) {
		from, to := max(0, i-before), min(len(v.b), i+before)
		if m := p.re.FindSubmatch(v.b[from:to]); m != nil {
			p.version = string(bytes.Join(m[1:], nil))
			return
		}
		if p.tries++; p.tries > maxTries {
			return
		}
	}
}

func (p *programFinder) facts(string) (facts, error) {
	if p.version == "" {
		return facts{}, nil
	}
	return facts{packages: []sbom.Package{{Type: "generic", Name: p.name, Version: p.version, Cataloger: programCataloger}}}, nil
}
