package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// probe is a rule that fires at each instruction, as each of two tools' rules.
func probe() rule.Check {
	return rule.Check{Check: finding.Check[*inspect.Input]{
		Rule: finding.Rule{ID: "dockerfile/probe", Practice: finding.Layering, Severity: finding.Low},
		Run: func(_ context.Context, p *rule.Pass) error {
			for i := range p.Input.File.Instructions {
				inst := &p.Input.File.Instructions[i]
				for _, alias := range []string{"DL3008", "DL3009", "JSONArgsRecommended"} {
					f := rule.At(inst.Span, inst.Cmd+" "+alias, "%s at line %d", alias, inst.Span.Line)
					f.Aliases = []string{alias}
					p.Report(f)
				}
			}
			return nil
		},
	}}
}

// left are the findings of the probe that count, as "3:DL3008".
func left(t *testing.T, text string, o inspect.Options) []string {
	t.Helper()
	in := input(t, text, nil)
	o.Context = nil
	in = inspect.New(in.File, o)
	found, _ := Run(context.Background(), in, []rule.Check{probe()})
	var out []string
	for _, f := range found {
		if f.Suppressed == nil {
			out = append(out, fmt.Sprintf("%d:%s", f.At[0].Source.Line, f.Aliases[0]))
		}
	}
	return out
}

