package rules

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/buildkit"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// whole gives a fix that takes a text to another; empty: no fix is offered.
func TestBuildKitFixes(t *testing.T) {
	for _, c := range []struct {
		check       rule.Check
		text, whole string
		safety      finding.Safety
		facts       *dockerfile.BaseFacts
	}{
		{
			check: byID(t, "dockerfile/stage-name-casing"), safety: finding.Safe,
			text:  "FROM a AS Build\nFROM b AS c\nRUN --mount=type=bind,from=Build,target=/x \\\n  --mount=from=BUILD,target=/y z\nCOPY --from=Build /a /b\nCOPY --from=build /a /b\n",
			whole: "FROM a AS build\nFROM b AS c\nRUN --mount=type=bind,from=build,target=/x \\\n  --mount=from=build,target=/y z\nCOPY --from=build /a /b\nCOPY --from=build /a /b\n",
		},
		{check: byID(t, "dockerfile/from-as-casing"), text: "from a \\\n  AS b\n", whole: "from a \\\n  as b\n", safety: finding.Safe},
		{
			check: byID(t, "dockerfile/no-empty-continuation"), safety: finding.Safe,
			text:  "FROM a\r\nRUN b \\\r\n\r\n# c\r\n  \t\r\n  d\r\n\r\nRUN e\r\n",
			whole: "FROM a\r\nRUN b \\\r\n# c\r\n  d\r\n\r\nRUN e\r\n",
		},
		{check: byID(t, "dockerfile/no-empty-continuation"), text: "FROM a\nRUN b \\\n\n", whole: "FROM a\nRUN b \\\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/consistent-instruction-casing"), text: "FROM a\nRun b\n", whole: "FROM a\nRUN b\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/consistent-instruction-casing"), text: "from a\nrun b\nCOPY c d\n", whole: "from a\nrun b\ncopy c d\n", safety: finding.Safe},

		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD node  'my server.js' \\\n  --x=\"1\"\n", whole: "FROM a\nCMD [\"node\", \"my server.js\", \"--x=1\"]\n", safety: finding.Behaviour},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nENTRYPOINT exec a -b <c\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nENTRYPOINT exec a '<b>'\n", whole: "FROM a\nENTRYPOINT [\"a\", \"<b>\"]\n", safety: finding.Behaviour},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD a $B\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD a *.js\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD ~/a\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD a {b,c}\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD a && b\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD A=1 b\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD a &\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD ! a\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD source x\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD ['a', 'b']\n", whole: "FROM a\nCMD [\"a\", \"b\"]\n", safety: finding.Behaviour},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD [\"a\", 'b']\n"},
		{check: byID(t, "dockerfile/json-args-recommended"), text: "FROM a\nCMD a \\\n# why\n  b\n"},

		{check: byID(t, "dockerfile/maintainer-deprecated"), text: "FROM a\nMAINTAINER  A \"B\" $C\\D\n", whole: "FROM a\nLABEL  org.opencontainers.image.authors=\"A \\\"B\\\" \\$C\\\\D\"\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/maintainer-deprecated"), text: "# escape=`\nFROM a\nmaintainer 'a b'\n", whole: "# escape=`\nFROM a\nlabel org.opencontainers.image.authors=\"a b\"\n", safety: finding.Safe},

		{check: byID(t, "dockerfile/multiple-instructions-disallowed"), text: "FROM a\n  CMD [\"a\"]\nCMD [\"b\"]", whole: "FROM a\nCMD [\"b\"]", safety: finding.Safe},

		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A b c\n", whole: "FROM a\nENV A=\"b c\"\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A\tb\n", whole: "FROM a\nENV A=b\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A \\\n  b \\\n  # c\n  $D\n", whole: "FROM a\nENV A=\"b \\\n  # c\n  $D\"\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A 'b c'\n", whole: "FROM a\nENV A='b c'\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A b=c\n", whole: "FROM a\nENV A=b=c\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A C:\\\\b c\n", whole: "FROM a\nENV A=\"C:\\\\b c\"\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A b \"c\"\n"},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nENV A ${B:-\"c d\"}\n"},
		{check: byID(t, "dockerfile/legacy-key-value-format"), text: "FROM a\nLABEL a \"b\n"},

		{check: byID(t, "dockerfile/redundant-target-platform"), text: "FROM  --platform=$TARGETPLATFORM  a\n", whole: "FROM  a\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/from-platform-flag-const-disallowed"), text: "FROM --platform=linux/amd64 a\n", whole: "FROM a\n", safety: finding.Behaviour},

		{check: byID(t, "dockerfile/workdir-relative-path"), text: "FROM a\nWORKDIR b\n", whole: "FROM a\nWORKDIR /srv/b\n", safety: finding.Safe, facts: &dockerfile.BaseFacts{Config: true, Workdir: "/srv"}},
		{check: byID(t, "dockerfile/workdir-relative-path"), text: "FROM a\nWORKDIR b\n"},
		{check: byID(t, "dockerfile/workdir-relative-path"), text: "FROM a\nWORKDIR /a\nWORKDIR ../b/\n", whole: "FROM a\nWORKDIR /a\nWORKDIR /b\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/workdir-relative-path"), text: "FROM a\nARG V=1\nWORKDIR /a/$V\nWORKDIR b\n"},
		{check: byID(t, "dockerfile/workdir-relative-path"), text: "FROM a\nWORKDIR /a\nWORKDIR 'b c'\n"},

		{check: byID(t, "dockerfile/undefined-var"), text: "FROM scratch\nENV VERSION=1\nENV A=\"v${VERSON}\"\n"}, // a question, and no edit
		{check: byID(t, "dockerfile/undefined-var"), text: "FROM scratch\nENV A=$B\n"},

		{check: byID(t, "dockerfile/expose-proto-casing"), text: "FROM a\nEXPOSE 53 80/Tcp\n", whole: "FROM a\nEXPOSE 53 80/tcp\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/expose-invalid-format"), text: "FROM a\nEXPOSE [::1]:80:81/udp\n", whole: "FROM a\nEXPOSE 81/udp\n", safety: finding.Safe},
		{check: byID(t, "dockerfile/expose-invalid-format"), text: "FROM a\nENV P=1:2\nEXPOSE $P\n"},
		{check: byID(t, "dockerfile/invalid-definition-description"), text: "FROM a\r\n# b\r\n  ARG C\r\n", whole: "FROM a\r\n# b\r\n#\r\n  ARG C\r\n", safety: finding.Safe},
	} {
		in := input(t, c.text, nil)
		if c.facts != nil {
			in = inspect.New(in.File, inspect.Options{Base: func(*dockerfile.Stage) *dockerfile.BaseFacts { return c.facts }})
		}
		found := run(t, in, c.check)
		if len(found) != 1 {
			t.Errorf("%s: %d findings in\n%s", c.check.ID, len(found), c.text)
			continue
		}
		complete(t, in, found[0])
		fixes := slices.DeleteFunc(found[0].Fixes, func(x finding.Fix) bool { return len(x.Edits) == 0 })
		switch {
		case c.whole == "" && len(fixes) > 0:
			b, _ := apply(t, in, fixes[0])
			t.Errorf("%s: a fix where none is known:\n%s\n%s", c.check.ID, c.text, b)
		case c.whole != "" && len(fixes) != 1:
			t.Errorf("%s: %d fixes for\n%s", c.check.ID, len(fixes), c.text)
		case c.whole != "":
			b, _ := apply(t, in, fixes[0])
			if !bytes.Equal(b, []byte(c.whole)) || fixes[0].Safety != c.safety {
				t.Errorf("%s: %s fix gives\n%q, not\n%q", c.check.ID, fixes[0].Safety, b, c.whole)
			}
			proved(t, in, c.check, found[0], fixes[0])
		}
	}
}

