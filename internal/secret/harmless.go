package secret

import (
	"slices"
	"strings"
)

// Harmless reports whether a value is plainly none that anybody has to hide: an
// empty one, a switch, a number or a length of time, a path, a reference to where
// the secret is, the fingerprint of a public key.
func Harmless(v string) bool {
	v = strings.TrimSpace(v)
	return v == "" || isSwitch(v) || number(v) || place(v) || fingerprint(v)
}

func isSwitch(v string) bool {
	return slices.Contains([]string{
		"true", "false", "yes", "no", "on", "off", "enable", "disable", "enabled", "disabled", "required", "optional", "default",
		"auto", "none", "never", "always", "allow", "deny", "string", "str", "bytes",
	}, strings.ToLower(v))
}

// number is true of digits with a unit or none: "60", "0.5", "30d", "512MB".
func number(v string) bool {
	rest := strings.TrimLeft(strings.TrimLeft(v, "+-"), "0123456789._")
	return v[0] <= '9' && v[0] != '.' && v[0] != '_' && len(rest) < len(v) && (rest == "" || slices.Contains(units, strings.ToLower(rest)))
}

var units = []string{"ms", "s", "sec", "m", "min", "h", "d", "w", "k", "kb", "kib", "mb", "mib", "g", "gb", "gib", "b", "%"}

// place is true of a path and of what names where a secret is kept.
func place(v string) bool {
	for _, start := range []string{"/", "./", "../", "~/", "file:", "arn:", "vault:", "projects/", "op://"} {
		if strings.HasPrefix(v, start) {
			return true
		}
	}
	if len(v) > 2 && v[1] == ':' && (v[2] == '\\' || v[2] == '/') { // of Windows
		return true
	}
	for _, end := range []string{".json", ".pem", ".key", ".crt", ".pub", ".txt", ".yml", ".yaml", ".toml", ".ini", ".conf", ".env"} {
		if strings.HasSuffix(v, end) {
			return true
		}
	}
	return v[0] == '.' && len(v) > 1 && strings.Trim(strings.ToLower(v), ".abcdefghijklmnopqrstuvwxyz") == "" // ".env", ".ssh"
}

// fingerprint is true of an OpenPGP key's: capitals, which no token is written in,
// perhaps in groups, and several of them.
func fingerprint(v string) bool {
	for _, one := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' }) {
		hex := strings.ReplaceAll(one, " ", "")
		if h, ok := strings.CutPrefix(hex, "0x"); ok && (len(h) == 8 || len(h) == 16) {
			hex = strings.Repeat("A", 40-len(h)) + strings.ToUpper(h)
		}
		if len(hex) != 40 || strings.Trim(hex, "0123456789ABCDEF") != "" || strings.Trim(hex, "0123456789") == "" {
			return false
		}
	}
	return true
}

// Algorithm reports whether a value is the name of an algorithm, of a type of key or
// of the form that one is kept in, such as "ed25519", "RS256", "aes-256-gcm".
func Algorithm(v string) bool {
	words := strings.FieldsFunc(strings.ToLower(v), func(r rune) bool { return strings.ContainsRune("-_./+:, ", r) })
	for _, w := range words {
		stem := strings.TrimRight(w, "0123456789")
		if w != "" && !slices.Contains(algorithms, w) && !slices.Contains(algorithms, stem) && (stem != "" || len(w) > 5) {
			return false
		}
	}
	return len(words) > 0 && strings.Trim(strings.ToLower(v), "0123456789-_./+:, ") != ""
}

// algorithms are words of such names; digits may follow each.
var algorithms = []string{
	"rsa", "dsa", "ecdsa", "eddsa", "ed", "ec", "ecdh", "dh", "x", "curve", "nistp", "p", "secp256r1", "secp256k1", "secp384r1", "secp521r1",
	"prime256v1", "kyber", "ml", "kem", "ssh", "sk", "openssh", "aes", "des", "3des", "chacha", "xchacha", "poly", "blowfish", "twofish", "salsa",
	"gcm", "cbc", "ctr", "ccm", "siv", "xts", "hmac", "sha", "md", "blake2b", "blake2s", "blake", "ripemd", "bcrypt", "scrypt", "argon", "argon2i",
	"argon2d", "argon2id", "pbkdf", "crypt", "hs", "rs", "es", "es256k", "ps", "kw", "a128kw", "a256kw", "a128gcm", "a256gcm", "oaep", "pss",
	"pkcs", "pem", "der", "jwk", "jwks", "jwt", "jws", "jwe", "pgp", "gpg", "fernet", "totp", "hotp", "bearer", "basic", "digest", "opaque", "oauth",
	"oidc", "saml", "ldap", "symmetric", "asymmetric", "public", "private", "hex", "base", "raw", "uuid",
}
