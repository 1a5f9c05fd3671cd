package vuln

import (
	"testing"
)

// events builds a range from "i:1.0 f:1.2 l:1.1 x:2.0".
func events(es ...Event) []Range { return []Range{{Type: "ECOSYSTEM", Events: es}} }

func in(v string) Event   { return Event{Introduced: v} }
func fix(v string) Event  { return Event{Fixed: v} }
func last(v string) Event { return Event{LastAffected: v} }
func lim(v string) Event  { return Event{Limit: v} }

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name     string
		eco      string
		ranges   []Range
		versions []string
		version  string
		affected bool
		fixed    string
	}{
		{"open range", "npm", events(in("0")), nil, "1.0.0", true, ""},
		{"below the fix", "npm", events(in("0"), fix("1.2.0")), nil, "1.1.9", true, "1.2.0"},
		{"the fix itself", "npm", events(in("0"), fix("1.2.0")), nil, "1.2.0", false, ""},
		{"a pre-release of the fix", "npm", events(in("0"), fix("1.2.0")), nil, "1.2.0-rc.1", true, "1.2.0"},
		{"before it was introduced", "npm", events(in("1.0.0"), fix("1.2.0")), nil, "0.9.0", false, ""},
		{"where it was introduced", "npm", events(in("1.0.0"), fix("1.2.0")), nil, "1.0.0", true, "1.2.0"},
		{"last affected", "npm", events(in("0"), last("1.2.0")), nil, "1.2.0", true, ""},
		{"after the last affected", "npm", events(in("0"), last("1.2.0")), nil, "1.2.1", false, ""},
		{"one version alone", "Bitnami", events(in("1.23.0"), last("1.23.0"), in("1.23.1"), last("1.23.1")), nil, "1.23.1", true, ""},
		{"between single versions", "Bitnami", events(in("1.0.0"), last("1.0.0"), in("1.2.0"), last("1.2.0")), nil, "1.1.0", false, ""},
		{"one version, its last named first", "Bitnami", events(last("1.0.0"), in("1.0.0")), nil, "1.1.0", false, ""},
		{"unsorted events, first branch", "npm", events(fix("2.1.0"), in("2.0.0"), fix("1.5.0"), in("0")), nil, "1.4.0", true, "1.5.0"},
		{"unsorted events, between", "npm", events(fix("2.1.0"), in("2.0.0"), fix("1.5.0"), in("0")), nil, "1.9.0", false, ""},
		{"unsorted events, second branch", "npm", events(fix("2.1.0"), in("2.0.0"), fix("1.5.0"), in("0")), nil, "2.0.5", true, "2.1.0"},
		{"ranges that touch", "npm", events(in("0"), fix("1.0.0"), in("1.0.0"), fix("2.0.0")), nil, "1.0.0", true, "2.0.0"},
		{"two ranges, the second", "npm", append(events(in("0"), fix("1.0.0")), events(in("2.0.0"), fix("2.2.0"))...), nil, "2.1.0", true, "2.2.0"},
		{"limit above", "npm", events(in("0"), lim("2.0.0")), nil, "1.0.0", true, ""},
		{"limit reached", "npm", events(in("0"), lim("2.0.0")), nil, "2.0.0", false, ""},
		{"no limit", "npm", events(in("0"), lim("*")), nil, "9.0.0", true, ""},
		{"one of two limits", "npm", events(in("0"), lim("1.0.0"), lim("3.0.0")), nil, "2.0.0", true, ""},
		{"listed", "PyPI", nil, []string{"1.0", "1.1"}, "1.1", true, ""},
		{"listed by value", "PyPI", nil, []string{"1.0"}, "1.0.0", true, ""},
		{"not listed", "PyPI", nil, []string{"1.0"}, "1.0.1", false, ""},
		{"listed beside a range", "npm", events(in("2.0.0")), []string{"1.0.0"}, "1.0.0", true, ""},
		{"a range of commits", "npm", []Range{{Type: "GIT", Events: []Event{in("0")}}}, nil, "1.0.0", false, ""},
		{"secdb's zero", "Alpine:v3.18", events(in("0"), fix("0")), nil, "1.2.13-r1", false, ""},
		{"secdb's zero alone", "Alpine:v3.18", events(fix("0")), nil, "1.2.13-r1", false, ""},
		{"Alpine build", "Alpine:v3.18", events(in("0"), fix("3.1.7-r1")), nil, "3.1.7-r0", true, "3.1.7-r1"},
		{"Debian tilde", "Debian:11", events(in("0"), fix("5.2.5-2.1~deb11u1")), nil, "5.2.5-2", true, "5.2.5-2.1~deb11u1"},
		{"Debian epoch", "Debian:11", events(in("0"), fix("1:1.0-1")), nil, "9.0-1", true, "1:1.0-1"},
		{"Debian versions are a help only", "Debian:11", events(in("0"), fix("2.0-1")), []string{"1.0-1"}, "1.0-1", true, "2.0-1"},
		{"rpm epoch", "AlmaLinux:9", events(in("0"), fix("1:3.0.1-41.el9_0")), nil, "1:3.0.1-20.el9", true, "1:3.0.1-41.el9_0"},
		{"Go pre-release", "Go", events(in("0"), fix("1.19.8"), in("1.20.0-0"), fix("1.20.3")), nil, "1.20.0-rc.1", true, "1.20.3"},
		{"Go between", "Go", events(in("0"), fix("1.19.8"), in("1.20.0-0"), fix("1.20.3")), nil, "1.19.9", false, ""},
		{"no ranges, no versions", "npm", nil, nil, "1.0.0", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := Advisory{ID: "X", Ecosystem: test.eco, Ranges: test.ranges, Versions: test.versions}
			v, err := judge(&a, familyOf(test.eco), test.version)
			if err != nil {
				t.Fatal(err)
			}
			if v.affected != test.affected || v.fixed != test.fixed {
				t.Errorf("%s: affected %v fixed %q, want %v %q", test.version, v.affected, v.fixed, test.affected, test.fixed)
			}
			a.Withdrawn = true
			if v, err := judge(&a, familyOf(test.eco), test.version); err != nil || v.affected {
				t.Errorf("withdrawn: %v %v", v, err)
			}
		})
	}
}

// Whatever the order of distinct events, the answer is the same.
func TestJudgeOrder(t *testing.T) {
	es := []Event{in("0"), fix("1.5.0"), in("2.0.0"), last("2.3.0"), in("3.0.0"), fix("3.1.0")}
	want := map[string]bool{"1.0.0": true, "1.5.0": false, "2.3.0": true, "2.3.1": false, "3.0.9": true, "3.1.0": false}
	var permute func(int)
	permute = func(k int) {
		if k == len(es) {
			for v, affected := range want {
				got, err := judge(&Advisory{Ecosystem: "npm", Ranges: events(es...)}, famSemver, v)
				if err != nil || got.affected != affected {
					t.Fatalf("%v of %v: %v %v", v, es, got, err)
				}
			}
			return
		}
		for i := k; i < len(es); i++ {
			es[k], es[i] = es[i], es[k]
			permute(k + 1)
			es[k], es[i] = es[i], es[k]
		}
	}
	permute(0)
}
