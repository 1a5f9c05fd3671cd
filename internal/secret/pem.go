package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// maxKey bounds one armoured key: a PGP key with a photograph is larger than
// any key that opens something.
const maxKey = 64 << 10

// minKey is the least unbroken base64 that is a key's: prose about keys has
// none so long, and the shortest key, Ed25519 in PKCS #8, has a line of 64.
const minKey = 40

// pem finds a private key in PEM, OpenSSH or PGP armour, with real or escaped
// line ends. A key cut short by a reader's limit is found too; a lone header,
// as programs that parse keys have, is not.
func pem(b []byte, at int, word string) (start, end, keep int, ok bool) {
	start = at - 5
	if start < 0 || string(b[start:at]) != "-----" {
		return 0, 0, 0, false
	}
	i := at + len(word)
	n := bytes.Index(b[i:min(len(b), i+48)], []byte("-----"))
	if n < 0 {
		return 0, 0, 0, false
	}
	label := string(b[i : i+n])
	if !strings.HasSuffix(label, "PRIVATE KEY") && label != "PGP PRIVATE KEY BLOCK" {
		return 0, 0, 0, false
	}
	head := i + n + 5
	limit := min(len(b), start+maxKey)
	body, bits, longest := head, 0, 0
	for body < limit && b[body] != '-' {
		c := b[body]
		switch {
		case c == '\\' && body+1 < limit && (b[body+1] == 'n' || b[body+1] == 'r'):
			body++
			bits = 0
		case std64[c]:
			bits++
			longest = max(longest, bits)
		case c != '\n' && c != '\r' && c != ' ' && c != '\t' && c != ':' && c != ',' && c != '"' && c != '\'' && c != '\\' && c != '.' && c != '(' && c != ')' && c != '@' && c != '<' && c != '>' && c != '_':
			limit = body
			continue
		default:
			bits = 0
		}
		body++
		if body < limit && b[body] == '-' && !bytes.HasPrefix(b[body:], []byte("-----")) {
			body++ // a dash within a header: "DEK-Info: AES-256-CBC", "Proc-Type"
		}
	}
	if longest < minKey || Placeholder(string(bytes.TrimSpace(b[head:min(body, head+80)]))) {
		return 0, 0, 0, false
	}
	end = min(body, len(b))
	if tail := []byte("-----END " + label + "-----"); bytes.HasPrefix(b[end:], tail) {
		end += len(tail)
	}
	return start, end, head - start, true
}

// encrypted reports whether a private key lies under a passphrase.
func encrypted(v []byte) bool {
	head := v[:min(len(v), 400)]
	if bytes.Contains(head, []byte("BEGIN ENCRYPTED PRIVATE KEY")) || bytes.Contains(head, []byte("Proc-Type: 4,ENCRYPTED")) ||
		bytes.Contains(head, []byte("DEK-Info:")) {
		return true
	}
	body, found := bytes.CutPrefix(head, []byte("-----BEGIN OPENSSH PRIVATE KEY-----"))
	if !found {
		return false
	}
	// openssh-key-v1: a magic, then the cipher's name as a length and bytes;
	// "none" is a key without a passphrase.
	var text []byte
	for i := 0; i < len(body) && len(text) < 64; i++ {
		if body[i] == '\\' {
			i++
			continue
		}
		if std64[body[i]] && body[i] != '=' {
			text = append(text, body[i])
		}
	}
	raw, err := base64.StdEncoding.DecodeString(string(text[:len(text)/4*4]))
	const magic = "openssh-key-v1\x00"
	if err != nil || len(raw) < len(magic)+4 || string(raw[:len(magic)]) != magic {
		return false
	}
	n := binary.BigEndian.Uint32(raw[len(magic):])
	rest := raw[len(magic)+4:]
	return n > 0 && int64(n) <= int64(len(rest)) && string(rest[:n]) != "none"
}
