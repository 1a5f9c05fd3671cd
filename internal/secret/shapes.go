package secret

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

const (
	kindURL        = "url-password"
	kindPrivateKey = "private-key"
	kindEncrypted  = "encrypted-private-key"
)

// maxUserinfo bounds the part of a URL before its host.
const maxUserinfo = 1024

// urlPassword finds the password of scheme://user:password@host; the user may
// be empty, as in redis URLs.
func urlPassword(b []byte, at int, word string) (start, end, keep int, ok bool) {
	if at == 0 || !alnum[b[at-1]] {
		return 0, 0, 0, false
	}
	i := at + len(word)
	colon, stop := -1, min(len(b), i+maxUserinfo)
	for ; i < stop; i++ {
		switch c := b[i]; {
		case c == '@':
			if colon < 0 || i+1 >= len(b) || !hostStart[b[i+1]] {
				return 0, 0, 0, false
			}
			value := string(b[colon+1 : i])
			if len(value) < 4 || Placeholder(value) || commonUser(value) || colon == at+len(word) && strings.Contains(value, ":") {
				return 0, 0, 0, false
			}
			return colon + 1, i, 0, true
		case c == ':' && colon < 0:
			colon = i
		case c <= ' ' || c >= 0x7f || c == '/' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '\\' || c == '?' || c == '#':
			return 0, 0, 0, false
		}
	}
	return 0, 0, 0, false
}

// hostStart is what a URL's host begins with: a name, an address, a variable.
var hostStart = chars("a-z", "A-Z", "0-9", "[${")

// commonUser reports whether a URL's password is one that documentation uses.
func commonUser(v string) bool {
	switch strings.ToLower(v) {
	case "pass", "password", "pw", "pwd", "passwd", "token", "secret", "port", "foo", "bar", "baz", "hunter2", "user", "username", "xxx", "80", "443", "8080":
		return true
	}
	return false
}

// jwt finds a JSON web token: a base64url header that names an algorithm, a
// payload and a signature.
func jwt(b []byte, at int, _ string) (start, end, keep int, ok bool) {
	if !starts(b, at) {
		return 0, 0, 0, false
	}
	n := run(b, at, url64, 4096)
	header, err := base64.RawURLEncoding.DecodeString(string(b[at : at+n]))
	if err != nil || !bytes.Contains(header, []byte(`"alg"`)) {
		return 0, 0, 0, false
	}
	i := at + n
	for range 2 {
		if i >= len(b) || b[i] != '.' {
			return 0, 0, 0, false
		}
		n := run(b, i+1, url64, 16384)
		if n < 10 {
			return 0, 0, 0, false
		}
		i += 1 + n
	}
	// The token that jwt.io shows, and that every library's tests quote.
	if bytes.Contains(b[at:i], []byte("eyJzdWIiOiIxMjM0NTY3ODkwIi")) {
		return 0, 0, 0, false
	}
	return at, i, len("eyJ"), true
}

// bearer finds a token in an Authorization header. A scheme's other words
// (Bearer realm=...) have no digits or are short.
func bearer(b []byte, at int, word string) (start, end, keep int, ok bool) {
	i := at + len(word)
	n := run(b, i, bearer68, 4096)
	v := b[i : i+n]
	if n < 20 || !starts(b, at) || !bytes.ContainsAny(v, "0123456789") || bytes.IndexByte(bytes.TrimRight(v, "="), '=') >= 0 ||
		bytes.Count(v, []byte("-"))*3 > n || Placeholder(string(v)) {
		return 0, 0, 0, false
	}
	return i, i + n, 0, true
}

var bearer68 = chars("a-z", "A-Z", "0-9", "_~.+/=", "-")

// azureSecret finds an Entra client secret: three bytes, a digit, "Q~", and 31
// to 34 more.
func azureSecret(b []byte, at int, word string) (start, end, keep int, ok bool) {
	alphabet := &azureAlphabet
	if at < 3 || run(b, at-3, alphabet, 3) != 3 || at > 3 && alphabet[b[at-4]] {
		return 0, 0, 0, false
	}
	n := run(b, at+len(word), alphabet, 35)
	if n < 31 || n > 34 {
		return 0, 0, 0, false
	}
	return at - 3, at + len(word) + n, 0, true
}

var azureAlphabet = *chars("a-z", "A-Z", "0-9", "_~.", "-")

