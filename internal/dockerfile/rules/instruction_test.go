package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/instruction"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fired are the findings of a rule as "line aliases", those that go by no other
// tool's name as "line -".
func fired(t *testing.T, in *inspect.Input, c rule.Check) []string {
	t.Helper()
	var out []string
	for _, f := range run(t, in, c) {
		names := strings.Join(f.Aliases, ",")
		if names == "" {
			names = "-"
		}
		out = append(out, fmt.Sprintf("%d %s", f.At[0].Source.Line, names))
		complete(t, in, f)
		for _, x := range f.Fixes {
			proved(t, in, c, f, x)
		}
	}
	return out
}

type firing struct {
	text string
	want []string
}

func fires(t *testing.T, c rule.Check, tests []firing) {
	t.Helper()
	for _, test := range tests {
		if d := cmp.Diff(test.want, fired(t, input(t, test.text, nil), c), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s:\n%s%s", c.ID, test.text, d)
		}
	}
}

func TestLatestTag(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	fires(t, byID(t, "dockerfile/latest-tag"), []firing{
		{"FROM debian", []string{"1 DL3006,DS001"}},
		{"FROM debian AS b\n", []string{"1 DL3006,DS001"}},
		{"FROM debian:latest", []string{"1 DL3007,DS001"}},
		{"FROM localhost:5000/debian", []string{"1 DL3006,DS001"}},
		{"FROM localhost:5000/debian:1", nil},
		{"FROM debian" + digest, nil},
		{"FROM debian:latest" + digest, nil},
		{"FROM scratch", nil},
		{"FROM golang:1.26 AS build\nFROM build AS test\nFROM Build\n", nil},
		{"FROM golang:1.26 AS build\nFROM node AS test\n", []string{"2 DL3006,DS001"}},
		{"FROM node AS build\nFROM build\n", []string{"1 DL3006,DS001"}},
		{"ARG V\nFROM debian:$V", nil},
		{"ARG B\nFROM ${B}", nil},
		{"ARG V=latest\nFROM debian:$V", []string{"2 DS001"}},
		{"ARG B=debian:13\nFROM $B", nil},
		{"ARG B=debian\nFROM $B", []string{"2 -"}},
		{"ARG B=debian:latest\nFROM $B", []string{"2 DS001"}},
		{"ARG R=reg.example.com\nFROM ${R}/app", []string{"2 DS001"}},
		{"ARG S=:13\nFROM debian$S", nil},
	})
}

func TestTrustedRegistry(t *testing.T) {
	for _, test := range []firing{
		{"FROM a.com/x AS b\nFROM b\nCOPY --from=b x /x\nCOPY --from=0 x /x\nFROM scratch\n", []string{"1 DL3026"}},
		{"FROM x\nCOPY --from=a.com/x:1 x /x\nRUN --mount=type=bind,from=b.com/y,target=/y true\n", []string{"2 DL3026", "3 DL3026"}},
		{"ARG R=a.com\nFROM $R/x\n", []string{"2 DL3026"}},
	} {
		in := inspect.New(input(t, test.text, nil).File, inspect.Options{TrustedRegistries: []string{"docker.io"}})
		if d := cmp.Diff(test.want, fired(t, in, byID(t, "dockerfile/trusted-registry"))); d != "" {
			t.Errorf("%s%s", test.text, d)
		}
	}
	fires(t, byID(t, "dockerfile/trusted-registry"), []firing{{"FROM a.com/x\n", nil}})
	in := inspect.New(input(t, "ARG R\nFROM $R/x\n", nil).File, inspect.Options{TrustedRegistries: []string{"docker.io"}})
	if found, unknown := Run(t.Context(), in, []rule.Check{byID(t, "dockerfile/trusted-registry")}); len(found) != 0 || len(unknown) != 1 {
		t.Errorf("a registry that cannot be told: %v, %v", found, unknown)
	}
}

