package rules

import (
	"context"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
)

func TestCheckComments(t *testing.T) {
	for text, suppressed := range map[string]bool{
		"FROM x\n# check=skip=JSONArgsRecommended\nCMD a\n":                                 true,
		"FROM x\n# check=skip=all\nCMD a\n":                                                 true,
		"FROM x\n# Check = skip=UndefinedVar,JSONArgsRecommended;error=true why\n\nCMD a\n": true,
		"FROM x\n# check=skip=JSONArgsRecommended\n# more\nCMD a\n":                         true,
		"FROM x\n# check=skip=JSONArgsRecommended\n#\nCMD a\n":                              false,
		"FROM x\n# check=skip=UndefinedVar\nCMD a\n":                                        false,
		"FROM x\n# check=skip=UndefinedVar\n# check=skip=JSONArgsRecommended\nCMD a\n":      false,
		"FROM x\n# check=skip=JSONArgsRecommended\nRUN b\nCMD a\n":                          false,
		"FROM x\nRUN b \\\n# check=skip=JSONArgsRecommended\n  c\nCMD a\n":                  false,
		"FROM x\nCMD a\n# check=skip=JSONArgsRecommended\n":                                 false,
	} {
		found, _ := Run(context.Background(), input(t, text, nil), []rule.Check{byID(t, "dockerfile/json-args-recommended")})
		if len(found) != 1 || (found[0].Suppressed != nil) != suppressed {
			t.Errorf("%q: %+v", text, found)
		}
	}
}
