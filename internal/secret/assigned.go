package secret

import (
	"bytes"
	"strings"
)

// Env says what secret an environment variable, build argument or label
// holds, and false when it holds none: by its name (DB_PASSWORD) if the value
// is not a placeholder, a switch or a path, or else by the value's format.
func Env(name, value string) (kind string, ok bool) {
	m, ok := Assigned(name, value)
	return m.Kind, ok
}

// Assigned is [Env] with the whole match; its offsets are into value.
func Assigned(name, value string) (Match, bool) {
	b := []byte(value)
	if ms := Find(b); len(ms) > 0 {
		return ms[0], true
	}
	kind := nameKind(name)
	if kind == "" || !plausible(value, kind) {
		return Match{}, false
	}
	return Match{Kind: kind, Severity: high, End: len(value)}, true
}

// nameKind is the kind of secret that a variable of the name holds; empty:
// none.
func nameKind(name string) string {
	var buf [96]byte
	n := 0
	for i := 0; i < len(name) && n < len(buf); i++ {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			buf[n] = c + 'a' - 'A'
		case c == '_' || c == '-' || c == '.' || c == '/':
			continue
		default:
			buf[n] = c
		}
		n++
	}
	low := string(buf[:n])
	if low == "pwd" || low == "oldpwd" {
		return ""
	}
	for _, e := range innocent {
		if strings.HasSuffix(low, e) {
			return ""
		}
	}
	for _, e := range endings {
		if strings.HasSuffix(low, e.end) {
			return e.kind
		}
	}
	return ""
}

// endings are the ends of names that hold secrets, lower case and without
// separators: DB_PASSWORD and dbPassword are one.
var endings = []struct{ end, kind string }{
	{"password", "password"},
	{"passwd", "password"},
	{"passphrase", "password"},
	{"pwd", "password"},
	{"dbpass", "password"},
	{"userpass", "password"},
	{"rootpass", "password"},
	{"adminpass", "password"},
	{"smtppass", "password"},
	{"mailpass", "password"},
	{"authtoken", "token"},
	{"token", "token"},
	{"secretkey", "secret-key"},
	{"secretkeybase", "secret-key"},
	{"secretaccesskey", "aws-secret-access-key"},
	{"signingkey", "secret-key"},
	{"encryptionkey", "secret-key"},
	{"masterkey", "secret-key"},
	{"privatekey", "secret-key"},
	{"sshkey", "secret-key"},
	{"accountkey", "secret-key"},
	{"apikey", "api-key"},
	{"accesskey", "api-key"},
	{"appkey", "api-key"},
	{"secret", "secret"},
	{"credentials", "credentials"},
	{"clientkeydata", "kubernetes-key"},
	{"connectionstring", "connection-string"},
}

// innocent are ends of names that only sound like secrets.
var innocent = []string{
	"publickey", "maxtoken", "csrftoken", "emptypassword", "randomrootpassword", "onetimepassword", "storepasswordtype", "gpgkey",
	"disabledpassword", "lockpassword", "nopassword", "expirepassword",
}

// plausible reports whether the value of a variable with the name of such a
// secret is one. A password may be a number; a token or a key is none.
func plausible(v, kind string) bool {
	v = strings.TrimSpace(v)
	if len(v) < 3 || Placeholder(v) {
		return false
	}
	digits := len(v) > 3 && strings.Trim(v, "0123456789") == ""
	if Harmless(v) && (kind != "password" || !digits) {
		return false
	}
	if strings.HasPrefix(v, `\$`) || strings.HasSuffix(v, ")") {
		return false
	}
	for _, code := range []string{"os.environ", "process.env", "getenv", "ENV["} {
		if strings.Contains(v, code) {
			return false
		}
	}
	return !strings.Contains(v, "://") // a password in it has been found by its format
}

// FindCommand returns the secrets in a shell command: those of [Find], and what
// it gives to names that hold secrets: NAME=value, --password value.
func FindCommand(b []byte) []Match { return settle(assigned(b, false, find(b, nil))) }

