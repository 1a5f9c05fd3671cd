package catalog

import (
	"bytes"
	"compress/zlib"
	stdbinary "encoding/binary"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// elf is something that begins as an executable does, with these strings in it.
func elf(parts ...string) string {
	head := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 200)
	return head + strings.Join(parts, "\x00padding\x00") + strings.Repeat("\x00", 64)
}

func auditSection(t testing.TB, list string) string {
	t.Helper()
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write([]byte(list)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func learn(t testing.TB, name, body string) ([]sbom.Package, error) {
	t.Helper()
	got, err := learnBinary(t.Context(), layer.Input{Path: name, Mode: 0o755, Size: int64(len(body)), Body: strings.NewReader(body)})
	return got.packages, err
}

// TestGoProgram builds a program of this very module and reads it, for three
// systems: the compiler's version and the modules are what the go command says.
func TestGoProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	for _, target := range []string{"linux/amd64", "windows/amd64", "darwin/arm64"} {
		goos, goarch, _ := strings.Cut(target, "/")
		t.Run(goos, func(t *testing.T) {
			exe := filepath.Join(t.TempDir(), "prog")
			src := filepath.Join(root(t), "internal", "sbom", "catalog", "testdata", "prog")
			cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-X main.version=1.2.3", "-o", exe, ".")
			cmd.Dir, cmd.Env = src, append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, err := learn(t, "usr/local/bin/prog", string(readFile(t, exe)))
			if err != nil {
				t.Fatal(err)
			}
			var purls []string
			for _, p := range got {
				purls = append(purls, p.PURL())
			}
			slices.Sort(purls)
			want := []string{
				"pkg:golang/example.org/prog@v1.2.3",
				"pkg:golang/github.com/cespare/xxhash/v2@v2.3.0",
				"pkg:golang/stdlib@" + strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go"),
			}
			if !slices.Equal(purls, want) {
				t.Errorf("got %q, want %q", purls, want)
			}
		})
	}
}

// oldGo lays a program out as linkers before Go 1.18 did: the strings behind
// pointers, the module string between its marks.
func oldGo(version, mod string) string {
	le := stdbinary.LittleEndian
	b := make([]byte, 0x3000)
	copy(b, "\x7fELF\x02\x01\x01")
	const phoff, addr = 64, 0x400000
	le.PutUint64(b[32:], phoff)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	le.PutUint32(b[phoff:], 1)
	le.PutUint64(b[phoff+16:], addr)
	le.PutUint64(b[phoff+32:], uint64(len(b)))
	copy(b[0x500:], "go1.9.1 is not it")
	copy(b[0x803:], version+"19531250")
	copy(b[0x1000:], "0w"+string(goModStart)+mod+string(goModEnd))
	copy(b[0x2000:], "\xff Go buildinf:\x08\x00")
	le.PutUint64(b[0x2010:], addr+0x2100)
	le.PutUint64(b[0x2100:], addr+0x803)
	le.PutUint64(b[0x2108:], uint64(len(version)))
	return string(b)
}

func TestOldGoProgram(t *testing.T) {
	mod := "path\texample.org/old\nmod\texample.org/old\t(devel)\t\n" +
		"dep\tgolang.org/x/text\tv0.3.0\th1:x=\n=>\tgithub.com/other/text\tv0.3.1\th1:y=\n" +
		"dep\tgolang.org/x/net\tv0.1.0\n=>\t./net\t(devel)\t\n"
	got, err := learn(t, "bin/old", oldGo("go1.16.5", mod))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"stdlib@1.16.5", "example.org/old@(devel)", "github.com/other/text@v0.3.1", "golang.org/x/net@v0.1.0"}
	if names := namesOf(got); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func namesOf(ps []sbom.Package) []string {
	var out []string
	for _, p := range ps {
		out = append(out, strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")+"@"+p.Version)
	}
	return out
}

// TestFoundAcrossChunks moves what is to be found over the place where one
// chunk ends and the next begins.
func TestFoundAcrossChunks(t *testing.T) {
	info := "\xff Go buildinf:\x08\x02" + strings.Repeat("\x00", 16) + "\x08go1.21.5" + "\x00"
	audit := auditSection(t, `{"packages":[`+strings.TrimSuffix(strings.Repeat(`{"name":"a","version":"1.0.0"},`, 4000), ",")+`,{"name":"last","version":"9.0.0"}]}`)
	for _, at := range []int{chunk - after - 64, chunk - after - 16, chunk - 64, chunk - 16, chunk, chunk + 16, 2*chunk - after - 32} {
		pad := strings.Repeat("x", at)
		body := elf() + pad
		body += strings.Repeat("x", 16-len(body)%16)
		for _, tc := range []struct{ name, what, want string }{
			{"prog", info, "stdlib@1.21.5"},
			{"node", "node.js/v20.11.0\x00", "node@20.11.0"},
			{"prog", audit, "last@9.0.0"},
		} {
			got, err := learn(t, "usr/bin/"+tc.name, body+tc.what+strings.Repeat("\x00", 100))
			if err != nil || !slices.Contains(namesOf(got), tc.want) {
				t.Errorf("%s at %d: %v, %v", tc.want, at, err, len(got))
			}
		}
	}
}

// TestSignatures: a string of each program as its builds hold it, and one that
// must not be taken for it.
func TestSignatures(t *testing.T) {
	for _, tc := range []struct{ file, text, want string }{
		{"node", "https://nodejs.org/download/release/v21.6.0/node-v21.6.0-headers.tar.gz", "node@21.6.0"},
		{"python3.11", "\x003.11.2\x00", "python@3.11.2"},
		{"libpython3.13.so.1.0", "\x003.13.0rc2+\x00", "python@3.13.0rc2"},
		{"python3.11", "needs 3.11.2 or later", ""},
		{"libruby-3.1.so.3.1.7", "ruby 3.1.7p261 (2025-03-26 revision 0a3704f218) [x86_64-linux]", "ruby@3.1.7p261"},
		{"php-fpm8.2", "X-Powered-By: PHP/8.2.29", "php@8.2.29"},
		{"libjvm.so", "OpenJDK 64-Bit Server VM (17.0.2+8-86) for linux-amd64 JRE (17.0.2+8-86), built on", "openjdk@17.0.2"},
		{"libjvm.so", "OpenJDK 64-Bit Server VM (25.352-b08) for linux-amd64 JRE (1.8.0_352-b08), built", "openjdk@1.8.0_352"},
		{"perl", "/usr/local/lib/perl5/5.36.0/x86_64-linux-gnu", "perl@5.36.0"},
		{"nginx", "\x00nginx/1.20.2\x00", "nginx@1.20.2"},
		{"httpd", "\x00Apache/2.4.57 (Unix)\x00", "apache@2.4.57"},
		{"haproxy", "\x00 version 2.6.12-1+deb12u4, released 2026/10/17\x00", "haproxy@2.6.12"},
		{"varnishd", "\x00varnish-7.1.1 revision 7cee\x00", "varnish@7.1.1"},
		{"redis-server", "\x007.0.14buildkitsandbox-1702957741000000000\x00", "redis@7.0.14"},
		{"redis-server", "\x004.0.11841ce7054bd9-1542359302000000000\x00", "redis@4.0.11"},
		{"redis-server", "A7.0.151790282056000000000\x00", "redis@7.0.15"},
		{"redis-server", "\x00127.0.0.1\x005.1.5\x00000000000000", ""},
		{"memcached", "\x00memcached 1.6.18\x00", "memcached@1.6.18"},
		{"postgres", "PostgreSQL 9.1 or later\x00postgres (PostgreSQL) 15.3 (Debian 15.3-1)\n\x00", "postgresql@15.3"},
		{"postgres", "postgres (PostgreSQL) 17beta1\n", "postgresql@17beta1"},
		{"mysqld", "/pb2/build/mysql-8.0.34/sql/mysqld.cc", "mysql@8.0.34"},
		{"mariadbd", "\x0010.11.4-MariaDB-1:10.11.4\x00", "mariadb@10.11.4"},
		{"busybox", "BusyBox v1.36.1 (2023-11-07 18:53:09 UTC)", "busybox@1.36.1"},
		{"libcrypto.so.3", "OpenSSL 3.0.9 30 May 2023", "openssl@3.0.9"},
		{"libcrypto.so.1.1", "OpenSSL 1.1.1n  15 Mar 2022", "openssl@1.1.1n"},
		{"libssl.so.3", "OpenSSL 3.x is not a version", ""},
		{"curl", "\x00curl/8.2.1\x00", "curl@8.2.1"},
		{"bash", "@(#)Bash version 5.2.15(1) release GNU", "bash@5.2.15"},
		{"libz.so.1.2.13", " deflate 1.2.13 Copyright 1995-2022", "zlib@1.2.13"},
		{"libc.so.6", "GNU C Library (GNU libc) stable release version 2.36.", "glibc@2.36"},
		{"libsqlite3.so.0.8.6", "needs 3.7.0\x003.40.1\x00", "sqlite@3.40.1"},
		{"libexpat.so.1", "expat_2.5.0", "expat@2.5.0"},
		{"other", "node.js/v20.11.0", ""},
	} {
		got, err := learn(t, "usr/bin/"+tc.file, elf(tc.text))
		if err != nil {
			t.Error(err)
		}
		if s := strings.Join(namesOf(got), " "); s != tc.want {
			t.Errorf("%s with %q: got %q, want %q", tc.file, tc.text, s, tc.want)
		}
	}
}

func TestTextPrograms(t *testing.T) {
	for _, tc := range []struct{ path, text, want string }{
		{"opt/java/openjdk/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\n", "openjdk@17.0.9"},
		{"usr/local/go/VERSION", "go1.21.5\ntime 2023-11-29T21:21:46Z\n", "go@1.21.5"},
		{"usr/lib/erlang/releases/25/OTP_VERSION", "25.2.3\n", "erlang@25.2.3"},
		{"var/www/html/wp-includes/version.php", "<?php\n$wp_version = '6.2.1';\n", "wordpress@6.2.1"},
		{"etc/release", "Fedora\n", ""},
	} {
		c := program()
		if !c.Wants(tc.path, 0o644, int64(len(tc.text))) {
			t.Errorf("%s is not wanted", tc.path)
		}
		got, err := c.Read(t.Context(), layer.Input{Path: tc.path, Body: strings.NewReader(tc.text)})
		if s := strings.Join(namesOf(got), " "); err != nil || s != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.path, s, err, tc.want)
		}
	}
}