// Each text has its pragma, and then the findings that it takes away.
func TestPragmas(t *testing.T) {
	for _, test := range []struct {
		what, text string
		gone       []string
	}{
		{"above an instruction", "FROM x\n# hadolint ignore=DL3008\nRUN a\nRUN b\n", []string{"3:DL3008"}},
		{"above a long one", "FROM x\n# hadolint ignore=DL3008\nRUN a && \\\n  # comment\n  b\nRUN c\n", []string{"3:DL3008"}},
		{"several names", "FROM x\n# hadolint ignore=DL3008, DL3009\nRUN a\n", []string{"3:DL3008", "3:DL3009"}},
		{"blanks", "FROM x\n#hadolint  ignore = DL3008 ,\tDL3009 \nRUN a\n", []string{"3:DL3008", "3:DL3009"}},
		{"a reason", "FROM x\n# hadolint ignore=DL3008 # we accept this\nRUN a\n", []string{"3:DL3008"}},
		{"an indented comment", "FROM x\n   # hadolint ignore=DL3008\n   RUN a\n", []string{"3:DL3008"}},
		{"CRLF", "FROM x\r\n# hadolint ignore=DL3008\r\nRUN a\r\n", []string{"3:DL3008"}},
		{"a reason without a mark", "FROM x\n# hadolint ignore=DL3008 we accept this\nRUN a\n", nil},
		{"what is no name beside one", "FROM x\n# hadolint ignore=crazy,DL3008\nRUN a\n", nil},
		{"an empty name", "FROM x\n# hadolint ignore=DL3008,,DL3009\nRUN a\n", nil},
		{"a blank line between", "FROM x\n# hadolint ignore=DL3008\n\nRUN a\n", nil},
		{"another comment between", "FROM x\n# hadolint ignore=DL3008\n# more about it\nRUN a\n", []string{"4:DL3008"}},
		{"two above each other", "FROM x\n# hadolint ignore=DL3008\n# hadolint ignore=DL3009\nRUN a\n", []string{"4:DL3008", "4:DL3009"}},
		{"above FROM, not below it", "# hadolint ignore=DL3008\nFROM x\nRUN a\n", []string{"2:DL3008"}},
		{"within an instruction", "FROM x\nRUN a \\\n# hadolint ignore=DL3008\n  b\nRUN c\n", nil},
		{"within a here-document", "FROM x\nRUN <<E\n# hadolint ignore=DL3008\nE\nRUN c\n", nil},
		{"at the end", "FROM x\nRUN a\n# hadolint ignore=DL3008\n", nil},
		{"a word too much", "FROM x\n# hadolint please ignore=DL3008\nRUN a\n", nil},
		{"another word", "FROM x\n# hadolinted ignore=DL3008\nRUN a\n", nil},
		{"global at the top", "# hadolint global ignore=DL3008\nFROM x\nRUN a\n", []string{"2:DL3008", "3:DL3008"}},
		{"global anywhere", "FROM x\n\n# hadolint global  ignore = DL3008 # why\n\nRUN a\n", []string{"1:DL3008", "5:DL3008"}},
		{"stage", "FROM x AS a\n# hadolint stage ignore=DL3008\nFROM x AS b\nRUN a\nFROM x\nRUN c\n", []string{"3:DL3008", "4:DL3008"}},
		{"stage, no FROM below", "FROM x AS a\n# hadolint stage ignore=DL3008\nRUN a\n", nil},
		{"other tools' names are hadolint's only", "FROM x\n# hadolint ignore=JSONArgsRecommended\nRUN a\n", nil},
		{"drydock, any name", "FROM x\n# drydock ignore=JSONArgsRecommended,dl3009\nRUN a\n", []string{"3:DL3009", "3:JSONArgsRecommended"}},
		{"drydock, our name", "FROM x\n# drydock ignore=dockerfile/probe # why\nRUN a\n", []string{"3:DL3008", "3:DL3009", "3:JSONArgsRecommended"}},
		{"drydock global", "# drydock global ignore=dockerfile/probe\nFROM x\n", []string{"2:DL3008", "2:DL3009", "2:JSONArgsRecommended"}},

		{"skip", "# check=skip=JSONArgsRecommended\nFROM x\n", []string{"2:JSONArgsRecommended"}},
		{"BuildKit reads to the first blank", "#  Check =  skip=JSONArgsRecommended , DL3008\nFROM x\n", []string{"2:JSONArgsRecommended"}},
		{"and refuses what is left then", "# check=skip = JSONArgsRecommended\nFROM x\n", nil},
		{"skip after others", "# syntax=docker/dockerfile:1\n# check=error=true;skip=JSONArgsRecommended\nFROM x\n", []string{"3:JSONArgsRecommended"}},
		{"skip all is BuildKit's", "# check=skip=all\nFROM x\n", []string{"2:JSONArgsRecommended"}},
		{"all beside another is a name", "# check=skip=all,DL3009\nFROM x\n", []string{"2:DL3009"}},
		{"All is a name", "# check=skip=All\nFROM x\n", nil},
		{"BuildKit minds the case", "# check=skip=jsonargsrecommended\nFROM x\n", nil},
		{"an unknown name", "# check=skip=Nonsense\nFROM x\n", nil},
		{"too late for a directive", "# a comment\n# check=skip=JSONArgsRecommended\nFROM x\nRUN a\n", []string{"3:JSONArgsRecommended"}},
		{"above an instruction, BuildKit", "FROM x\n# check=skip=JSONArgsRecommended\n\nRUN a\nRUN b\n", []string{"4:JSONArgsRecommended"}},
		{"in any case", "FROM x\n# CHECK =skip=JSONArgsRecommended\nRUN a\n", []string{"3:JSONArgsRecommended"}},
		{"the first one counts", "FROM x\n# check=skip=DL3008\n# check=skip=JSONArgsRecommended\nRUN a\n", []string{"4:DL3008"}},
		{"an empty comment ends it", "FROM x\n# check=skip=JSONArgsRecommended\n#\nRUN a\n", nil},
		{"a comment after it", "FROM x\n# check=skip=JSONArgsRecommended because\nRUN a\n", []string{"3:JSONArgsRecommended"}},
		{"not understood", "# check=skip=JSONArgsRecommended;errors=true\nFROM x\n", nil},
		{"not understood above an instruction", "FROM x\n# check=skipped\nRUN a\n", nil},
	} {
		all := left(t, strings.NewReplacer("ignore", "ignorant", "check", "cheque", "Check", "cheque", "CHECK", "cheque").Replace(test.text), inspect.Options{})
		want := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(test.gone, s) })
		if len(want) != len(all)-len(test.gone) {
			t.Fatalf("%s: %v are not all of %v", test.what, test.gone, all)
		}
		if d := cmp.Diff(want, left(t, test.text, inspect.Options{}), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s:\n%s%s", test.what, test.text, d)
		}
	}
}

