package trust

import "github.com/drydock-dev/drydock/internal/finding"

// Rules documents what an image of a repository whose root is pinned is held to.
// Bad and Good are what drydock trust verify says of it.
func Rules() []finding.Rule {
	return []finding.Rule{unsigned(), moved(), revokedRule(), expiredRule(), refusedRule(), PolicyRule()}
}

// RuleOf is the rule that a verdict breaks; false: it is verified.
func RuleOf(kind string) (finding.Rule, bool) {
	switch kind {
	case "verified":
		return finding.Rule{}, false
	case "unsigned":
		return unsigned(), true
	case "moved":
		return moved(), true
	case "revoked":
		return revokedRule(), true
	case "expired":
		return expiredRule(), true
	}
	return refusedRule(), true
}

func unsigned() finding.Rule {
	return finding.Rule{
		ID: "trust/unsigned", Title: "Nobody signed the image, and its repository signs", Practice: finding.ContentTrust, Severity: finding.High, Aliases: []string{"CIS-4.5"},
		Why: "The repository has signers, and none of them vouches for these bytes. Whoever may push to the registry could have put them there. Have the " +
			"image signed (drydock trust sign), or use one that is.",
		Bad: "REFUSED: nobody signed v1.1", Good: "verified: signed by release",
	}
}

func moved() finding.Rule {
	return finding.Rule{
		ID: "trust/moved", Title: "The tag names another image than the signed one", Practice: finding.ContentTrust, Severity: finding.High, Aliases: []string{"CIS-4.5"},
		Why: "The tag was signed as one digest and names another: it was pushed again and not signed, or moved by somebody who cannot sign. Use the digest " +
			"that is signed (drydock trust verify --resolve), or have the new image signed.",
		Bad: "REFUSED: v1.0 is signed as sha256:aaaa…, and the registry serves sha256:bbbb…", Good: "verified: signed by release",
	}
}

func revokedRule() finding.Rule {
	return finding.Rule{
		ID: "trust/revoked", Title: "The image's signature was revoked", Practice: finding.ContentTrust, Severity: finding.Critical, Aliases: []string{"CIS-4.5"},
		Why: "A signer, or the repository's administrator, took the signature back: the image is known to be bad, or the key that signed it is not to be " +
			"trusted any more. Stop what runs it.",
		Bad: "REFUSED: the signature of v1.0 was revoked on 3 May 2026: malware", Good: "verified: signed by release",
	}
}

func expiredRule() finding.Rule {
	return finding.Rule{
		ID: "trust/expired", Title: "The signatures are not fresh any more", Practice: finding.ContentTrust, Severity: finding.Medium, Aliases: []string{"CIS-4.5"},
		Why: "Signatures hold for a limited time, so that nobody can serve an old state as a new one. After it, a revocation or a newer image may have been " +
			"withheld. Its signers renew them with drydock trust refresh; of a local image, drydock trust verify asks the registry again.",
		Bad: "REFUSED: the timestamp metadata expired on 7 December 2026", Good: "verified: fresh until 2026-12-07",
	}
}

func refusedRule() finding.Rule {
	return finding.Rule{
		ID: "trust/refused", Title: "The repository's signatures do not verify", Practice: finding.ContentTrust, Severity: finding.Critical, Aliases: []string{"CIS-4.5"},
		Why: "What the registry serves is older than what was seen before, belongs to another repository, was changed, or is gone though the repository was " +
			"signed: a mistake of its operator, or an attack. Use none of its images until its owner has said which.",
		Bad: "REFUSED: rollback: version 9 of the timestamp metadata was seen before, and now version 7 is served", Good: "verified: signed by release",
	}
}

// PolicyRule is what an image breaks that the user's image policy refuses.
func PolicyRule() finding.Rule {
	return finding.Rule{
		ID: "trust/policy", Title: "The image policy refuses the image", Practice: finding.ContentTrust, Severity: finding.High,
		Why: "The policy that you named asks for more than this image has: who signed it, what is attested of it, what it stands on, or which vulnerabilities " +
			"it may have. The gate would not let it start. Meet the requirement that is named, or except the image in the policy, with a reason and a date.",
		Bad: "REFUSED: nobody signed v1.1", Good: "allowed: signed by release",
	}
}
