package trust

// Predicate is the type of what an attestation says.
type Predicate string

// Named is a predicate with a short name.
type Named struct {
	Kind  string // "sbom"
	Field string // of the document, that tells formats of one kind apart; empty: there is one
	URI   Predicate
}

// Predicates are those that have a short name.
func Predicates() []Named {
	return []Named{
		{"sbom", "spdxVersion", "https://spdx.dev/Document"},
		{"sbom", "bomFormat", "https://cyclonedx.org/bom"},
		{"scan", "", "https://github.com/drydock-dev/drydock/scan/v1"},
		{"profile", "", "https://github.com/drydock-dev/drydock/profile/v1"},
		{"provenance", "", "https://slsa.dev/provenance/v1"},
	}
}

// Kind is the short name of a predicate, or itself where it has none.
func (p Predicate) Kind() string {
	for _, n := range Predicates() {
		if n.URI == p {
			return n.Kind
		}
	}
	return string(p)
}

// Is reports whether a predicate is of a kind, or is the type itself.
func (p Predicate) Is(kind string) bool { return string(p) == kind || p.Kind() == kind }
