package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/disk"
	dockerrules "github.com/drydock-dev/drydock/internal/dockerfile/rules"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image/rules"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// ErrNotKnown is an id that is neither a rule nor in the database.
var ErrNotKnown = errors.New("not known")

// Rules lists every rule that the program has, by practice and id.
func Rules() []finding.Rule {
	var all []finding.Rule
	for _, c := range append(rules.Checks(), rules.Age(time.Time{})) {
		all = append(all, c.Rule)
	}
	for _, c := range dockerrules.Checks() {
		all = append(all, c.Rule)
	}
	all = append(all, SyntaxRule())
	all = slices.Concat(all, audit.Rules(), confine.NeedRules(), vuln.Rules(), base.Rules(), trust.Rules(), policy.Rules())
	order := finding.Practices()
	sorting.By(all, func(a, b finding.Rule) int {
		if c := slices.Index(order, a.Practice) - slices.Index(order, b.Practice); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return all
}

// KnownRules refuses a name or glob that no rule has: what was asked for and not
// looked at would look like a clean file.
func KnownRules(names []string) error {
	all := Rules()
	for _, n := range names {
		if !slices.ContainsFunc(all, func(r finding.Rule) bool { return r.Matches(n) }) {
			return finding.WithHint(fmt.Errorf("no rule is called %q", n), "a rule's id, an alias such as DL3008, or a glob such as dockerfile/*")
		}
	}
	return nil
}

// FindRules finds the rules of a name, theirs or another tool's for them, in any
// case: the one whose id it is, else all that it is an alias of, Dockerfile rules
// first.
func FindRules(name string) []finding.Rule {
	var found []finding.Rule
	for _, r := range Rules() {
		if strings.EqualFold(string(r.ID), name) {
			return []finding.Rule{r}
		}
		if slices.ContainsFunc(r.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			found = append(found, r)
		}
	}
	sorting.By(found, func(a, b finding.Rule) int {
		return strings.Compare(area(a.ID), area(b.ID))
	})
	return found
}

func area(id finding.RuleID) string {
	before, _, _ := strings.Cut(string(id), "/")
	return before
}

// Known is what the database knows of one vulnerability, and what of the last
// run's packages it touches.
type Known struct {
	ID         string
	Aliases    []string
	Meta       vuln.Meta
	Advisories []vuln.Advisory
	Last       *finding.Subject // what the last run looked at; nil: there was none
	Touches    []finding.Finding
	Database   Database
}

// spelled is an id as the database writes it; a CVE's is in capitals.
func spelled(id string, found []vuln.Advisory) string {
	for _, a := range found {
		for _, n := range append([]string{a.ID}, a.Aliases...) {
			if strings.EqualFold(n, id) {
				return n
			}
		}
	}
	if len(id) > 4 && strings.EqualFold(id[:4], "cve-") {
		return strings.ToUpper(id)
	}
	return id
}

// Explain looks one vulnerability up by any of its ids. ErrNotKnown says that
// the database has nothing of it.
func (p *Pipeline) Explain(ctx context.Context, id string) (*Known, error) {
	stack, err := feed.Open(p.DataDir, disk.Caller(p.Getenv))
	if err != nil {
		return nil, errors.Join(err, stack.Close())
	}
	defer stack.Close() //nolint:errcheck // read only
	k := &Known{ID: id}
	if k.Advisories, err = stack.Find(ctx, id); err != nil {
		return nil, err
	}
	id = spelled(id, k.Advisories)
	k.ID = id
	names := map[string]bool{strings.ToUpper(id): true}
	for _, a := range k.Advisories {
		for _, n := range append([]string{a.ID}, a.Aliases...) {
			if !names[strings.ToUpper(n)] {
				names[strings.ToUpper(n)] = true
				k.Aliases = append(k.Aliases, n)
			}
		}
	}
	vuln.SortAliases(k.Aliases)
	rejected, live := "", false
	for _, n := range append([]string{id}, k.Aliases...) {
		m, err := stack.Meta(ctx, n)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(n, "CVE-") {
			rejected, live = cmp.Or(rejected, m.Rejected), live || m.Rejected == ""
		}
		switch {
		case k.Meta.ID == "":
			k.Meta = m
		case k.Meta.Title == "":
			k.Meta.Title, k.Meta.TitleBy = m.Title, m.TitleBy
		}
	}
	if k.Meta.Rejected = rejected; live { // of two numbers for it, one stands
		k.Meta.Rejected = ""
	}
	for i := range k.Meta.CVSS {
		k.Meta.CVSS[i].Score, _ = vuln.Score(k.Meta.CVSS[i].Vector)
	}
	if len(k.Advisories) == 0 && k.Meta.ID == "" {
		return nil, ErrNotKnown
	}
	inv := p.last()
	if inv == nil {
		return k, nil
	}
	k.Last = &inv.Subject
	found, _, err := vuln.Match(ctx, inv, stack, vuln.Options{Now: p.Now(), EndOfLife: base.DistroEnds})
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if f.Vuln != nil && (names[strings.ToUpper(f.Vuln.ID)] || slices.ContainsFunc(f.Vuln.Aliases, func(a string) bool { return names[strings.ToUpper(a)] })) {
			k.Touches = append(k.Touches, f)
		}
	}
	return k, nil
}