func TestPragmasSaySo(t *testing.T) {
	in := input(t, "FROM x\n# hadolint ignore=DL3008 # the mirror is ours\nRUN a\n# drydock ignore=DL3008\nRUN b\n", nil)
	found, _ := Run(context.Background(), in, []rule.Check{probe()})
	var got []string
	for _, f := range found {
		if s := f.Suppressed; s != nil {
			got = append(got, s.By+" "+s.Source+" "+s.Reason)
		}
	}
	want := []string{"pragma Dockerfile:2 the mirror is ours", "pragma Dockerfile:4 # drydock ignore"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPragmasCanBeTurnedOff(t *testing.T) {
	text := "# check=skip=JSONArgsRecommended\n# hadolint global ignore=DL3008\nFROM x\n"
	if got := left(t, text, inspect.Options{IgnorePragma: true}); !slices.Equal(got, []string{"3:DL3008", "3:DL3009"}) {
		t.Errorf("%v", got)
	}
}

// A finding in several places is suppressed by a pragma above any of them.
func TestPragmaAboveAnyPlace(t *testing.T) {
	in := input(t, "FROM x\nCMD a\n# hadolint ignore=DL4003\nCMD b\n", nil)
	two := rule.Check{Check: finding.Check[*inspect.Input]{Rule: finding.Rule{ID: "dockerfile/two", Aliases: []string{"DL4003"}}, Run: func(_ context.Context, p *rule.Pass) error {
		f := rule.At(p.Input.File.Instructions[1].Span, "CMD", "two")
		f.At = append(f.At, finding.Location{Source: &p.Input.File.Instructions[2].Span})
		p.Report(f)
		return nil
	}}}
	found, _ := Run(context.Background(), in, []rule.Check{two})
	if len(found) != 1 || found[0].Suppressed == nil {
		t.Errorf("%+v", found)
	}
}

// The shell that a pragma says is the one that scripts are read as.
func TestShellPragma(t *testing.T) {
	for _, test := range []struct {
		text string
		want string // a letter an instruction: "s" read as sh, "-" not
	}{
		{"FROM x\nRUN a\n# hadolint shell=powershell\nRUN b\nRUN c\n", "ss--"},
		{"# hadolint shell = cmd.exe # why\nFROM x\nRUN a\nFROM y\nRUN b\n", "s-ss"},
		{"FROM x AS a\n# hadolint shell=pwsh\nRUN a\nFROM a\nRUN b\nFROM y\nRUN c\n", "s-s-ss"},
		{"FROM x\n# hadolint shell=pwsh\nRUN a\nSHELL [\"/bin/sh\", \"-c\"]\nRUN b\n", "s-ss"},
		{"FROM x\nSHELL [\"pwsh\"]\nRUN a\n# hadolint shell=/bin/bash\nRUN b\n", "ss-s"},
	} {
		in := input(t, test.text, nil)
		var got strings.Builder
		for i := range in.File.Instructions {
			if in.Script(i).Err != nil {
				got.WriteByte('-')
			} else {
				got.WriteByte('s')
			}
		}
		if got.String() != test.want {
			t.Errorf("%s\n%s, want %s", test.text, &got, test.want)
		}
	}
}

func TestIdlePragma(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"# hadolint global ignore=DL3008,SC2046,DL3005 # why\nFROM x\n", nil},
		{"# check=skip=JSONArgsRecommended;experimental=all\nFROM x\n# drydock ignore=dockerfile/latest-tag,ds001\nRUN a\n", nil},
		{"FROM x\n# hadolint is a linter\n# check the sum\n# check=\n# checks=a\n# check\n# hadolint shell=pwsh\nENV A=b\n", nil},
		{"# check=skip=Nonsense,jsonargsrecommended,All\nFROM x\n", []string{
			"no rule is called Nonsense here", "BuildKit minds the case: JSONArgsRecommended, not jsonargsrecommended", "no rule is called All here",
		}},
		{"# check=skip=all;strict=true\nFROM x\n", []string{`BuildKit refuses the check directive, and with it the file: there is no option "strict"`}},
		{"# check=error=maybe\nFROM x\n", []string{`BuildKit refuses the check directive, and with it the file: "maybe" is neither true nor false`}},
		{"# check=nothing\nFROM x\n", []string{`BuildKit refuses the check directive, and with it the file: "nothing" is no option`}},
		{"FROM x\n# check=skip\nRUN a\n", []string{`the comment does nothing: "skip" is no option`}},
		{"FROM x\n# hadolint ignore=DL3008 for now\nRUN a\n", []string{`the comment does nothing: "DL3008 for now" is not the name of a rule`}},
		{"FROM x\n# hadolint ignore=DL3008\n\nRUN a\n", []string{"the comment does nothing: no instruction is directly below it"}},
		{"FROM x\n# hadolint ignore=DL3008\n", []string{"the comment does nothing: no instruction is directly below it"}},
		{"FROM x\n# hadolint stage ignore=DL3008\nRUN a\n", []string{"the comment does nothing: no FROM is directly below it"}},
		{"FROM x\n# hadolint shell=\nRUN a\n", []string{"the comment does nothing: it names no shell"}},
		{"FROM x\n# drydock ignore=dockerfile/latest-tags\nRUN a\n", []string{"no rule is called dockerfile/latest-tags here"}},
	} {
		var got []string
		for _, f := range run(t, input(t, test.text, nil), byID(t, "dockerfile/idle-pragma")) {
			got = append(got, f.Message)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s%s", test.text, d)
		}
	}
}