// Where two tools differ, the finding has the name of the one that says it.
func TestNamesByFinding(t *testing.T) {
	for _, c := range []struct {
		check rule.Check
		text  string
		want  string // aliases of each finding
	}{
		{byID(t, "dockerfile/json-args-recommended"), "FROM a\nCMD b\n", "JSONArgsRecommended DL3025"},
		{byID(t, "dockerfile/json-args-recommended"), "FROM a\nSHELL [\"bash\"]\nCMD b\n", "DL3025"},
		{byID(t, "dockerfile/workdir-relative-path"), "FROM a\nWORKDIR b\nWORKDIR c\n", "WorkdirRelativePath DL3000 DS009; DL3000 DS009"},
		{byID(t, "dockerfile/workdir-relative-path"), "FROM a\nARG B=c\nWORKDIR $B\n", "WorkdirRelativePath"},
		{byID(t, "dockerfile/workdir-relative-path"), "FROM a\nWORKDIR $B\n", ""}, // the base may set it
		{byID(t, "dockerfile/workdir-relative-path"), "FROM mcr.microsoft.com/windows/nanoserver:ltsc2025\nWORKDIR C:\\\\b\n", ""},
		{
			byID(t, "dockerfile/multiple-instructions-disallowed"), "FROM a\nCMD b\nENTRYPOINT c\nHEALTHCHECK NONE\nCMD b\nENTRYPOINT c\nHEALTHCHECK NONE\n",
			"MultipleInstructionsDisallowed DL4003 DS016; MultipleInstructionsDisallowed DL4004 DS007; MultipleInstructionsDisallowed DL3012 DS023",
		},
		{
			byID(t, "dockerfile/secrets-used-in-arg-or-env"), "ARG A_TOKEN\nFROM a\nENV B_TOKEN=c D_KEY=e USERNAME=f\nONBUILD ARG PASSWORD\n",
			"DL3064; SecretsUsedInArgOrEnv DL3064; SecretsUsedInArgOrEnv; DL3064; DL3064",
		},
		{byID(t, "dockerfile/secrets-used-in-arg-or-env"), "FROM a\nENV PUBLIC_KEY=b KEYSTORE=c PASS_FILE=d AUTHOR=e\n", ""},
		{byID(t, "dockerfile/from-platform-flag"), "FROM --platform=$BUILDPLATFORM a\nFROM --platform=linux/s390x a\nFROM --platform=linux/s390x a AS s390x\n", "DL3029"},
	} {
		var got []string
		for _, f := range run(t, input(t, c.text, nil), c.check) {
			got = append(got, strings.Join(f.Aliases, " "))
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%s: %s, want %s, of\n%s", c.check.ID, g, c.want, c.text)
		}
	}
}

