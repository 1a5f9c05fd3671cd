package oracle

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/secret"
)

// mutantsLinted is how many mutants both linters look at.
const mutantsLinted = 5000

// TestCasesTell holds the cases to their word: BuildKit warns or does not.
func TestCasesTell(t *testing.T) {
	for _, c := range cases() {
		v := buildkit(t, []byte(c.text), ignored, everyCheck())
		fired := slices.ContainsFunc(v.Warnings, func(w warning) bool { return w.Rule == c.rule })
		if fired != c.fires {
			t.Errorf("%s, fires %v, wants %v:\n%s\n%+v", c.rule, fired, c.fires, c.text, v)
		}
	}
}

// TestLintersAgree holds Drydock's rules against BuildKit's checks over the
// cases, the corpus and mutants of both: the same checks at the same
// instructions, as often.
func TestLintersAgree(t *testing.T) {
	names := checkNames(t)
	told := map[string]int{} // by check: how often both say it
	stopped, refused := 0, 0
	look := func(f file, ignore string) {
		parsed, err := dockerfile.Parse("Dockerfile", f.text)
		if err != nil {
			refused++
			return // TestParsersAgree is about that
		}
		theirs := buildkit(t, f.text, ignore, everyCheck())
		if theirs.Err != "" {
			stopped++
		}
		ours := drydock(t, parsed, ignore, names, false)
		for _, diff := range differences(parsed, theirs, ours) {
			t.Errorf("%s: %s\n%s", f.name, diff, excerpt(f.text))
		}
		for _, w := range theirs.Warnings {
			told[w.Rule]++
		}
	}
	files := corpus(t)
	for _, f := range files {
		look(f, "")
	}
	own := make([]file, 0, len(cases()))
	for i, c := range cases() {
		own = append(own, file{fmt.Sprintf("case %d of %s", i, c.rule), []byte(c.text)})
		look(own[i], ignored)
	}
	enough := func(f file) {
		if !t.Failed() {
			look(f, ignored)
		}
	}
	mutants(files, 1, mutantsLinted, enough)
	mutants(own, 2, mutantsLinted, enough)
	t.Logf("%d refused by both, %d in which BuildKit stopped at an error", refused, stopped)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		t.Logf("%6d %s", told[name], name)
		if told[name] < 10 {
			t.Errorf("%s fired %d times: it is hardly tried", name, told[name])
		}
	}
}

// TestIgnoreFilesAgree holds what copies of ignored files are found, by what
// the .dockerignore says.
func TestIgnoreFilesAgree(t *testing.T) {
	names := checkNames(t)
	text := "FROM alpine\nCOPY . /a\nCOPY / /a\nCOPY ./ /a\nCOPY sub/ /a\nCOPY sub/x ../y /z.tmp /a\nCOPY .git* /a\nCOPY ${X}sub/x /a\nADD *.tmp sub /a\n"
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, ignore := range []string{
		"*", "**", "**/*", "/*", "/", ".", ".*", "?", "", "# *", "*\n!sub", "!sub\n*", " * ", "sub", "/sub/", "sub/", "sub/*", "./sub", "../y", "sub/../sub/x", "*.tmp", "**/x", "s?b/[x-z]", "\r\nsub\r\n",
	} {
		ours := drydock(t, f, ignore, names, false)
		for _, diff := range differences(f, buildkit(t, f.Bytes, ignore, everyCheck()), ours) {
			t.Errorf("%q: %s", ignore, diff)
		}
		found += len(ours)
	}
	if found < 60 {
		t.Errorf("%d found: that is too few to tell", found)
	}
}

