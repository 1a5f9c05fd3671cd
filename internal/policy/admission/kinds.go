package admission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Kinds are all sorts of policies with their weights in the grade.
func Kinds() []Kind {
	return []Kind{
		{
			ID: "no-fixable-critical-or-high", Title: "No fixable critical or high vulnerability", Weight: 30,
			Why: "A fix is out: every day without it is a choice.", Takes: []string{"grace", "severities", "unfixed"},
			vulnerability: severe, judge: vulnerabilities,
		},
		{
			ID: "no-high-profile", Title: "No high-profile vulnerability", Weight: 25,
			Why:   "CISA's catalogue lists what attackers use today, and some vulnerabilities have a name that everybody asks for.",
			Takes: []string{"grace", "cves"}, vulnerability: highProfile, judge: vulnerabilities,
		},
		{
			ID: "supported-base", Title: "Supported distribution", Weight: 15,
			Why: "A release that has ended gets no fixes, and nobody tells of its vulnerabilities.", judge: supported,
		},
		{
			ID: "all-known", Title: "Everything in the image is known", Weight: 10,
			Why: "What could not be matched may hold anything.", judge: allKnown,
		},
		{
			asks: AsksBase, ID: "up-to-date-base", Title: "Up-to-date base image", Weight: 10,
			Why: "A base that was built anew brings fixes with no other change.", judge: upToDate,
		},
		{
			ID: "non-root", Title: "A user that is not root", Weight: 10,
			Why: "Whoever breaks out of a process of root is root.", judge: nonRoot,
		},
		{
			ID: "approved-bases", Title: "Approved base image", Weight: 10,
			Why: "What an image stands on is nine tenths of it.", Takes: []string{"bases"}, Wants: "bases", judge: approved,
		},
		{
			ID: "licenses", Title: "No denied licence", Weight: 10,
			Why: "A licence may ask for what the product cannot give.", Takes: []string{"deny"}, Wants: "deny", licenses: true, judge: licensed,
		},
		{
			asks: AsksSignatures, ID: "signed", Title: "Signed image", Weight: 10, asked: true, Why: "A signature tells who made it, and that nobody changed it since.",
			judge: func(_ *Standard, k *Known, _ Sum) (Outcome, string) { return right(k.Signed) },
		},
		{
			asks: AsksAttestations, ID: "attested", Title: "Supply chain attestations", Weight: 10, asked: true, Why: "A bill of materials and provenance that are signed can be checked by others.",
			Takes: []string{"types"}, judge: attested,
		},
		{
			ID: "no-secrets", Title: "No secret in the image", Weight: 15, asked: true, Why: "Whoever can pull an image reads what is in it.",
			judge: func(_ *Standard, k *Known, _ Sum) (Outcome, string) { return none(k.Secrets, k.Say) },
		},
		{
			ID: "least-privilege", Title: "Least privilege", Weight: 10, asked: true, Why: "What a container cannot do, nobody can make it do.",
			judge: func(_ *Standard, k *Known, _ Sum) (Outcome, string) { return none(k.Privileges, k.Say) },
		},
	}
}

// severe are vulnerabilities of the severities that a policy names, with a fix.
func severe(s *Standard, v *Vulnerability) (counts, sure bool) {
	switch {
	case !v.Fixed && !s.Unfixed:
		return false, true
	case len(s.Severities) == 0:
		return v.Severity == "critical" || v.Severity == "high", v.Severity != "unrated"
	}
	return slices.Contains(s.Severities, v.Severity), v.Severity != "unrated"
}

// highProfile are those that are known to be exploited, and those with a name.
func highProfile(s *Standard, v *Vulnerability) (counts, sure bool) {
	named := s.CVEs
	if named == nil {
		named = Named()
	}
	is := func(id string) bool { return slices.Contains(named, id) }
	return v.KEV || is(v.ID) || slices.ContainsFunc(v.Aliases, is), true
}

// Named are vulnerabilities that everybody knows by name: Heartbleed, Log4Shell, curl's
// SOCKS5 overflow, HTTP/2 Rapid Reset, the backdoor of xz, and those of CUPS.
func Named() []string {
	return []string{"CVE-2014-0160", "CVE-2021-44228", "CVE-2023-38545", "CVE-2023-44487", "CVE-2024-3094", "CVE-2024-47176"}
}

