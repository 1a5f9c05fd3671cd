package admission

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// standards are the policies of a list.
func standards(t *testing.T, list string) []Standard {
	t.Helper()
	return mustParse(t, "schema: drydock/policy/v1\ndefault: allow\npolicies: "+list).Policies
}

// sums are what policies count of vulnerabilities and packages.
func sums(all []Standard, vulns []Vulnerability, packages [][]string, now time.Time) []Sum {
	out := make([]Sum, MaxCounted)
	for i := range all {
		if all[i].Slot() < 0 {
			continue
		}
		for k := range vulns {
			sum, _ := all[i].Count(&vulns[k], now)
			out[all[i].Slot()].Add(sum, 1)
		}
		for _, p := range packages {
			out[all[i].Slot()].Add(all[i].CountLicenses(p), 1)
		}
	}
	return out
}

// TestStandards holds each kind to its three outcomes; what is not known is never a pass,
// and says what is missing.
func TestStandards(t *testing.T) {
	now := noon()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	high := Vulnerability{ID: "CVE-1", Severity: "high", Fixed: true, Since: ago(20)}
	with := func(v Vulnerability, change func(*Vulnerability)) Vulnerability { change(&v); return v }
	unfixed := with(high, func(v *Vulnerability) { v.Fixed = false })
	unrated := with(high, func(v *Vulnerability) { v.Severity = "unrated" })
	undated := with(high, func(v *Vulnerability) { v.Since = time.Time{} })
	low := with(high, func(v *Vulnerability) { v.Severity = "low" })
	kev := with(low, func(v *Vulnerability) { v.KEV = true })
	named := with(low, func(v *Vulnerability) { v.Aliases = []string{"CVE-2021-44228"} })
	gap := func(k *Known) { k.Unmatched = "of a package nobody tells" }
	for name, c := range map[string]struct {
		policy   string
		vulns    []Vulnerability
		packages [][]string
		known    func(*Known)
		want     Outcome
		says     string
	}{
		"none":                        {policy: "no-fixable-critical-or-high", want: Complies},
		"a high":                      {policy: "no-fixable-critical-or-high", vulns: []Vulnerability{high, low}, want: Violates, says: "1 such vulnerability"},
		"one without a fix":           {policy: "no-fixable-critical-or-high", vulns: []Vulnerability{unfixed}, want: Complies},
		"which is asked for":          {policy: "no-fixable-critical-or-high, unfixed: true", vulns: []Vulnerability{unfixed}, want: Violates},
		"without a severity":          {policy: "no-fixable-critical-or-high", vulns: []Vulnerability{unrated}, want: NotKnown, says: "without a severity"},
		"a high beside unrated":       {policy: "no-fixable-critical-or-high", vulns: []Vulnerability{unrated, high}, want: Violates},
		"not matched":                 {policy: "no-fixable-critical-or-high", known: gap, want: NotKnown, says: "nobody tells"},
		"not matched, and a high":     {policy: "no-fixable-critical-or-high", vulns: []Vulnerability{high}, known: gap, want: Violates},
		"in its grace":                {policy: "no-fixable-critical-or-high, grace: 21d", vulns: []Vulnerability{high}, want: Complies, says: "1 more within the grace of 21 days"},
		"unrated in its grace":        {policy: "no-fixable-critical-or-high, grace: 21d", vulns: []Vulnerability{unrated}, want: Complies},
		"grace is over":               {policy: "no-fixable-critical-or-high, grace: 20d", vulns: []Vulnerability{high}, want: Violates, says: "out for more than 20 days"},
		"grace without a day":         {policy: "no-fixable-critical-or-high, grace: 20d", vulns: []Vulnerability{undated}, want: Violates},
		"other severities":            {policy: "no-fixable-critical-or-high, severities: [critical]", vulns: []Vulnerability{high}, want: Complies},
		"unrated is asked for":        {policy: "no-fixable-critical-or-high, severities: [unrated]", vulns: []Vulnerability{unrated}, want: Violates},
		"exploited":                   {policy: "no-high-profile", vulns: []Vulnerability{kev}, want: Violates},
		"by another name":             {policy: "no-high-profile", vulns: []Vulnerability{named}, want: Violates},
		"others named":                {policy: "no-high-profile, cves: [CVE-1]", vulns: []Vulnerability{named}, want: Violates},
		"none named":                  {policy: "no-high-profile, cves: [CVE-9]", vulns: []Vulnerability{named}, want: Complies},
		"no distribution":             {policy: "supported-base", want: NotKnown, says: "not known"},
		"supported":                   {policy: "supported-base", known: func(k *Known) { k.Ends = Is(ago(-1)) }, want: Complies, says: "until"},
		"ended":                       {policy: "supported-base", known: func(k *Known) { k.Ends = Is(ago(1)) }, want: Violates, says: "ended on"},
		"ends now":                    {policy: "supported-base", known: func(k *Known) { k.Ends = Is(now) }, want: Violates},
		"all known":                   {policy: "all-known", want: Complies},
		"a gap":                       {policy: "all-known", known: gap, want: Violates},
		"waiting":                     {policy: "all-known", known: func(k *Known) { gap(k); k.Waiting = true }, want: NotKnown},
		"no base":                     {policy: "up-to-date-base", want: NotKnown, says: "not known"},
		"an old base":                 {policy: "up-to-date-base", known: func(k *Known) { k.Newer = Is("node:20 is newer") }, want: Violates, says: "newer"},
		"a new base":                  {policy: "up-to-date-base", known: func(k *Known) { k.Newer = Is("") }, want: Complies},
		"user unknown":                {policy: "non-root", want: NotKnown, says: "nobody told"},
		"no user":                     {policy: "non-root", known: func(k *Known) { k.User = Is("") }, want: Violates},
		"root by number":              {policy: "non-root", known: func(k *Known) { k.User = Is("0:33") }, want: Violates},
		"a user":                      {policy: "non-root", known: func(k *Known) { k.User = Is("web") }, want: Complies},
		"base unknown":                {policy: "approved-bases, bases: {publishers: [official]}", want: NotKnown},
		"approved publisher":          {policy: "approved-bases, bases: {publishers: [official]}", known: func(k *Known) { k.Base = Is(Base{"docker.io/library/node", "official"}) }, want: Complies},
		"nobody's":                    {policy: "approved-bases, bases: {images: [docker.io/library/debian]}", known: func(k *Known) { k.Base = Is(Base{"docker.io/x/node", ""}) }, want: Violates, says: "not approved"},
		"licences":                    {policy: "licenses, deny: [AGPL-*]", packages: [][]string{{"MIT"}}, want: Complies},
		"a denied one":                {policy: "licenses, deny: [agpl-*]", packages: [][]string{{"MIT"}, {"MIT AND AGPL-3.0-only"}}, want: Violates, says: "1 package"},
		"a choice":                    {policy: "licenses, deny: [AGPL-*]", packages: [][]string{{"MIT OR AGPL-3.0-only"}}, want: Complies},
		"no licence":                  {policy: "licenses, deny: [AGPL-*]", packages: [][]string{nil}, want: NotKnown, says: "not known"},
		"packages that are not known": {policy: "licenses, deny: [AGPL-*]", known: func(k *Known) { k.Unlisted = "a jar could not be read" }, want: NotKnown, says: "jar"},
		"signatures unknown":          {policy: "signed", want: NotKnown},
		"signed":                      {policy: "signed", known: func(k *Known) { k.Signed = Fact[string]{Known: true, Why: "by release"} }, want: Complies, says: "release"},
		"unsigned":                    {policy: "signed", known: func(k *Known) { k.Signed = Is("nobody signed it") }, want: Violates, says: "nobody"},
		"attestations unknown":        {policy: "attested", want: NotKnown},
		"attested in part":            {policy: "attested", known: func(k *Known) { k.Attested = Is([]string{"sbom"}) }, want: Violates, says: "provenance"},
		"attested":                    {policy: "attested, types: [sbom]", known: func(k *Known) { k.Attested = Is([]string{"sbom"}) }, want: Complies},
		"secrets unknown":             {policy: "no-secrets", want: NotKnown},
		"a secret":                    {policy: "no-secrets", known: func(k *Known) { k.Secrets = Is([]string{"a key in /a", "b"}) }, want: Violates, says: "a key in /a, and 1 more"},
		"no secret":                   {policy: "no-secrets", known: func(k *Known) { k.Secrets = Is([]string(nil)) }, want: Complies},
		"privileges unknown":          {policy: "least-privilege", want: NotKnown},
		"privileges":                  {policy: "least-privilege", known: func(k *Known) { k.Privileges = Is([]string{"it is privileged"}) }, want: Violates},
		"the least":                   {policy: "least-privilege", known: func(k *Known) { k.Privileges = Is([]string{}) }, want: Complies},
	} {
		all := standards(t, "[{policy: "+c.policy+"}]")
		k := Known{Now: now, Sums: sums(all, c.vulns, c.packages, now)}
		if c.known != nil {
			c.known(&k)
		}
		h := HealthOf("x", all, &k)
		if len(h.Results) != 1 || h.Results[0].Outcome != c.want || !strings.Contains(h.Results[0].Reason, c.says) || h.Results[0].Reason == "" {
			t.Errorf("%s: %+v, and not %s (%s)", name, h.Results, c.want, c.says)
		}
		k.Say = false
		if o, _, _ := all[0].Judge(&k); o != c.want {
			t.Errorf("%s: %s where no reason is asked for", name, o)
		}
	}
	if len(Kinds()) != 12 {
		t.Errorf("%d kinds: give each its outcomes here", len(Kinds()))
	}
}

