package rules

import (
	"fmt"
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
)

// hadolintRules are the ids of hadolint's documentation in August 2026 (2.15).
func hadolintRules() []string {
	var out []string
	for _, r := range [][2]int{{1001, 1001}, {3000, 3004}, {3006, 3016}, {3018, 3030}, {3032, 3038}, {3040, 3067}, {4000, 4001}, {4003, 4006}} {
		for n := r[0]; n <= r[1]; n++ {
			out = append(out, fmt.Sprintf("DL%d", n))
		}
	}
	return out
}

func aliased() map[string]bool {
	out := map[string]bool{}
	for _, c := range Checks() {
		for _, a := range c.Aliases {
			out[a] = true
		}
	}
	return out
}

// Each of hadolint's rules is one of ours by its id, but for those about files
// that BuildKit refuses, which never reach a rule.
func TestEveryRuleOfHadolint(t *testing.T) {
	refused := map[string][]string{
		"DL3043": {"FROM x\nONBUILD FROM y\n", "FROM x\nONBUILD MAINTAINER y\n", "FROM x\nONBUILD ONBUILD RUN y\n"},
		"DL3061": {"RUN x\nFROM y\n", "LABEL a=b\nFROM y\n"},
	}
	all, have := hadolintRules(), aliased()
	if len(all) != 71 {
		t.Fatalf("%d ids", len(all))
	}
	for _, id := range all {
		texts := refused[id]
		if have[id] == (texts != nil) {
			t.Errorf("%s: a rule's alias %t, refused by BuildKit %t", id, have[id], texts != nil)
		}
		for _, text := range texts {
			if _, err := dockerfile.Parse("Dockerfile", []byte(text)); err == nil {
				t.Errorf("%s is for nothing: this parses:\n%s", id, text)
			}
		}
	}
}

// Trivy's checks of Dockerfiles, likewise; a number that is not here was never
// given or is withdrawn.
func TestEveryCheckOfTrivy(t *testing.T) {
	have := aliased()
	for _, n := range []int{1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31} {
		if id := fmt.Sprintf("DS%03d", n); !have[id] {
			t.Errorf("no rule has %s", id)
		}
	}
}

// What is given to a finding is one of its rule's names.
func TestFindingsGoByTheirRulesNames(t *testing.T) {
	for name, f := range corpus(t) {
		found, _ := Run(t.Context(), inspect.New(f, inspect.Options{}), Checks())
		for _, x := range found {
			for _, a := range x.Aliases {
				if !slices.Contains(byID(t, x.Rule).Aliases, a) {
					t.Errorf("%s: %s is called %s", name, x.Rule, a)
				}
			}
		}
	}
}