// TestDirectivesAgree holds what a "# check=…" directive at the top of a file
// leaves of the findings against BuildKit.
func TestDirectivesAgree(t *testing.T) {
	names := checkNames(t)
	files := corpus(t)[:60]
	for _, c := range cases() {
		files = append(files, file{"a case of " + c.rule, []byte(c.text)})
	}
	silent, said, wrong := 0, 0, 0
	for _, head := range []string{
		"# check=skip=all\n", "#check = skip = all \n", "# CHECK=skip=LegacyKeyValueFormat, JSONArgsRecommended ,UndefinedVar\r\n", "# check=skip=legacykeyvalueformat\n",
		"# check=skip=all,FromAsCasing\n", "# check=error=true\n", "# check=skip=MaintainerDeprecated;error=true\n", "# check=error=false;skip=FromAsCasing;experimental=all\n",
		"# check=experimental=InvalidDefinitionDescription\n", "# check=skip=all;experimental=all\n", "# check=skip=InvalidDefinitionDescription;experimental=all\n",
		"# check=skip=FromAsCasing;skip=MaintainerDeprecated\n", "# check=\n", "# check=nothing\n", "# check=skip=FromAsCasing;other=1\n", "# check=error=perhaps\n",
		"# syntax=docker/dockerfile:1\n# check=skip=FromAsCasing\n", "# no directive\n# check=skip=all\n", "#!/bin/sh\n# check=skip=all\n", "# check=skip=FromAsCasing why\n",
	} {
		for _, f := range files {
			text := append([]byte(head), bytes.TrimPrefix(f.text, []byte("\xef\xbb\xbf"))...)
			parsed, err := dockerfile.Parse("Dockerfile", text)
			if err != nil {
				continue
			}
			theirs := buildkit(t, text, "", nil)
			if strings.Contains(theirs.Err, "failed to parse check options") {
				wrong++ // BuildKit refuses the file; our directive says nothing
				if d := inspect.BuildKitDirective(parsed); d.Skip != nil || d.Experimental != nil || d.Error {
					t.Errorf("%q is taken: %+v", head, d)
				}
				continue
			}
			if strings.HasPrefix(theirs.Err, "lint violation found") {
				theirs.Err = ""
			}
			for _, diff := range differences(parsed, theirs, drydock(t, parsed, "", names, true)) {
				t.Errorf("%q: %s: %s\n%s", head, f.name, diff, excerpt(text))
			}
			if said++; len(theirs.Warnings) == 0 {
				silent++
			}
		}
	}
	t.Logf("%d files with a directive, %d of them with nothing to say, %d directives refused", said, silent, wrong)
	if silent < 100 || said-silent < 500 || wrong < 100 {
		t.Error("that is too few to tell")
	}
}

// checkNames are BuildKit's names for its checks, each an alias of one rule.
func checkNames(t testing.TB) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, c := range cases() {
		names[c.rule] = true
	}
	of := map[string]int{}
	for _, c := range rules.Checks() {
		for _, a := range c.Aliases {
			of[a]++
		}
	}
	for name := range names {
		if of[name] != 1 {
			t.Errorf("%d rules are called %s", of[name], name)
		}
	}
	if len(names) != 22 {
		t.Errorf("cases for %d of 22 checks", len(names))
	}
	return names
}

// drydock is what our rules with BuildKit's names say, all of them or those
// that the file's directive leaves.
func drydock(t testing.TB, f *dockerfile.File, ignore string, names map[string]bool, directive bool) []warning {
	t.Helper()
	asked := inspect.BuildKitDirective(f).Experimental
	var checks []rule.Check
	for _, c := range rules.Checks() {
		if !slices.ContainsFunc(c.Aliases, func(a string) bool { return names[a] }) {
			continue
		}
		if c.Off && directive && !slices.Contains(asked, "all") && !slices.ContainsFunc(c.Aliases, func(a string) bool { return slices.Contains(asked, a) }) {
			continue
		}
		checks = append(checks, c)
	}
	options := inspect.Options{Platform: "linux/amd64", Base: func(s *dockerfile.Stage) *dockerfile.BaseFacts { return known(f, s) }}
	if ignore != "" {
		folder, err := dockerfile.OpenContext(fstest.MapFS{".dockerignore": {Data: []byte(ignore)}}, "Dockerfile")
		if err != nil {
			t.Fatal(err)
		}
		options.Context = folder
	}
	in := inspect.New(f, options)
	found, _ := rules.Run(context.Background(), in, checks)
	var out []warning
	top := "" // the file's directive, which BuildKit has been told to overlook
	for _, d := range f.Directives {
		if d.Name == "check" && !directive {
			top = fmt.Sprintf("%s:%d", d.Span.File, d.Span.Line)
		}
	}
	for _, x := range found {
		if x.Suppressed != nil && x.Suppressed.Source != top {
			continue
		}
		for _, a := range x.Aliases {
			if names[a] {
				out = append(out, warning{Rule: a, Line: x.At[0].Source.Line, Text: x.Message})
			}
		}
	}
	slices.SortFunc(out, compareWarnings)
	return out
}