// Whatever the comments of a file say: a pragma is where a comment is, one that
// is obeyed names something, and what it turns off it names.
func FuzzPragmas(f *testing.F) {
	for _, s := range []string{
		"FROM x\n# hadolint ignore=DL3008,DL3009 # why\nRUN a\n", "# check=skip=all;error=true\nFROM x\n#check=skip=A\nRUN b",
		"# hadolint stage ignore=DL3008\nFROM x\n\n#\n# drydock global ignore=a/b", "\xef\xbb\xbf# hadolint shell=pwsh\r\nFROM x\r\nRUN a",
		"#hadolint\tignore =\tDL3008,\nFROM x", "# check=\n# check=skip\nFROM x\nRUN a \\\n# hadolint ignore=DL3008\n b",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := dockerfile.Parse("D", b)
		if err != nil {
			return
		}
		in := inspect.New(file, inspect.Options{})
		for _, p := range in.Pragmas.All {
			if s := p.Span; s.Start < 0 || s.End > len(b) || s.Start >= s.End || b[s.Start] != '#' || s.Line < 1 {
				t.Fatalf("%+v", p)
			}
			if p.Wrong == "" && len(p.Names) == 0 && p.Tool != "check" {
				t.Fatalf("%+v is obeyed and names nothing", p)
			}
			if inspect.InstructionAt(file, p.Span.Start) >= 0 {
				t.Fatalf("%+v is within an instruction", p)
			}
		}
		found, _ := Run(context.Background(), in, []rule.Check{probe(), byID(t, "dockerfile/idle-pragma")})
		for _, x := range found {
			if x.Suppressed != nil && !strings.Contains(strings.ToLower(string(b)), "check") && !strings.Contains(string(b), "ignore") {
				t.Fatalf("%+v is turned off by nobody", x)
			}
		}
		off := inspect.New(file, inspect.Options{IgnorePragma: true})
		found, _ = Run(context.Background(), off, []rule.Check{probe()})
		for _, x := range found {
			if x.Suppressed != nil && strings.HasSuffix(x.Suppressed.Reason, "ignore") {
				t.Fatalf("%+v is turned off by what does not count", x)
			}
		}
	})
}