// TestStandardScope: a policy is for the images and environments that it names.
func TestStandardScope(t *testing.T) {
	all := standards(t, "[{policy: all-known, environments: [prod], name: a}, {policy: all-known, images: ['r.io/me/*'], name: b}]")
	for _, c := range []struct {
		env, repository string
		any             bool
		want            string
	}{
		{"prod", "r.io/me/app", false, "a b"},
		{"staging", "r.io/me/app", false, "b"},
		{"", "r.io/me/app", false, "b"},
		{"prod", "r.io/you/app", false, "a"},
		{"", "", true, "a"},
		{"", "", false, ""},
	} {
		var got []string
		for _, r := range HealthOf("x", all, &Known{Env: c.env, Repository: c.repository, AnyEnv: c.any}).Results {
			got = append(got, r.Policy)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestGrace: until when a sum holds is when the grace is over, and not later.
func TestGrace(t *testing.T) {
	s := standards(t, "[{policy: no-fixable-critical-or-high, grace: 10d}]")[0]
	v := Vulnerability{Severity: "critical", Fixed: true, Since: noon().AddDate(0, 0, -9)}
	sum, until := s.Count(&v, noon())
	if sum != (Sum{Wait: 1}) || !until.Equal(noon().AddDate(0, 0, 1)) {
		t.Errorf("%+v until %s", sum, until)
	}
	if sum, until = s.Count(&v, until); sum != (Sum{Over: 1}) || !until.IsZero() {
		t.Errorf("%+v until %s", sum, until)
	}
}

// TestScore: a grade is of what is known; with a gap it is not the best, and with more
// than half unknown there is none.
func TestScore(t *testing.T) {
	for _, c := range []struct {
		kept, broken, unknown int
		want                  string
	}{
		{100, 0, 0, "A"},
		{95, 5, 0, "A"},
		{94, 6, 0, "B"},
		{80, 20, 0, "B"},
		{79, 21, 0, "C"},
		{65, 35, 0, "C"},
		{35, 65, 0, "D"},
		{34, 66, 0, "F"},
		{99, 0, 1, "B"},
		{50, 0, 50, "B"},
		{49, 0, 51, "?"},
		{0, 0, 0, "?"},
		{0, 60, 40, "F"},
	} {
		var s Score
		s.Add(Complies, c.kept)
		s.Add(Violates, c.broken)
		s.Add(NotKnown, c.unknown)
		if got := s.Grade(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestBadStandards: what a policy does not take, and what it lacks, is an error.
func TestBadStandards(t *testing.T) {
	for list, says := range map[string]string{
		"[{policy: no-bugs}]":                                        "none of",
		"[{policy: signed, grace: 1d}]":                              "takes no grace",
		"[{policy: approved-bases}]":                                 "needs bases",
		"[{policy: approved-bases, bases: {}}]":                      "name images or publishers",
		"[{policy: licenses}]":                                       "needs deny",
		"[{policy: licenses, deny: ['[']}]":                          "no pattern",
		"[{policy: signed}, {policy: signed}]":                       "there are two signed",
		"[{policy: signed, name: 'a/b'}]":                            "name",
		"[{policy: signed, weight: -1}]":                             "weight",
		"[{policy: attested, types: [letter]}]":                      "none of sbom",
		"[{policy: no-fixable-critical-or-high, severities: [bad]}]": "no severity",
		"[{policy: signed, images: ['a b']}]":                        "no pattern",
		"[{policy: signed, colour: red}]":                            "colour",
	} {
		_, err := Parse("p.yaml", []byte("schema: drydock/policy/v1\ndefault: allow\npolicies: "+list), nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", list, err)
		}
	}
	many := ""
	for i := range MaxCounted + 1 {
		many += "{policy: no-high-profile, name: n" + strconv.Itoa(i) + "}, "
	}
	if _, err := Parse("p.yaml", []byte("schema: drydock/policy/v1\ndefault: allow\npolicies: ["+many+"]"), nil); err == nil {
		t.Error("more policies count than there is room for")
	}
}

// TestWeights holds the page of the gate to the kinds and their weights.
func TestWeights(t *testing.T) {
	b, err := os.ReadFile("../../../docs/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds() {
		if row := "| `" + k.ID + "` | " + strconv.Itoa(k.Weight) + " | "; strings.Count(string(b), row) != 1 {
			t.Errorf("docs/gate.md lacks the row %s…", row)
		}
	}
	serve, err := os.ReadFile("../../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, s := range Standards() {
		sum += s.Weighs()
		if row := "| " + s.Title() + " | " + strconv.Itoa(s.Weighs()) + " |"; !strings.Contains(string(serve), row) {
			t.Errorf("docs/serve.md lacks the row %s", row)
		}
	}
	if sum != 100 {
		t.Errorf("the weights of the built-in policies add up to %d", sum)
	}
}

// FuzzLicense: whatever an expression is, it is denied where every licence is, and not
// where none is.
func FuzzLicense(f *testing.F) {
	for _, s := range []string{"MIT", "MIT OR (GPL-2.0+ AND BSD)", "GPL-2.0-only WITH Classpath-exception-2.0", "((", "OR", "MIT AND", strings.Repeat("(", 99), "Custom: x (y)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxLicense {
			t.Skip()
		}
		if denied(s, []string{"nothing-at-all"}) && !strings.Contains(strings.ToLower(s), "nothing-at-all") {
			t.Error("denied for nothing")
		}
		if strings.TrimSpace(s) != "" && !strings.ContainsAny(s, "/") && !denied(s, []string{"*"}) {
			t.Error("not denied where all are")
		}
	})
}

// TestLicense: a choice is denied where all of it is, a sum where any of it is.
func TestLicense(t *testing.T) {
	deny := []string{"AGPL-*", "GPL-3.0*"}
	for s, want := range map[string]bool{
		"AGPL-3.0-only": true, "agpl-3.0": true, "MIT": false, "": false, "LGPL-3.0": false, "GPL-3.0+": true,
		"MIT OR AGPL-3.0": false, "GPL-3.0 OR AGPL-3.0": true, "MIT AND AGPL-3.0": true,
		"(MIT OR GPL-3.0-only) AND (AGPL-3.0 OR BSD-3-Clause)": false, "(MIT AND GPL-3.0-only) OR AGPL-3.0": true,
		"GPL-3.0-only WITH GCC-exception-3.1": true, "MIT AND (": false, "AGPL-3.0 OR": true, // no expression: one name, which matches
	} {
		if denied(s, deny) != want {
			t.Errorf("%q: denied is %v", s, !want)
		}
	}
}
