package fix

import "fmt"

// builds counts the builds of proofs, for people who wait for them.
type builds struct {
	begun  int
	proofs int // the most that may be made; 0: one
}

// next names the build that begins now: "build 3 of at most 18". A proof of
// another cache order builds both versions again for each source file that it
// touches.
func (b *builds) next(cacheOrder bool) string {
	b.begun++
	most, of := 2*max(b.proofs, 1), "of"
	if cacheOrder {
		most *= 1 + maxTouched
	}
	if cacheOrder || b.proofs > 1 {
		of = "of at most"
	}
	return fmt.Sprintf("build %d %s %d", b.begun, of, max(most, b.begun))
}