func TestPlatformsOfBases(t *testing.T) {
	for _, c := range []struct {
		text, facts, to string
		fires           bool
	}{
		{"FROM a\n", "linux/arm64", "linux/amd64", true},
		{"FROM a\n", "linux/x86_64", "linux/amd64/v2", false},
		{"FROM a\n", "linux/arm64", "", false},
		{"FROM a\n", "", "linux/amd64", false},
		{"FROM arm64v8/a\n", "", "linux/amd64", true},
		{"FROM docker.io/arm32v7/a\n", "", "linux/arm/v6", false},
		{"FROM --platform=$BUILDPLATFORM a\n", "windows/amd64", "linux/amd64", true},
		{"FROM --platform=arm64 a\n", "linux/arm64", "", false},
		{"FROM a AS b\nFROM b\n", "linux/arm64", "linux/amd64", true},
		{"FROM scratch\n", "linux/arm64", "linux/amd64", false},
	} {
		f := input(t, c.text, nil).File
		in := inspect.New(f, inspect.Options{Platform: c.to, Base: func(*dockerfile.Stage) *dockerfile.BaseFacts { return &dockerfile.BaseFacts{Platform: c.facts} }})
		if found := run(t, in, byID(t, "dockerfile/invalid-base-image-platform")); (len(found) == 1) != c.fires {
			t.Errorf("%q for %s on %s: %+v", c.text, c.to, c.facts, found)
		}
	}
}

func TestIgnoredCopies(t *testing.T) {
	for ignore, fires := range map[string]bool{
		"a\n": true, "/a\n": true, "*\n": true, "**/b\n": true, "a\n!a/c\n": false, "# a\n": false, "c\n": false,
	} {
		in := input(t, "FROM x\nCOPY a/b /\n", map[string]string{".dockerignore": ignore})
		if found := run(t, in, byID(t, "dockerfile/copy-ignored-file")); (len(found) == 1) != fires {
			t.Errorf("%q: %+v", ignore, found)
		}
	}
	if found := run(t, input(t, "FROM x\nCOPY . /\n", map[string]string{".dockerignore": "**/*\n"}), byID(t, "dockerfile/copy-ignored-file")); len(found) != 1 {
		t.Errorf("everything is kept out: %+v", found)
	}
}

// Arguments made of arguments do not grow without end.
func TestArgumentsOfFromStayShort(t *testing.T) {
	text := "ARG A=aaaaaaaaaa\n" + strings.Repeat("ARG A=$A$A\n", 60) + "FROM $A\n"
	found, _ := Run(context.Background(), input(t, text, nil), buildkit.Checks())
	for _, f := range found {
		t.Errorf("%s: %s", f.Rule, f.Message)
	}
}
