package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// spdxIDs are the identifiers of the SPDX licence list that packages declare
// most, sorted. A licence that is not here is written by name, which every
// format allows, so the list need not be whole; it must only be right.
const spdxIDs = " 0BSD AFL-2.1 AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0 " +
	"Artistic-1.0-Perl Artistic-2.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-4-Clause " +
	"BSD-4-Clause-UC BSL-1.0 BlueOak-1.0.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 " +
	"CDDL-1.1 CPL-1.0 EPL-1.0 EPL-2.0 EUPL-1.2 FTL GFDL-1.2-or-later GFDL-1.3-or-later GPL-1.0-only " +
	"GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC JSON " +
	"LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later Libpng " +
	"MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL NCSA OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PSF-2.0 PostgreSQL " +
	"Python-2.0 Ruby SSPL-1.0 TCL Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL " +
	"X11 Zlib ZPL-2.1 blessing bzip2-1.0.6 curl zlib-acknowledgement "

// spdxExceptions are the licence exceptions that may follow WITH.
const spdxExceptions = " Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0 " +
	"Font-exception-2.0 GCC-exception-3.1 LLVM-exception OCaml-LGPL-linking-exception " +
	"Universal-FOSS-exception-1.0 "

func listed(list, id string) bool {
	return id != "" && !strings.Contains(id, " ") && strings.Contains(list, " "+id+" ")
}

// spdxID reports whether s is an identifier of the SPDX licence list.
func spdxID(s string) bool { return listed(spdxIDs, s) }

// spdxExpression reports whether s is a valid SPDX licence expression of
// identifiers known here (SPDX 2.3, annex D).
func spdxExpression(s string) bool {
	s = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s)
	depth, operand := 0, true // operand: one is due
	words := strings.Fields(s)
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "(" && operand:
			depth++
		case w == ")" && !operand && depth > 0:
			depth--
		case (w == "AND" || w == "OR") && !operand:
			operand = true
		case w == "WITH" && !operand && spdxID(words[i-1]) && i+1 < len(words) && listed(spdxExceptions, words[i+1]):
			i++
		case operand && spdxID(strings.TrimSuffix(w, "+")):
			operand = false
		default:
			return false
		}
	}
	return !operand && depth == 0
}

// declaredExpression is one SPDX expression for all the licences a package
// declares. One that the licence list does not know becomes a reference, which
// refs gathers with its text.
func declaredExpression(licenses []string, refs map[string]string) string {
	var terms []string
	for _, l := range licenses {
		term := l
		switch {
		case l == "":
			continue
		case spdxID(l):
		case spdxExpression(l):
			if len(licenses) > 1 {
				term = "(" + l + ")"
			}
		case strings.HasPrefix(l, "LicenseRef-") && idString(l, len(l)) == l: // as another document has it
			refs[l] = l
		default:
			term = licenseRef(l)
			refs[term] = l
		}
		if !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	if len(terms) == 0 {
		return noAssertion
	}
	return strings.Join(terms, " AND ")
}

// licenseRef names a licence text in a document: readable, and distinct.
func licenseRef(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "LicenseRef-" + idString(text, 40) + "-" + hex.EncodeToString(sum[:4])
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