func TestAddInsteadOfCopy(t *testing.T) {
	all := []string{"2 DL3020,CIS-4.9,DS005"}
	fires(t, byID(t, "dockerfile/add-instead-of-copy"), []firing{
		{"FROM x\nADD file /usr/src/app/", all},
		{"FROM x\nadd . .", all},
		{"FROM x\nADD [\"a b\", \"/c\"]", all},
		{"FROM x\nADD file.zip /usr/src/app/", all},
		{"FROM x\nADD file.tar /usr/src/app/", nil},
		{"FROM x\nADD file.gz /usr/src/app/", nil},
		{"FROM x\nADD file.bz2 a.xz b.tgz /usr/src/app/", nil},
		{"FROM x\nADD \"file.tgz\" /usr/src/app/", nil},
		{"FROM x\nADD \"file.zip\" /usr/src/app/", all},
		{"FROM x\nADD http://file.com /x", nil},
		{"FROM x\nADD \"https://file.com\" /x", nil},
		{"FROM x\nADD git@github.com:a/b.git /x", nil},
		{"FROM x\nADD --chown=a:b a /x", all},
		{"FROM x\nADD a http://file.com /x/", []string{"2 DL3020,CIS-4.9"}},
		{"FROM x\nADD a b.tar /x/", []string{"2 DL3020,CIS-4.9"}},
		{"FROM x\nARG U=https://file.com\nADD $U /x", nil},
		{"FROM x\nARG J=target/*.jar\nADD ${J} app.jar", []string{"3 DL3020,CIS-4.9,DS005"}},
		{"FROM x\nADD <<E /x\nE\n", all},
		{"FROM x\nONBUILD ADD a /x", all},
	})
	for _, test := range []struct {
		text string
		want finding.Safety
		none bool
	}{
		{"FROM x\nADD app.py /app/", finding.Safe, false},
		{"FROM x\nADD src/ /app/", finding.Safe, false},
		{"FROM x\nADD *.py /app/", finding.Safe, false},
		{"FROM x\nADD <<E /x\nE\n", finding.Safe, false},
		{"FROM x\nADD app /app", finding.Behaviour, false},
		{"FROM x\nADD rails.gem /app/", finding.Behaviour, false},
		{"FROM x\nADD * /app/", finding.Behaviour, false},
		{"FROM x\nARG F\nADD $F /app/", finding.Behaviour, false},
		{"FROM x\nADD a b.tar /x/", 0, true},
		{"FROM x\nADD --checksum=sha256:00 a /x/", 0, true},
	} {
		for _, f := range run(t, input(t, test.text, nil), byID(t, "dockerfile/add-instead-of-copy")) {
			if none := len(f.Fixes) == 0; none != test.none || !none && f.Fixes[0].Safety != test.want {
				t.Errorf("%s: %+v", test.text, f.Fixes)
			}
		}
	}
	// The context tells what a name does not.
	files := map[string]string{"folder/x": "", "plain": "text", "packed": "\x1f\x8b\x08", "tarred": strings.Repeat("\x00", 257) + "ustar", "empty": ""}
	for name, want := range map[string]finding.Safety{"folder": finding.Safe, "plain": finding.Safe, "empty": finding.Safe, "packed": finding.Behaviour, "tarred": finding.Behaviour, "gone": finding.Behaviour} {
		f := run(t, input(t, "FROM x\nADD "+name+" /x\n", files), byID(t, "dockerfile/add-instead-of-copy"))
		if len(f) != 1 || f[0].Fixes[0].Safety != want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestCopySeveral(t *testing.T) {
	fires(t, byID(t, "dockerfile/copy-several-without-slash"), []firing{
		{"FROM x\nCOPY foo bar", nil},
		{"FROM x\nCOPY foo bar baz", []string{"2 DL3021,DS011"}},
		{"FROM x\nCOPY foo bar .", []string{"2 DL3021,DS011"}},
		{"FROM x\nCOPY foo bar baz/", nil},
		{"FROM x\nCOPY foo bar \"baz\"", []string{"2 DL3021,DS011"}},
		{"FROM x\nCOPY foo bar \"baz/\"", nil},
		{"FROM x\nCOPY [\"foo\", \"bar\", \"baz\"]", []string{"2 DL3021,DS011"}},
		{"FROM x\nENV D=/a/\nCOPY foo bar $D", nil},
		{"FROM x\nENV D=/a\nCOPY foo bar $D", []string{"3 DL3021,DS011"}},
		{"FROM x\nCOPY --from=y foo bar /baz", []string{"2 DL3021,DS011"}},
		{"FROM x\nADD foo bar /baz", []string{"2 -"}},
		{"# escape=`\nFROM x\nCOPY foo bar C:\\baz\\", nil},
	})
}

func TestCopyFrom(t *testing.T) {
	fires(t, byID(t, "dockerfile/copy-from-unknown"), []firing{
		{"FROM x\nCOPY --from=foo bar .", []string{"2 DL3022"}},
		{"FROM x\nCOPY --from=build foo .\nFROM y AS build", []string{"2 DL3022"}},
		{"FROM x AS build\nFROM y\nCOPY --from=build foo .\nCOPY --from=BUILD foo .", nil},
		{"FROM x\nCOPY --from=haskell:latest bar .", nil},
		{"FROM x\nCOPY --from=haskell bar .", []string{"2 DL3022"}},
		{"FROM x\nFROM y\nCOPY --from=0 foo .", nil},
		{"FROM x\nCOPY --from=1 foo .", []string{"2 DL3022"}},
		{"FROM x\nCOPY --from=-1 foo .", []string{"2 DL3022"}},
		{"FROM x AS build\nFROM y\nCOPY --from=biuld foo .", []string{"3 DL3022"}},
		{"FROM x\nCOPY foo bar", nil},
	})
	fires(t, byID(t, "dockerfile/copy-from-self"), []firing{
		{"FROM x AS a\nCOPY --from=a foo .", []string{"2 DL3023,DS006"}},
		{"FROM x AS a\nFROM y AS b\nCOPY --from=a foo .", nil},
		{"FROM x AS a\nFROM y\nCOPY --from=y foo .", nil},
		{"FROM x AS a\nCOPY --from=0 foo .", []string{"2 -"}},
		{"FROM x AS a\nCOPY foo .", nil},
	})
	fires(t, byID(t, "dockerfile/copy-whole-stage"), []firing{
		{"FROM x\nCOPY --from=build / /", []string{"2 DL3067"}},
		{"FROM x\nCOPY --from=build \"/\" \"/\"", []string{"2 DL3067"}},
		{"FROM x\nCOPY --from=build [\"/\", \"/\"]", []string{"2 DL3067"}},
		{"FROM x\nCOPY / /", nil},
		{"FROM x\nCOPY --from=build /app /", nil},
		{"FROM x\nCOPY --from=build / /app", nil},
		{"FROM x\nCOPY --from=build /. /", []string{"2 -"}},
	})
}

func TestCopyRelative(t *testing.T) {
	fires(t, byID(t, "dockerfile/copy-relative"), []firing{
		{"FROM x\nCOPY bla.sh /usr/local/bin/blubb.sh", nil},
		{"FROM x\nCOPY bla.sh \"/usr/local/bin/blubb.sh\"", nil},
		{"FROM x\nCOPY bla.sh c:\\\\system32\\\\blubb.sh", nil},
		{"FROM x\nCOPY bla.sh \"c:/system32/blubb.sh\"", nil},
		{"FROM x\nCOPY hello.txt C:", nil},
		{"FROM scratch\nWORKDIR /usr\nCOPY bla.sh blubb.sh", nil},
		{"FROM x\nCOPY src.sh ${D}", nil},
		{"FROM x\nCOPY src.sh \"$D/x\"", nil},
		{"FROM x\nCOPY bla.sh blubb.sh", []string{"2 DL3045"}},
		{"FROM x\nCOPY bla.sh \"blubb.sh\"", []string{"2 DL3045"}},
		{"FROM x AS a\nWORKDIR /usr\nFROM x\nCOPY foo bar", []string{"4 DL3045"}},
		{"FROM x AS a\nWORKDIR /usr\nFROM y AS b\nFROM a\nCOPY foo bar", nil},
		{"FROM x AS a\nWORKDIR /usr\nFROM a AS b\nRUN x\nFROM b\nCOPY foo bar", nil},
		{"FROM x\nCOPY a b\nWORKDIR /c\nCOPY a b", []string{"2 DL3045"}},
		{"FROM scratch\nCOPY a b/", []string{"2 DL3045"}},
		{"FROM x\nADD a b/", []string{"2 -"}},
	})
	known := func(*dockerfile.Stage) *dockerfile.BaseFacts {
		return &dockerfile.BaseFacts{Ref: "golang:1.26", Source: "a test", Config: true, Workdir: "/go"}
	}
	in := inspect.New(input(t, "FROM golang:1.26\nCOPY a src/\nCOPY a .\nCOPY a ../b\n", nil).File, inspect.Options{Base: known})
	var got []string
	for _, f := range run(t, in, byID(t, "dockerfile/copy-relative")) {
		got = append(got, f.Fixes[0].Edits[0].New)
		if len(f.Evidence) != 1 || !strings.Contains(f.Evidence[0].Text, "/go, says a test") {
			t.Errorf("%+v", f.Evidence)
		}
	}
	if d := cmp.Diff([]string{"/go/src/", "/go/", "/b"}, got); d != "" {
		t.Error(d)
	}
}

func TestPorts(t *testing.T) {
	fires(t, byID(t, "dockerfile/port-range"), []firing{
		{"FROM x\nEXPOSE 80000", []string{"2 DL3011,DS008"}},
		{"FROM x\nEXPOSE 80000/udp 65536 65535 1", []string{"2 DL3011,DS008", "2 DL3011,DS008"}},
		{"FROM x\nEXPOSE ${FOOBAR} 40000-${FOOBAR}", nil},
		{"FROM x\nEXPOSE 40000-80000/tcp", []string{"2 DL3011"}},
		{"FROM x\nEXPOSE 40000-60000/tcp", nil},
		{"FROM x\nENV P=70000\nEXPOSE $P", []string{"3 -"}},
	})
	fires(t, byID(t, "dockerfile/ssh-port"), []firing{
		{"FROM x\nEXPOSE 22", []string{"2 DS004"}},
		{"FROM x\nEXPOSE 80 22/tcp", []string{"2 DS004"}},
		{"FROM x\nEXPOSE 22 \\\n  80", []string{"2 DS004"}},
		{"FROM x\nEXPOSE 222 2222/tcp 20-25", nil},
		{"FROM x\nENV P=22\nEXPOSE $P", []string{"3 -"}},
	})
}

func TestSystemWorkdir(t *testing.T) {
	fires(t, byID(t, "dockerfile/system-workdir"), []firing{
		{"FROM x\nWORKDIR /proc/self/fd/8", []string{"2 DS030"}},
		{"FROM x\nWORKDIR /dev", []string{"2 -"}},
		{"FROM x\nWORKDIR /sys/fs", []string{"2 -"}},
		{"FROM x\nENV D=/proc\nWORKDIR $D/x", []string{"3 -"}},
		{"FROM x\nWORKDIR /processor\nWORKDIR /development", nil},
	})
}

// Each fix of these rules, whatever its safety, takes its finding away over the
// whole corpus, and brings no other one of them.
func TestInstructionFixesInTheWild(t *testing.T) {
	seen := 0
	for name, f := range corpus(t) {
		in := inspect.New(f, inspect.Options{})
		found, _ := Run(t.Context(), in, instruction.Checks(ruleNames))
		before := map[string]bool{}
		for _, x := range found {
			before[fmt.Sprint(x.Rule, " ", x.Key)] = true
		}
		for _, x := range found {
			for _, y := range x.Fixes {
				b, ok := apply(t, in, y)
				if !ok {
					continue
				}
				seen++
				again, err := dockerfile.Parse(f.Name, b)
				if err != nil {
					t.Errorf("%s: %s: %v", name, y.Title, err)
					continue
				}
				after, _ := Run(t.Context(), inspect.New(again, inspect.Options{}), instruction.Checks(ruleNames))
				if len(after) >= len(found) {
					t.Errorf("%s:%d: %s: %d findings, were %d", name, x.At[0].Source.Line, y.Title, len(after), len(found))
				}
				for _, z := range after {
					if k := fmt.Sprint(z.Rule, " ", z.Key); !before[k] {
						t.Errorf("%s:%d: %s: brings %s", name, x.At[0].Source.Line, y.Title, k)
					}
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d fixes", seen)
	}
}