// TestScriptsCostNothing: what is no executable is left after its first bytes.
func TestScriptsCostNothing(t *testing.T) {
	body := &counter{left: 100 << 20}
	got, err := learnBinary(t.Context(), layer.Input{Path: "bin/script", Mode: 0o755, Size: body.left, Body: body})
	if err != nil || len(got.packages) != 0 || body.read > chunk {
		t.Errorf("read %d bytes: %v, %v", body.read, got, err)
	}
	for p, want := range map[string]bool{"usr/bin/node": true, "app/run.sh": false, "lib/libz.so.1.2": true, "a/data.json": false} {
		if got := wantsBinary(p, fs.FileMode(0o755), 1<<20); got != want {
			t.Errorf("wants %s: %v", p, got)
		}
	}
}

type counter struct{ read, left int64 }

func (c *counter) Read(p []byte) (int, error) {
	n := min(int64(len(p)), c.left)
	clear(p)
	if n == 0 {
		return 0, io.EOF
	}
	c.read += n
	c.left -= n
	return int(n), nil
}

func FuzzBinary(f *testing.F) {
	f.Add("node", elf("node.js/v20.11.0"))
	f.Add("prog", oldGo("go1.16.5", "path\tx\nmod\tx\tv1.0.0\n"))
	f.Add("prog", elf("")+"\xff Go buildinf:\x08\x02"+strings.Repeat("\x00", 16)+"\x08go1.21.5\x40"+strings.Repeat("m", 64))
	f.Add("prog", elf(auditSection(f, `{"packages":[{"name":"serde","version":"1.0.1"}]}`)))
	f.Add("redis-server", elf("7.0.151790282056000000000"))
	f.Fuzz(func(t *testing.T, name, body string) {
		got, _ := learnBinary(t.Context(), layer.Input{Path: "bin/" + name, Mode: 0o755, Size: int64(len(body)), Body: strings.NewReader(body)})
		got.check()
		for _, p := range got.packages {
			if unsound(p) != "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
