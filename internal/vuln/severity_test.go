package vuln

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestSeverity(t *testing.T) {
	const (
		high     = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" // 7.5
		critical = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" // 9.8
		medium   = "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N" // 6.1
	)
	v := func(source, vector string) finding.CVSS { return finding.CVSS{Source: source, Vector: vector} }
	for _, test := range []struct {
		name   string
		adv    Advisory
		meta   []finding.CVSS
		distro bool
		want   finding.Severity
		source string
	}{
		{"Debian unimportant", Advisory{Source: "debian", Urgency: "unimportant"}, []finding.CVSS{v("nvd", critical)}, true, finding.Negligible, "debian"},
		{"Debian low over CVSS", Advisory{Source: "debian", Urgency: "low"}, []finding.CVSS{v("nvd", critical)}, true, finding.Low, "debian"},
		{"Debian high with its stars", Advisory{Source: "debian", Urgency: "high**"}, nil, true, finding.High, "debian"},
		{"Debian not yet assigned", Advisory{Source: "debian", Urgency: "not yet assigned"}, []finding.CVSS{v("nvd", critical)}, true, finding.Critical, "nvd"},
		{"Debian end of life", Advisory{Source: "debian", Urgency: "end-of-life"}, []finding.CVSS{v("redhat", medium)}, true, finding.Medium, "redhat"},
		{"Ubuntu untriaged", Advisory{Source: "ubuntu", Urgency: "untriaged"}, []finding.CVSS{v("cna", high)}, true, finding.High, "cna"},
		{"AlmaLinux's word", Advisory{Source: "almalinux", Severity: finding.High}, []finding.CVSS{v("nvd", medium)}, true, finding.High, "almalinux"},
		{"nvd before others", Advisory{Source: "ghsa", Severity: finding.Low}, []finding.CVSS{v("redhat", medium), v("cna", critical), v("nvd", high)}, false, finding.High, "nvd"},
		{"adp before cna", Advisory{}, []finding.CVSS{v("cna", critical), v("adp", high)}, false, finding.High, "adp"},
		{"bad vectors are passed over", Advisory{}, []finding.CVSS{v("nvd", "CVSS:3.1/nonsense"), v("adp", "junk"), v("cna", critical)}, false, finding.Critical, "cna"},
		{"the advisory's own vector", Advisory{Source: "ghsa", Severity: finding.Low, CVSS: []finding.CVSS{v("", critical)}}, nil, false, finding.Critical, "ghsa"},
		{"the advisory's word", Advisory{Source: "ghsa", Severity: finding.Medium}, nil, false, finding.Medium, "ghsa"},
		{"nobody has said", Advisory{Source: "osv"}, nil, false, finding.Unspecified, ""},
		{"a score of nothing", Advisory{}, []finding.CVSS{v("nvd", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N")}, false, finding.Negligible, "nvd"},
		{"version 2 knows no critical", Advisory{}, []finding.CVSS{v("nvd", "AV:N/AC:L/Au:N/C:C/I:C/A:C")}, false, finding.High, "nvd"},
		{"version 4", Advisory{}, []finding.CVSS{v("cna", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")}, false, finding.Critical, "cna"},
		{"3.1 before 4.0 of one source", Advisory{Source: "ghsa", CVSS: []finding.CVSS{v("", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), v("", high)}}, nil, false, finding.High, "ghsa"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := cluster{hits: []hit{{adv: &test.adv}}}
			sev, source, _ := rate(&c, Meta{CVSS: test.meta}, test.distro)
			if sev != test.want || source != test.source {
				t.Errorf("%s by %q, want %s by %q", sev, source, test.want, test.source)
			}
		})
	}
	for vector, want := range map[string]float64{high: 7.5, critical: 9.8, medium: 6.1, "(AV:N/AC:L/Au:N/C:P/I:P/A:P)": 7.5} {
		if got, ok := Score(vector); !ok || got != want {
			t.Errorf("%s: %v %v", vector, got, ok)
		}
	}
	debian := &cluster{hits: []hit{{adv: &Advisory{Source: "debian", Urgency: "not yet assigned"}}}}
	for _, test := range []struct {
		name   string
		meta   Meta
		want   finding.Severity
		source string
		why    string
	}{
		{"another's word for the same vulnerability", Meta{Word: finding.High, WordBy: "ghsa"}, finding.High, "ghsa", ""},
		{"a vector before a word", Meta{Word: finding.High, WordBy: "ghsa", CVSS: []finding.CVSS{v("cna", medium)}}, finding.Medium, "cna", ""},
		{"NVD has it before it", Meta{Pending: "awaiting analysis"}, finding.Unspecified, "", "awaiting analysis (nvd)"},
		{"only the distribution has a word, and it says none", Meta{}, finding.Unspecified, "", "not yet assigned (debian)"},
	} {
		if sev, source, _ := rate(debian, test.meta, true); sev != test.want || source != test.source {
			t.Errorf("%s: %s by %q", test.name, sev, source)
		} else if sev == finding.Unspecified && unrated(debian, test.meta) != test.why {
			t.Errorf("%s: %q", test.name, unrated(debian, test.meta))
		}
	}
	if _, ok := Score("CVSS:3.1/" + strings.Repeat("A", 1000)); ok {
		t.Error("a vector of a kilobyte has a score")
	}
}
