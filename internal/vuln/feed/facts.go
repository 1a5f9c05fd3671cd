package feed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// address is where a person reads the advisory.
func address(source, id string) string { return db.AdvisoryURL(source, id) }

// osvTime reads an RFC 3339 time; none, and Go's zero time that some records
// carry, are the zero time.
func osvTime(s string) (time.Time, error) {
	if s == "" || s == "1-01-01T00:00:00Z" { // PyPA's records print no date so
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time", clip(s))
	}
	if t.Year() < 1980 || t.Year() > 2200 {
		return time.Time{}, nil
	}
	return t.UTC(), nil
}

// date reads a day of our times, "2026-08-01".
func date(s string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil && t.Year() >= 1980 && t.Year() <= 2200
}

// ids is a list of other names, sorted, without doubles and the record's own;
// nil for none.
func ids(in []string, own string) []string {
	var out []string
	for _, id := range in {
		if validID(id) && id != own {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// word is a source's word for how bad or how urgent, as a short lower-case
// string; "" for anything else.
func word(v any) string {
	s, ok := v.(string)
	if !ok || len(s) > 64 || !printable(s) {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(s))
}

func validID(s string) bool {
	return s != "" && s[0] != '.' && len(s) <= maxID && printable(s) && !strings.ContainsAny(s, " /\\")
}

func validName(s string) bool { return s != "" && len(s) <= maxName && printable(s) }

func validVersion(s string) bool { return s != "" && s[0] != '.' && len(s) <= maxID && printable(s) }

// validVector tells a CVSS vector from anything else; what it says is for those
// who compute the score.
func validVector(s string) bool {
	return len(s) <= 512 && printable(s) && !strings.Contains(s, " ") &&
		(strings.HasPrefix(s, "CVSS:") || strings.HasPrefix(s, "AV:")) && strings.Contains(s, "/")
}

// printable says that there is no control character, which would end up on
// someone's terminal, and no broken UTF-8.
func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == 0xfffd || r >= 0x80 && r < 0xa0 {
			return false
		}
	}
	return true
}

// clip keeps a foreign string short enough for an error.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// enumerates are the databases that list versions only as an enumeration of
// their ranges, made from the package archive of the day. With a range at hand
// the list adds nothing but bulk, and it is wrong for the versions of tomorrow.
func enumerates(base string) bool {
	switch base {
	case "Debian", "Alpine", "Ubuntu", "Wolfi", "Chainguard", "MinimOS", "Alpaquita", "BellSoft Hardened Containers", "Echo":
		return true
	}
	return isRPM(base)
}

// versions reads the listed versions and keeps those that the ranges do not
// hold already.
func versions(a *vuln.Advisory, base string, raw json.RawMessage) error {
	if len(raw) == 0 || len(a.Ranges) > 0 && enumerates(base) {
		return nil
	}
	var all []string
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("versions: %w", err)
	}
	if len(all) > maxEvents {
		return fmt.Errorf("%d versions: %w", len(all), ErrLimit)
	}
	for _, v := range all {
		if !validVersion(v) {
			return fmt.Errorf("version %q", clip(v))
		}
		if !slices.ContainsFunc(a.Ranges, func(r vuln.Range) bool { return within(a.Ecosystem, r, v) }) {
			a.Versions = append(a.Versions, v)
		}
	}
	slices.Sort(a.Versions)
	a.Versions = slices.Compact(a.Versions)
	return nil
}

// within says that a range surely holds a version: its events come in pairs and
// one of them encloses it. False where it is not that plain.
func within(ecosystem string, r vuln.Range, v string) bool {
	for i := 0; i < len(r.Events); i += 2 {
		from := r.Events[i].Introduced
		if from == "" {
			return false
		}
		c, err := vuln.Compare(ecosystem, from, v)
		if err != nil {
			return false
		}
		if i+1 == len(r.Events) {
			return c <= 0
		}
		to := r.Events[i+1]
		if to.Fixed == "" && to.LastAffected == "" {
			return false
		}
		d, err := vuln.Compare(ecosystem, v, to.Fixed+to.LastAffected)
		if err != nil {
			return false
		}
		if c <= 0 && (d < 0 || d == 0 && to.LastAffected != "") {
			return true
		}
	}
	return false
}