// known is facts, as Drydock is told them.
func known(f *dockerfile.File, s *dockerfile.Stage) *dockerfile.BaseFacts {
	platform := ""
	for _, flag := range f.Instructions[s.From].FlagWords {
		if flag.Name == "platform" {
			env := []string{"BUILDPLATFORM=linux/amd64", "TARGETPLATFORM=linux/amd64", "TARGETOS=linux", "TARGETARCH=amd64"}
			for _, a := range f.GlobalArgs {
				if a.HasDefault {
					env = append(env, a.Name+"="+a.Value)
				}
			}
			platform, _, _ = shell.NewLex(rune(f.Escape)).ProcessWord(flag.Value, shell.EnvsFromSlice(env))
		}
	}
	img := facts(s.Base, platform)
	b := &dockerfile.BaseFacts{
		Ref: s.Base, Source: "made up", Platform: img.OS + "/" + img.Architecture,
		Config: true, Workdir: img.Config.WorkingDir, Shell: img.Config.Shell, Env: map[string]string{},
	}
	for _, e := range img.Config.Env {
		name, value, _ := strings.Cut(e, "=")
		b.Env[name] = value
	}
	return b
}

// differences are what one of the linters says and the other does not. A
// finding counts for the instruction it is in: BuildKit knows lines of
// instructions only, and ours points at the word. Where BuildKit stopped at an
// error, what it has not come to is not held against it.
func differences(f *dockerfile.File, theirs verdict, ours []warning) []string {
	type place struct {
		rule        string
		instruction int
	}
	balance := map[place]int{}
	for _, w := range theirs.Warnings {
		balance[place{w.Rule, owner(f, w.Line)}]++
	}
	for _, w := range ours {
		balance[place{w.Rule, owner(f, w.Line)}]--
	}
	var out []string
	for p, n := range balance {
		who, many := "Drydock", -n
		if n > 0 {
			who, many = "BuildKit", n
		}
		line := f.Instructions[p.instruction].Span.Line
		if n == 0 || n < 0 && theirs.Err != "" && !early(p.rule) || expected(f, p.rule, p.instruction, n) {
			continue
		}
		out = append(out, fmt.Sprintf("%s at line %d: %d more from %s (BuildKit's error: %q)", p.rule, line, many, who, theirs.Err))
	}
	slices.Sort(out)
	return out
}

// early are the checks that BuildKit has done with before anything can stop it.
func early(rule string) bool {
	return slices.Contains([]string{
		"StageNameCasing", "FromAsCasing", "MaintainerDeprecated", "NoEmptyContinuation", "ConsistentInstructionCasing",
		"DuplicateStageName", "ReservedStageName", "InvalidDefinitionDescription", "InvalidDefaultArgInFrom",
	}, rule)
}

