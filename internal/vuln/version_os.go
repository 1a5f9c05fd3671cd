package vuln

import "strings"

// compareDeb orders Debian versions as deb-version(7) says, without
// allocating: [epoch:]upstream[-revision].
func compareDeb(a, b string) (int, error) {
	ea, a, ok := debEpoch(a)
	if !ok {
		return 0, errVersion
	}
	eb, b, ok := debEpoch(b)
	if !ok {
		return 0, errVersion
	}
	if c := compareNumbers(ea, eb); c != 0 {
		return c, nil
	}
	ua, ra := debRevision(a)
	ub, rb := debRevision(b)
	if c := compareDebPart(ua, ub); c != 0 {
		return c, nil
	}
	return compareDebPart(ra, rb), nil
}

func debEpoch(s string) (epoch, rest string, ok bool) {
	i := strings.IndexByte(s, ':')
	if i < 0 {
		return "", s, true
	}
	return s[:i], s[i+1:], i > 0 && digits(s) == i
}

func debRevision(s string) (upstream, revision string) {
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// compareDebPart alternates runs of non-digits, in dpkg's order of
// characters, with runs of digits, by value.
func compareDebPart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if c := debWeight(a) - debWeight(b); c != 0 {
				return sign(c)
			}
			a, b = a[1:], b[1:] // of equal weight other than 0: neither is at its end
		}
		na, nb := digits(a), digits(b)
		if c := compareNumbers(a[:na], b[:nb]); c != 0 {
			return c
		}
		a, b = a[na:], b[nb:]
	}
	return 0
}

// debWeight orders what a part may go on with: a tilde before the end (or a
// digit), then letters, then the rest.
func debWeight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

// compareRPM orders two builds as the family's marks say.
func (f family) compareRPM(a, b string) int {
	if f&epochs != 0 {
		_, a = rpmEpoch(a)
		_, b = rpmEpoch(b)
	}
	if f&rebuilds != 0 {
		a, b = rebuiltFrom(a), rebuiltFrom(b)
	}
	if f&tagless != 0 {
		bareA, bareB := withoutTag(a), withoutTag(b)
		if (bareA == a) != (bareB == b) { // one of them has a tag
			a, b = bareA, bareB
		}
	}
	return compareRPM(a, b)
}

// withoutTag is a build of Azure Linux without the distribution's tag.
func withoutTag(version string) string {
	i := strings.LastIndexByte(version, '.')
	if i < 0 {
		return version
	}
	tag := version[i+1:]
	if n := letters(tag); (tag[:n] == "azl" || tag[:n] == "cm") && n+digits(tag[n:]) == len(tag) && n < len(tag) {
		return version[:i]
	}
	return version
}

// rebuiltFrom is a build's version without what tells Red Hat's and a rebuild of
// it apart: the minor release and the rebuilder's name, after ".el7".
func rebuiltFrom(version string) string {
	i := strings.LastIndex(version, ".el")
	if i < 0 {
		return version
	}
	head, rest := version[:i+3], version[i+3:]
	n := digits(rest)
	head, rest = head+rest[:n], rest[n:]
	if minor, ok := strings.CutPrefix(rest, "_"); ok {
		rest = minor[digits(minor):]
	}
	return head + strings.Replace(rest, ".centos", "", 1)
}

// compareRPM orders [epoch:]version[-release] as rpmvercmp does, a missing
// epoch being 0.
func compareRPM(a, b string) int {
	ea, a := rpmEpoch(a)
	eb, b := rpmEpoch(b)
	if c := compareNumbers(ea, eb); c != 0 {
		return c
	}
	va, ra, hasA := strings.Cut(a, "-")
	vb, rb, hasB := strings.Cut(b, "-")
	if c := compareRPMPart(va, vb); c != 0 {
		return c
	}
	if hasA != hasB { // the one without a release is before
		if hasA {
			return 1
		}
		return -1
	}
	return compareRPMPart(ra, rb)
}

func rpmEpoch(s string) (epoch, rest string) {
	if i := strings.IndexByte(s, ':'); i >= 0 && digits(s) == i {
		return s[:i], s[i+1:]
	}
	return "", s
}

// compareRPMPart walks both strings segment by segment.
func compareRPMPart(a, b string) int {
	for {
		a, b = rpmSkip(a), rpmSkip(b)
		if c, both := rpmMark(a, b, '~', -1); c != 0 {
			return c
		} else if both {
			a, b = a[1:], b[1:]
			continue
		}
		// A caret is after the end of the string and before anything else.
		if c, both := rpmMark(a, b, '^', -1); c != 0 {
			if a == "" || b == "" {
				return -c
			}
			return c
		} else if both {
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			return sign(len(a) - len(b))
		}
		var na, nb int
		if isDigit(a[0]) {
			na, nb = digits(a), digits(b)
		} else {
			na, nb = letters(a), letters(b)
		}
		if nb == 0 { // of unlike kinds: the number is newer
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		c := strings.Compare(a[:na], b[:nb])
		if isDigit(a[0]) {
			c = compareNumbers(a[:na], b[:nb])
		}
		if c != 0 {
			return c
		}
		a, b = a[na:], b[nb:]
	}
}

// rpmMark looks for a leading mark: with is the answer if only a has it, the
// opposite if only b does; both says that each does.
func rpmMark(a, b string, mark byte, with int) (c int, both bool) {
	ma, mb := a != "" && a[0] == mark, b != "" && b[0] == mark
	switch {
	case ma && mb:
		return 0, true
	case ma:
		return with, false
	case mb:
		return -with, false
	}
	return 0, false
}

func rpmSkip(s string) string {
	for s != "" && !isDigit(s[0]) && !isLetter(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

func letters(s string) int {
	i := 0
	for i < len(s) && isLetter(s[i]) {
		i++
	}
	return i
}

// compareAPK orders the plain shape of an Alpine version, dotted numbers and
// "-rN"; ok is false for anything else (letters, suffixes, leading zeros).
func compareAPK(a, b string) (c int, ok bool) {
	va, ra, ok := apkParts(a)
	if !ok {
		return 0, false
	}
	vb, rb, ok := apkParts(b)
	if !ok {
		return 0, false
	}
	if c, ok = comparePlain(va, vb, 8); !ok || c != 0 {
		return c, ok
	}
	return compareNumbers(ra, rb), true
}

func apkParts(s string) (version, revision string, ok bool) {
	if i := strings.LastIndex(s, "-r"); i >= 0 {
		s, revision = s[:i], s[i+2:]
		if revision == "" || digits(revision) != len(revision) {
			return "", "", false
		}
	}
	for i := 1; i < len(s)-1; i++ {
		if s[i-1] == '.' && s[i] == '0' && s[i+1] != '.' {
			return "", "", false
		}
	}
	return s, revision, true
}