// openAI finds a key of the older form: sk-, 20 bytes, T3BlbkFJ, 20 bytes.
func openAI(b []byte, at int, word string) (start, end, keep int, ok bool) {
	from, to := at-20, at+len(word)+20
	if from < 3 || to > len(b) || string(b[from-3:from]) != "sk-" || run(b, from, alnum, 48) != 48 || !ends(b, to) || !starts(b, from-3) {
		return 0, 0, 0, false
	}
	return from - 3, to, 3, true
}

// terraform finds a Terraform Cloud token: 14 bytes, ".atlasv1.", 60 or more.
func terraform(b []byte, at int, word string) (start, end, keep int, ok bool) {
	n := run(b, at+len(word), url64, 100)
	if at < 14 || run(b, at-14, alnum, 14) != 14 || n < 60 || at > 14 && alnum[b[at-15]] {
		return 0, 0, 0, false
	}
	return at - 14, at + len(word) + n, 0, true
}

// dockerAuth finds the credentials of a registry in a Docker configuration:
// base64 of user:password.
func dockerAuth(b []byte, at int, word string) (start, end, keep int, ok bool) {
	i, found := assignment(b, at+len(word))
	if !found {
		return 0, 0, 0, false
	}
	n := run(b, i, std64, 16384)
	plain, err := base64.StdEncoding.DecodeString(string(b[i : i+n]))
	if n < 8 || err != nil {
		return 0, 0, 0, false
	}
	user, password, found := strings.Cut(string(plain), ":")
	if !found || user == "" || password == "" || Placeholder(password) || run(plain, 0, printable, len(plain)) != len(plain) {
		return 0, 0, 0, false
	}
	return i, i + n, 0, true
}

var printable = chars(" -~")

// npmrc finds a registry's credentials in npm's configuration: a setting of
// its own line, or behind a registry's address.
func npmrc(b []byte, at int, word string) (start, end, keep int, ok bool) {
	if word[0] != ':' && at > 0 && b[at-1] != '\n' && b[at-1] != ':' {
		return 0, 0, 0, false
	}
	i := at + len(word)
	for i < len(b) && (b[i] == ' ' || b[i] == '=' || b[i] == '"') {
		i++
	}
	n := 0
	for i+n < len(b) && n < 4096 && b[i+n] > ' ' && b[i+n] < 0x7f && b[i+n] != '"' && b[i+n] != '\'' && b[i+n] != '\\' {
		n++
	}
	if n < 8 || Placeholder(string(b[i:i+n])) {
		return 0, 0, 0, false
	}
	keep = 0
	if bytes.HasPrefix(b[i:i+n], []byte("npm_")) && n > 8 {
		keep = 4
	}
	return i, i + n, keep, true
}

// connectionString finds the password of an ADO.NET or ODBC connection string:
// one of several ;-separated settings, of which another names the server.
func connectionString(b []byte, at int, word string) (start, end, keep int, ok bool) {
	if at > 0 && word_[b[at-1]] {
		return 0, 0, 0, false
	}
	i := at + len(word)
	n := 0
	for i+n < len(b) && n < 256 && b[i+n] > ' ' && b[i+n] < 0x7f && b[i+n] != ';' && b[i+n] != '"' && b[i+n] != '\'' && b[i+n] != '<' {
		n++
	}
	if n < 4 || Placeholder(string(b[i:i+n])) || !nearServer(b, at, i+n) {
		return 0, 0, 0, false
	}
	return i, i + n, 0, true
}

func nearServer(b []byte, at, end int) bool {
	from, to := max(0, at-256), min(len(b), end+256)
	if n := bytes.LastIndexByte(b[from:at], '\n'); n >= 0 {
		from += n + 1
	}
	if n := bytes.IndexByte(b[end:to], '\n'); n >= 0 {
		to = end + n
	}
	line := bytes.ToLower(b[from:to])
	if bytes.IndexByte(line, ';') < 0 {
		return false
	}
	for _, s := range []string{"server=", "data source=", "host=", "addr=", "driver="} {
		if bytes.Contains(line, []byte(s)) {
			return true
		}
	}
	return false
}

// keyKind says what a PEM private key is, and how bad it is to have it lie
// about: one under a passphrase is only as bad as the passphrase.
func keyKind(v []byte) (string, finding.Severity) {
	if encrypted(v) {
		return kindEncrypted, low
	}
	if bytes.HasPrefix(v, []byte("-----BEGIN PGP")) {
		return "pgp-private-key", high
	}
	return kindPrivateKey, critical
}
