package secret

import (
	"bytes"
	"path"
)

// File returns the secrets in a file's content, as [Find] and, where the
// file's name says that it holds credentials, by what files of that name hold.
// A keystore, whose content cannot be told, is one match of no bytes. A key
// for tests, examples or a distribution's snakeoil is of low severity.
func File(p string, b []byte) []Match {
	kind, _ := Path(p)
	ms := find(b, nil)
	switch kind {
	case "":
	case "keystore":
		if len(b) > 0 && path.Base(p) != "cacerts" {
			ms = append(ms, Match{Kind: kind, Severity: medium})
		}
	case "netrc":
		ms = fields(b, "password", kind, ms)
	case "pgpass":
		ms = lines(b, ':', 5, kind, ms)
	case "htpasswd":
		ms = lines(b, ':', 2, kind, ms)
	case "maven-settings":
		ms = elements(b, []string{"password", "passphrase", "privateKey"}, ms)
	case "vault-token-file", "rails-master-key":
		ms = whole(b, kind, ms)
	case "wordpress-config":
		ms = defines(b, ms)
	case "key-file", "ssh-key", "git-credentials":
	default:
		ms = assigned(b, true, ms)
	}
	ms = settle(ms)
	if ForShow(p) {
		for i := range ms {
			ms[i].Severity = min(ms[i].Severity, low)
		}
	}
	return ms
}

// fields finds the word that follows each name, as in netrc files.
func fields(b []byte, name, kind string, out []Match) []Match {
	for i := 0; i < len(b) && len(out) < maxMatches; {
		n := bytes.Index(b[i:], []byte(name))
		if n < 0 {
			break
		}
		at := i + n
		i = at + len(name)
		if at > 0 && b[at-1] > ' ' || i >= len(b) || b[i] > ' ' {
			continue
		}
		for i < len(b) && b[i] <= ' ' {
			i++
		}
		start := i
		for i < len(b) && b[i] > ' ' {
			i++
		}
		if !Placeholder(string(b[start:i])) {
			out = append(out, Match{Kind: kind, Severity: high, Start: start, End: i})
		}
	}
	return out
}

// lines finds the last of exactly n fields of each line that is no comment.
func lines(b []byte, sep byte, n int, kind string, out []Match) []Match {
	for start := 0; start < len(b) && len(out) < maxMatches; {
		end := len(b)
		if i := bytes.IndexByte(b[start:], '\n'); i >= 0 {
			end = start + i
		}
		line := bytes.TrimRight(b[start:end], "\r")
		if len(line) > 0 && line[0] != '#' && bytes.Count(line, []byte{sep}) >= n-1 {
			at := 0
			for range n - 1 {
				at += bytes.IndexByte(line[at:], sep) + 1
			}
			if value := line[at:]; len(value) > 2 && !Placeholder(string(value)) {
				out = append(out, Match{Kind: kind, Severity: high, Start: start + at, End: start + len(line)})
			}
		}
		start = end + 1
	}
	return out
}

// elements finds the text of XML elements. Maven's encrypted passwords, in
// braces, are left alone.
func elements(b []byte, names []string, out []Match) []Match {
	for _, name := range names {
		tag := []byte("<" + name + ">")
		for i := 0; i < len(b) && len(out) < maxMatches; {
			n := bytes.Index(b[i:], tag)
			if n < 0 {
				break
			}
			start := i + n + len(tag)
			n = bytes.IndexByte(b[start:], '<')
			if n < 0 {
				break
			}
			i = start + n
			if v := string(b[start:i]); !Placeholder(v) && v[0] != '{' && len(v) > 2 && v != name {
				out = append(out, Match{Kind: "password", Severity: high, Start: start, End: i})
			}
		}
	}
	return out
}

// whole takes the first word of a file that holds nothing else.
func whole(b []byte, kind string, out []Match) []Match {
	v := bytes.TrimSpace(b)
	if len(v) < 16 || len(v) > 256 || bytes.ContainsAny(v, " \t\n") || Placeholder(string(v)) {
		return out
	}
	start := bytes.Index(b, v)
	return append(out, Match{Kind: kind, Severity: high, Start: start, End: start + len(v)})
}

// defines finds the values of PHP's define('DB_PASSWORD', 'value').
func defines(b []byte, out []Match) []Match {
	name := []byte("DB_PASSWORD")
	for i := 0; i < len(b) && len(out) < maxMatches; {
		n := bytes.Index(b[i:], name)
		if n < 0 {
			break
		}
		i += n + len(name)
		start := i
		for start < len(b) && (b[start] == '\'' || b[start] == '"' || b[start] == ' ') {
			start++
		}
		if start >= len(b) || b[start] != ',' {
			continue
		}
		if m, ok := valueAt(b, start+1, "password"); ok {
			out = append(out, m)
			i = m.End
		}
	}
	return out
}
