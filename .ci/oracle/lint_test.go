package oracle

import "testing"

// TestCasesTell holds the cases to their word: BuildKit warns or does not.
func TestCasesTell(t *testing.T) {
	for _, c := range cases() {
		v := buildkit(t, []byte(c.text), ignored)
		fired := false
		for _, w := range v.Warnings {
			fired = fired || w.Rule == c.rule
		}
		if fired != c.fires {
			t.Errorf("%s, fires %v, wants %v:\n%s\n%+v", c.rule, fired, c.fires, c.text, v)
		}
	}
}