// expected are the differences that are meant, each with its reason. n is how
// often more BuildKit says it.
func expected(f *dockerfile.File, rule string, instruction, n int) bool {
	in := &f.Instructions[instruction]
	for _, d := range []struct {
		why  string
		that func() bool
	}{
		{
			"BuildKit plays the ONBUILD triggers of a stage when another stands on it, and says what it finds at that stage's FROM; we leave them to whoever writes the ONBUILD",
			func() bool { return in.Stage >= 0 && onbuildBelow(f, &f.Stages[in.Stage]) && !early(rule) },
		},
		{
			"a check comment above an instruction silences some checks only in BuildKit, those that it makes instruction by instruction and that are not experimental; it silences all of ours",
			func() bool { return n > 0 && silenced(f, in) && global(rule) },
		},
		{
			"BuildKit goes by the name of a variable alone; we go by what it holds, too, and are silent where nobody has to hide it",
			func() bool {
				known := 0 // variables whose value tells that they are no secret
				for _, p := range in.Pairs() {
					if _, is := secret.Env(p.Key.Text, strings.Trim(p.Value.Text, `"'`)); p.HasValue && !is {
						known++
					}
				}
				return rule == "SecretsUsedInArgOrEnv" && n > 0 && n <= known
			},
		},
		{
			"a check comment above the first of two stages of one name silences ours, which is about both places",
			func() bool {
				return n > 0 && rule == "DuplicateStageName" && slices.ContainsFunc(f.Stages, func(s dockerfile.Stage) bool {
					return s.Name == f.Stages[in.Stage].Name && silenced(f, &f.Instructions[s.From])
				})
			},
		},
		{
			"what is experimental cannot be skipped in BuildKit once it is asked for; ours can",
			func() bool {
				skip := inspect.BuildKitDirective(f).Skip
				return n > 0 && rule == "InvalidDefinitionDescription" && (slices.Contains(skip, rule) || slices.Contains(skip, "all"))
			},
		},
		{
			"where FROM uses a variable that the file does not tell, we do not know the base, which may set the variable that WORKDIR uses",
			func() bool {
				return rule == "WorkdirRelativePath" && n > 0 && base(f, in) == "" && strings.Contains(in.Raw, "$")
			},
		},
		{
			"BuildKit on Linux takes the paths of an image for Windows for Linux's, unless FROM says the platform",
			func() bool {
				return rule == "WorkdirRelativePath" && n > 0 && strings.HasPrefix(base(f, in), "example.com/windows")
			},
		},
	} {
		if d.that() {
			return true
		}
	}
	return false
}

// base is the image that an instruction's stage stands on.
func base(f *dockerfile.File, in *dockerfile.Instruction) string {
	return f.Chain(&f.Stages[in.Stage])[0].Base
}

func onbuildBelow(f *dockerfile.File, s *dockerfile.Stage) bool {
	for s = s.Parent; s != nil; s = s.Parent {
		if slices.ContainsFunc(f.Of(s), func(in dockerfile.Instruction) bool { return in.Cmd == "ONBUILD" }) {
			return true
		}
	}
	return false
}

// silenced reports whether there is a check comment between the instruction and
// the one before.
func silenced(f *dockerfile.File, in *dockerfile.Instruction) bool {
	start := 0
	for i := range f.Instructions {
		if other := &f.Instructions[i]; other.Span.End <= in.Span.Start {
			start = other.Span.End
		}
	}
	return bytes.Contains(f.Bytes[start:in.Span.Start], []byte("check="))
}

// global are the checks that BuildKit makes of the file as a whole, and the
// experimental one, which is asked for by name.
func global(rule string) bool {
	return slices.Contains([]string{
		"NoEmptyContinuation", "ConsistentInstructionCasing", "DuplicateStageName", "ReservedStageName", "InvalidDefaultArgInFrom", "InvalidBaseImagePlatform",
		"InvalidDefinitionDescription",
	}, rule)
}

// owner is the instruction that a line belongs to; a line between two belongs
// to the one before.
func owner(f *dockerfile.File, line int) int {
	i, _ := slices.BinarySearchFunc(f.Instructions, line+1, func(in dockerfile.Instruction, line int) int { return in.Span.Line - line })
	return max(i-1, 0)
}

func excerpt(text []byte) string {
	s := fmt.Sprintf("%q", text)
	return s[:min(len(s), 1500)]
}