// assigned appends the secrets that b assigns; colons reports whether "name:" is
// an assignment too.
func assigned(b []byte, colons bool, out []Match) []Match {
	for i := 0; i < len(b) && len(out) < maxMatches; i++ {
		var m Match
		var ok bool
		switch c := b[i]; {
		case c == '=' || c == ':' && colons:
			m, ok = assignedAt(b, i)
		case c == '-' && i+2 < len(b) && b[i+1] == '-' && (i == 0 || b[i-1] <= ' ' || b[i-1] == '"'):
			m, ok = flagAt(b, i+2)
		}
		if ok {
			out = append(out, m)
			i = m.End - 1
		}
	}
	return out
}

var (
	nameBytes = chars("a-z", "A-Z", "0-9", "_.", "-")
	maxValue  = 4096
)

// assignedAt reads the assignment whose sign is at i.
func assignedAt(b []byte, i int) (Match, bool) {
	end := i
	for end > 0 && (b[end-1] == ' ' || b[end-1] == '"' || b[end-1] == '\'') && i-end < 4 {
		end--
	}
	start := end
	for start > 0 && end-start < 96 && nameBytes[b[start-1]] {
		start--
	}
	if end-start < 3 {
		return Match{}, false
	}
	kind := nameKind(string(b[start:end]))
	if kind == "" {
		return Match{}, false
	}
	// NAME= OTHER=x leaves NAME empty; only name = x and name: x have a blank.
	if b[i] == '=' && b[i-1] != ' ' && i+1 < len(b) && (b[i+1] == ' ' || b[i+1] == '\t') {
		return Match{}, false
	}
	return valueAt(b, i+1, kind)
}

// flagAt reads the flag whose name begins at i: --password value.
func flagAt(b []byte, i int) (Match, bool) {
	n := run(b, i, nameBytes, 96)
	if i+n >= len(b) || b[i+n] != ' ' {
		return Match{}, false
	}
	kind := nameKind(string(b[i : i+n]))
	if kind == "" || i+n+1 < len(b) && b[i+n+1] == '-' || namesSecret(b[i+n+1:]) {
		return Match{}, false
	}
	return valueAt(b, i+n+1, kind)
}

// namesSecret reports whether what follows a flag says which secret is meant, as
// docker build --secret id=TOKEN,env=TOKEN does, and not what it is.
func namesSecret(b []byte) bool {
	for _, key := range []string{"id=", "type=", "src=", "source=", "env=", "target="} {
		if bytes.HasPrefix(bytes.TrimLeft(b, ` "'`), []byte(key)) {
			return true
		}
	}
	return false
}

// valueAt reads a value, quoted or bare, that begins at i or after blanks.
func valueAt(b []byte, i int, kind string) (Match, bool) {
	for n := 0; i < len(b) && (b[i] == ' ' || b[i] == '\t') && n < 8; n++ {
		i++
	}
	if i >= len(b) {
		return Match{}, false
	}
	end, limit := i, min(len(b), i+maxValue)
	if q := b[i]; q == '"' || q == '\'' {
		i++
		end = i
		for end < limit && b[end] != q && b[end] != '\n' {
			end++
		}
	} else {
		for end < limit && b[end] > ' ' && !bytes.ContainsRune([]byte(";|&\"'`,"), rune(b[end])) {
			end++
		}
	}
	if !plausible(string(b[i:end]), kind) || plainWord(b[i:end]) && commented(b, i) {
		return Match{}, false
	}
	return Match{Kind: kind, Severity: high, Start: i, End: end}, true
}

// commented reports whether a byte lies in a line that is a comment of the files
// that hold settings.
func commented(b []byte, at int) bool {
	line := bytes.TrimLeft(b[bytes.LastIndexByte(b[:at], '\n')+1:at], " \t")
	return bytes.HasPrefix(line, []byte("#")) || bytes.HasPrefix(line, []byte(";")) || bytes.HasPrefix(line, []byte("//"))
}

// plainWord reports whether a value is one short word, as an example in a comment
// has it: #DB_PASSWORD=password.
func plainWord(v []byte) bool {
	if len(v) > 12 {
		return false
	}
	for _, c := range v {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
