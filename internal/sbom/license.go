package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

func listed(list, id string) bool {
	return id != "" && !strings.Contains(id, " ") && strings.Contains(list, " "+id+" ")
}

// spdxID reports whether s is an identifier of the SPDX licence list.
func spdxID(s string) bool { return listed(spdxIDs, s) }

// spdxExpression reports whether s is a valid SPDX licence expression of
// identifiers known here, and of those that a document defines (SPDX 2.3, annex D).
func spdxExpression(s string) bool {
	ids, exceptions, ok := expression(s)
	return ok && !slices.ContainsFunc(ids, func(id string) bool { return !spdxID(strings.TrimSuffix(id, "+")) && !isLicenseRef(id) }) &&
		!slices.ContainsFunc(exceptions, func(id string) bool { return !listed(spdxExceptions, id) })
}

// expression takes an SPDX licence expression apart: the licences and exceptions that
// it names, which need not be known, and whether it is one by its grammar.
func expression(s string) (ids, exceptions []string, ok bool) {
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s))
	depth, operand := 0, true // operand: one is due
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "(" && operand:
			depth++
		case w == ")" && !operand && depth > 0:
			depth--
		case (w == "AND" || w == "OR") && !operand:
			operand = true
		case w == "WITH" && !operand && words[i-1] != ")" && i+1 < len(words) && licenseID(words[i+1]):
			i++
			exceptions = append(exceptions, words[i])
		case operand && licenseID(w):
			ids, operand = append(ids, w), false
		default:
			return nil, nil, false
		}
	}
	return ids, exceptions, !operand && depth == 0
}

// licenseID reports whether a word can name a licence in an expression.
func licenseID(w string) bool {
	w = strings.TrimSuffix(w, "+")
	if doc, ref, other := strings.Cut(w, ":"); other && strings.HasPrefix(doc, "DocumentRef-") {
		return idString(doc, len(doc)) == doc && isLicenseRef(ref)
	}
	return w != "" && w != "AND" && w != "OR" && w != "WITH" && idString(w, len(w)) == w
}

// isLicenseRef reports whether s names a licence that a document defines.
func isLicenseRef(s string) bool {
	return strings.HasPrefix(s, "LicenseRef-") && len(s) > len("LicenseRef-") && idString(s, len(s)) == s
}

// licenseRef names a licence in a document: readable, and distinct by its content.
func licenseRef(name, content string) string {
	sum := sha256.Sum256([]byte(content))
	return "LicenseRef-" + idString(name, 40) + "-" + hex.EncodeToString(sum[:4])
}

// idString makes an SPDX idstring of s: letters, digits, dots and dashes, at
// most limit of them.
func idString(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= limit {
			break
		}
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	return b.String()
}