// vulnerabilities judges by a sum. What is not known may be one that counts.
func vulnerabilities(s *Standard, k *Known, sum Sum) (o Outcome, reason string) {
	switch {
	case sum.Over > 0:
		o = Violates
	case k.Unmatched != "":
		return NotKnown, k.Unmatched
	case sum.Unsure > 0:
		o = NotKnown
	default:
		o = Complies
	}
	if !k.Say {
		return o, ""
	}
	switch o {
	case Violates:
		reason = finding.Count(int(sum.Over), "such vulnerability")
		if s.Grace > 0 {
			reason += ", out for more than " + days(time.Duration(s.Grace))
		}
	case NotKnown:
		reason = finding.Count(int(sum.Unsure), "fixable vulnerability") + " without a severity"
	default:
		reason = "it has no such vulnerability"
	}
	if sum.Wait > 0 {
		reason += fmt.Sprintf("; %d more within the grace of %s", sum.Wait, days(time.Duration(s.Grace)))
	}
	return o, reason
}

func licensed(_ *Standard, k *Known, sum Sum) (Outcome, string) {
	switch {
	case sum.Over > 0 && !k.Say:
		return Violates, ""
	case sum.Over > 0:
		return Violates, finding.Count(int(sum.Over), "package") + " under a denied licence"
	case k.Unlisted != "":
		return NotKnown, k.Unlisted
	case sum.Unsure > 0 && !k.Say:
		return NotKnown, ""
	case sum.Unsure > 0:
		return NotKnown, finding.Count(int(sum.Unsure), "package") + " whose licence is not known"
	}
	return Complies, "no package is under a denied licence"
}

func supported(_ *Standard, k *Known, _ Sum) (Outcome, string) {
	if !k.Ends.Known {
		return NotKnown, cmp.Or(k.Ends.Why, "until when its distribution is supported is not known")
	}
	o, word := Complies, " is supported until "
	if !k.Ends.Value.After(k.Now) {
		o, word = Violates, " ended on "
	}
	if !k.Say {
		return o, ""
	}
	return o, k.Distro + word + k.Ends.Value.Format(time.DateOnly)
}

func allKnown(_ *Standard, k *Known, _ Sum) (Outcome, string) {
	switch {
	case k.Waiting:
		return NotKnown, k.Unmatched
	case k.Unmatched != "":
		return Violates, k.Unmatched
	}
	return Complies, "every package was matched"
}

func approved(s *Standard, k *Known, _ Sum) (Outcome, string) {
	if !k.Base.Known {
		return NotKnown, cmp.Or(k.Base.Why, "what it stands on is not known")
	}
	if s.Bases.allow(k.Base.Value) {
		return Complies, "it stands on " + k.Base.Value.Repository
	}
	return Violates, "it stands on " + k.Base.Value.Repository + ", which is not approved"
}

func upToDate(_ *Standard, k *Known, _ Sum) (Outcome, string) {
	switch {
	case !k.Newer.Known:
		return NotKnown, cmp.Or(k.Newer.Why, "what it stands on is not known")
	case k.Newer.Value != "":
		return Violates, k.Newer.Value
	}
	return Complies, "its base is what the base's tag means now"
}

func nonRoot(_ *Standard, k *Known, _ Sum) (Outcome, string) {
	switch {
	case !k.User.Known:
		return NotKnown, cmp.Or(k.User.Why, "nobody told which user it runs as")
	case asRoot(k.User.Value):
		return Violates, "it runs as root"
	}
	return Complies, "it runs as " + k.User.Value
}

// asRoot reports whether a user, as a configuration has it, is root.
func asRoot(user string) bool {
	user, _, _ = strings.Cut(user, ":")
	return user == "" || user == "root" || strings.Trim(user, "0") == ""
}

func attested(s *Standard, k *Known, _ Sum) (Outcome, string) {
	if !k.Attested.Known {
		return NotKnown, cmp.Or(k.Attested.Why, "nobody told what is attested of it")
	}
	types := s.types()
	for _, t := range types {
		if !slices.Contains(k.Attested.Value, t) {
			return Violates, "it has no signed attestation of type " + t
		}
	}
	return Complies, "attested: " + strings.Join(types, ", ")
}

// right judges what is wrong with something; empty: nothing is.
func right(f Fact[string]) (Outcome, string) {
	switch {
	case !f.Known:
		return NotKnown, cmp.Or(f.Why, "nobody told of its signatures")
	case f.Value != "":
		return Violates, f.Value
	}
	return Complies, f.Why
}

// none judges a list of what should not be there.
func none(f Fact[[]string], say bool) (Outcome, string) {
	switch {
	case !f.Known:
		return NotKnown, cmp.Or(f.Why, "nobody told of it")
	case len(f.Value) == 0:
		return Complies, "nothing was found"
	case !say:
		return Violates, ""
	case len(f.Value) == 1:
		return Violates, f.Value[0]
	}
	return Violates, fmt.Sprintf("%s, and %d more", f.Value[0], len(f.Value)-1)
}
