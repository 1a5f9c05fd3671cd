package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// How old advisory data may be before it is a warning: where it was fetched,
// since it was; what came with the program is older by nature.
const (
	fetchedMaxAge  = 7 * 24 * time.Hour
	embeddedMaxAge = 30 * 24 * time.Hour
)

// dated is from when the data of one ecosystem, or of a source of facts about
// vulnerabilities, is.
type dated struct {
	name    string
	at      time.Time // when it was fetched, else the date of its newest record
	fetched bool
}

func (d dated) age(now time.Time) time.Duration { return now.Sub(d.at) }

// Use is what advisory data was used for.
type Use struct {
	Ecosystems map[string]bool // that were looked up, without their releases
	Coverage   []Coverage      // of them; nil: not known
	Filter     policy.Filter   // by which the run decides
}

// Describe says what data was used and from when, and minds the age of each
// ecosystem that the targets use: it warns of old data, or refuses it.
func (s *Surroundings) Describe(stack *db.Stack, use Use) (d Database, warning string, err error) {
	d = Database{Sources: map[string]time.Time{}, Embedded: true}
	by := map[string]dated{}
	for _, src := range stack.Sources() {
		of := []string{src.Name}
		if src.Ecosystems != nil {
			of = slices.DeleteFunc(slices.Clone(src.Ecosystems), func(e string) bool { return !use.Ecosystems[e] })
		}
		if len(of) == 0 {
			continue
		}
		d.Sources[src.Name] = src.Newest
		if src.Newest.After(d.Date) {
			d.Date = src.Newest
		}
		d.Embedded = d.Embedded && src.Fetched.IsZero()
		if src.Ecosystems == nil && !use.asks(src.Name) {
			continue
		}
		at := dated{at: src.Newest}
		if !src.Fetched.IsZero() {
			at = dated{at: src.Fetched, fetched: true}
		}
		for _, name := range of {
			if at.name = name; by[name].at.Before(at.at) { // of an ecosystem's sources, the newest
				by[name] = at
			}
		}
	}
	for _, c := range use.Coverage { // a release may have newer data than its source says of all
		name, _, _ := strings.Cut(c.Ecosystem, ":")
		if have, ok := by[name]; ok && !have.fetched && have.at.Before(c.To) {
			have.at = c.To
			by[name] = have
		}
	}
	warning, err = s.mind(by)
	return d, warning, err
}

// asks reports whether the run decides by a source of facts about
// vulnerabilities.
func (u Use) asks(source string) bool {
	return source == "kev" && u.Filter.OnlyKEV || source == "epss" && u.Filter.EPSS > 0
}

// mind warns of old data, or refuses it.
func (s *Surroundings) mind(by map[string]dated) (warning string, err error) {
	now := s.Now()
	var old, refused []dated
	for _, d := range by {
		limit := embeddedMaxAge
		if d.fetched {
			limit = fetchedMaxAge
		}
		if d.age(now) > cmp.Or(s.MaxAge, limit) {
			old = append(old, d)
		}
		if d.age(now) > cmp.Or(s.MaxAge, fetchedMaxAge) {
			refused = append(refused, d)
		}
	}
	if s.StaleFails && len(refused) > 0 {
		said, names := say(refused, now)
		limit := "the limit is " + inDays(cmp.Or(s.MaxAge, fetchedMaxAge))
		return "", &staleError{"the advisory data " + said + "; " + limit, names}
	}
	if len(old) > 0 {
		said, names := say(old, now)
		warning = "the advisory data " + said + "; db update " + strings.Join(names, " ") + " brings today's"
	}
	return warning, nil
}

// say puts ages into words, the oldest first, with the names that an update
// takes.
func say(all []dated, now time.Time) (said string, names []string) {
	sorting.By(all, func(a, b dated) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name)) })
	var parts []string
	for _, d := range all {
		name := d.name
		if strings.Contains(name, " ") {
			name = "'" + name + "'"
		}
		names = append(names, name)
		what, age := "is "+inDays(d.age(now))+" old", ""
		if d.fetched {
			what = "was fetched " + inDays(d.age(now)) + " ago"
		} else {
			age = " (" + d.at.Format(time.DateOnly) + ")"
		}
		parts = append(parts, "of "+d.name+" "+what+age)
	}
	return strings.Join(parts, ", "), names
}

// inDays is an age in days, or in months from three of them on.
func inDays(age time.Duration) string {
	days := int(age.Hours() / 24)
	switch {
	case days == 1:
		return "1 day"
	case days < 92:
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d months", days*12/365)
}

// staleError is advisory data older than the user allows.
type staleError struct {
	msg   string
	names []string // of ecosystems, as an update takes them
}

func (e *staleError) Error() string { return e.msg }
func (e *staleError) Hint() string  { return "drydock db update " + strings.Join(e.names, " ") }
