package rules

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
)

func TestUselessCommand(t *testing.T) {
	fires(t, byID(t, "dockerfile/command-without-use"), []firing{
		{"FROM x\nRUN top", []string{"2 DL3001"}},
		{"FROM x\nRUN [\"top\", \"-b\"]", []string{"2 DL3001"}},
		{"FROM x\nRUN apt-get install ssh", nil},
		{"FROM x\nRUN a && (b; service c start) | ps", []string{"2 DL3001"}},
		{"FROM x\nRUN exec kill 1", []string{"2 DL3001"}},
		{"FROM x\nRUN sudo mount /x", []string{"2 -"}},
		{"FROM x\nRUN /bin/kill 1", []string{"2 -"}},
		{"FROM x\nRUN sh -c 'free'", []string{"2 -"}},
		{"FROM x\nRUN echo top; vimdiff a b; sshd -t", nil},
		{"FROM x\nCMD top", nil},
	})
}

func TestRunCd(t *testing.T) {
	fires(t, byID(t, "dockerfile/run-cd"), []firing{
		{"FROM x\nRUN cd /opt", []string{"2 DL3003,DS013"}},
		{"FROM x\nRUN cd /opt && a && cd /b && c", []string{"2 DL3003,DS013"}},
		{"FROM x\nRUN a && (cd /opt && b)", []string{"2 DL3003"}},
		{"FROM x\nRUN a; cd /opt", []string{"2 DL3003"}},
		{"FROM x\nRUN bash -c 'cd /opt'", []string{"2 -"}},
		{"FROM x\nRUN git clone x && chdir", nil},
		{"FROM x\nRUN echo cd /x", nil},
		{"FROM x\nCMD cd /opt && a", nil},
	})
	for _, test := range []struct {
		text, want string
		safety     finding.Safety
	}{
		{"FROM x\nRUN cd /opt && make\nWORKDIR /srv\n", "FROM x\nWORKDIR /opt\nRUN make\nWORKDIR /srv\n", finding.Behaviour},
		{"FROM x\nWORKDIR /a\nRUN cd b && \\\n    make && make install\nCOPY x y\n", "", 0}, // a second WORKDIR would have to go back
		{"FROM x\nWORKDIR /a\nRUN cd b && \\\n    make && make install\nENV C=d\nCOPY x /y\nWORKDIR /c\n", "FROM x\nWORKDIR /a\nWORKDIR /a/b\nRUN make && make install\nENV C=d\nCOPY x /y\nWORKDIR /c\n", finding.Behaviour},
		{"FROM x\nRUN cd /a && make\nCOPY x y\nWORKDIR /c\n", "", 0},
		{"FROM x\nRUN cd /a && make\nWORKDIR c\n", "", 0},
		{"FROM x\nENV D=/opt\nRUN cd $D && make\n", "", 0}, // what is started would be in another folder
		{"FROM x\r\nRUN cd /opt && make\r\nWORKDIR /srv\r\n", "FROM x\r\nWORKDIR /opt\r\nRUN make\r\nWORKDIR /srv\r\n", finding.Behaviour},
		{"FROM x\nRUN cd /opt && make && cd /b && c\n", "", 0},
		{"FROM x\nWORKDIR /a\nRUN cd /a/ && make\n", "FROM x\nWORKDIR /a\nRUN make\n", finding.Behaviour},
		{"FROM x\nENV D=/a\nWORKDIR $D\nRUN cd $D && make\n", "FROM x\nENV D=/a\nWORKDIR $D\nRUN make\n", finding.Behaviour},
		{"FROM scratch\nRUN cd a && make\n", "", 0},
		{"FROM x\nRUN cd a && make\n", "", 0},
		{"FROM x\nENV D=b\nWORKDIR /a\nRUN cd $D && make\n", "", 0},
		// None is offered where it would be another build.
		{"FROM x\nRUN cd \"$HOME\" && make\n", "", 0},
		{"FROM x\nRUN cd $HOME && make\n", "", 0},
		{"FROM x\nRUN cd /opt/* && make\n", "", 0},
		{"FROM x\nRUN cd - && make\n", "", 0},
		{"FROM x\nRUN cd ~ && make\n", "", 0},
		{"FROM x\nRUN cd /a; make\n", "", 0},
		{"FROM x\nRUN cd /a || make\n", "", 0},
		{"FROM x\nRUN cd /a && cd ../b && make\n", "", 0},
		{"FROM x\nRUN cd /a && ! make\n", "", 0},
		{"FROM x\nRUN cd /a && { make; }\n", "", 0},
		{"FROM x\nRUN cd /a && (make)\n", "", 0},
		{"FROM x\nRUN cd /a && if make; then b; fi\n", "", 0},
		{"FROM x\nRUN cd /a && time make\n", "", 0},
		{"FROM x\nRUN cd /a && make $(pwd)\n", "", 0},
		{"FROM x\nRUN cd /a && \\\n# why\n make\n", "", 0},
		{"FROM x\nRUN X=1 cd /a && make\n", "", 0},
		{"FROM x\nRUN (cd /a && make)\n", "", 0},
		{"FROM x\n# hadolint ignore=DL3008\nRUN cd /a && make\n", "", 0},
		{"FROM x\nRUN <<E\ncd /a && make\nE\n", "", 0},
	} {
		in := input(t, test.text, nil)
		f := run(t, in, byID(t, "dockerfile/run-cd"))
		if len(f) != 1 {
			t.Fatalf("%s: %+v", test.text, f)
		}
		if len(f[0].Fixes) == 0 {
			if test.want != "" {
				t.Errorf("%sno fix", test.text)
			}
			continue
		}
		b, _ := apply(t, in, f[0].Fixes[0])
		if d := cmp.Diff(test.want, string(b)); d != "" || f[0].Fixes[0].Safety != test.safety {
			t.Errorf("%s: %s\n%s", test.text, f[0].Fixes[0].Safety, d)
		}
	}
}

func TestShReplaced(t *testing.T) {
	fires(t, byID(t, "dockerfile/sh-replaced"), []firing{
		{"FROM x\nRUN ln -sfv /bin/bash /bin/sh", []string{"2 DL4005"}},
		{"FROM x\nRUN rm /bin/sh && ln -s /bin/bash /bin/sh", []string{"2 DL4005"}},
		{"FROM x\nRUN ln -sf /bin/true /sbin/initctl", nil},
		{"FROM x\nRUN ln -s foo bar && unrelated && something_with /bin/sh", nil},
		{"FROM x\nRUN ln -s /bin/sh /bin/bash", nil},
		{"FROM x\nRUN sudo ln -s /bin/bash /bin/sh", []string{"2 -"}},
	})
}

func TestCopyThenExtract(t *testing.T) {
	fires(t, byID(t, "dockerfile/copy-then-extract"), []firing{
		{"FROM x\nCOPY packaged-app.tar /usr/src/app\nRUN tar -xf /usr/src/app/packaged-app.tar", []string{"2 DL3010"}},
		{"FROM x\nCOPY packaged-app.tar /usr/src/app\nWORKDIR /usr/src/app\nRUN foo bar && echo something && tar -xf packaged-app.tar", []string{"2 DL3010"}},
		{"FROM x\nCOPY foo/bar/packaged-app.tar /foo.tar\nRUN tar xf /foo.tar", []string{"2 DL3010"}},
		{"FROM x\nCOPY a.tgz b.tgz /\nRUN tar --extract --file=/a.tgz\nRUN tar -C / -xzf b.tgz", []string{"2 DL3010", "2 DL3010"}},
		{"FROM x\nCOPY a.tar.gz /\nRUN gunzip a.tar.gz", []string{"2 DL3010"}},
		{"FROM x\nCOPY dump.sql.gz /\nRUN gunzip dump.sql.gz", nil},
		{"FROM x\nCOPY a.zip /\nRUN unzip a.zip", nil},
		{"FROM x\nCOPY a.tar /\nRUN tar -cf a.tar x", nil},
		{"FROM x\nCOPY a.tar /\nRUN tar -tf a.tar", nil},
		{"FROM x\nCOPY a.tar /\nFROM y\nRUN tar -xf a.tar", nil},
		{"FROM x\nCOPY --from=b /a.tar /\nRUN tar -xf a.tar", nil},
		{"FROM x\nRUN tar -xf a.tar\nCOPY a.tar /", nil},
		{"FROM x\nCOPY package.json /\nRUN tar -xf package.json", nil},
	})
}

func TestEnvOrder(t *testing.T) {
	fires(t, byID(t, "dockerfile/env-refers-to-itself"), []firing{
		{"FROM x\nENV BLA=\"blubb\"\nENV BLUBB=\"${BLA}/blubb\"", nil},
		{"FROM x\nENV BLA=\"blubb\" BLUBB=\"${FOOBLA}/blubb\"", nil},
		{"FROM x\nENV BLA=\"blubb\" BLUBB=\"$BLAFOO/blubb\"", nil},
		{"FROM x\nENV BLA=\"blubb\" BLUBB=\"$BLA/$BLAFOO/blubb\"", []string{"2 DL3044"}},
		{"FROM x\nENV BLA=\"blubb\" BLUBB=\"BLA/$BLAFOO/BLA\"", nil},
		{"FROM x\nARG BLA\nENV BLA=${BLA}", nil},
		{"FROM x\nARG BLA\nENV BLA=1 B=${BLA}", nil},
		{"FROM x\nENV BLA blubb\nENV BLA=${BLA} C=$BLA", nil},
		{"FROM x\nENV PATH=/bla:${PATH}\nENV PATH=/blubb:${PATH}", nil},
		{"FROM x\nENV PATH=/bla:${PATH} PATH=/blubb:${PATH}", []string{"2 DL3044"}},
		{"FROM x\nENV BLA=\"blubb\" \\\n  BLUBB=\"${BLA}/blubb\"", []string{"3 DL3044"}},
		{"FROM x\nENV BLUBB=$BLA BLA=1", []string{"2 DL3044"}},
		{"FROM x\nENV BLA=1 BLUBB='$BLA'", nil},
		{"FROM x\nENV BLA=1 BLUBB=\\$BLA", nil},
		{"FROM x\nENV BLA=1 BLUBB=\"it's $BLA\"", []string{"2 DL3044"}},
		{"FROM x\nENV BLA=1 BLUBB=${BLA:-2}", []string{"2 -"}},
		{"FROM x\nENV A $A", nil},
		{"FROM x\nENV A=1 B=$A C=$A D=$B", []string{"2 DL3044", "2 DL3044"}},
	})
	known := func(*dockerfile.Stage) *dockerfile.BaseFacts {
		return &dockerfile.BaseFacts{Config: true, Env: map[string]string{"PATH": "/bin"}}
	}
	in := inspect.New(input(t, "FROM x\nENV PATH=/a:$PATH OLD=$PATH\n", nil).File, inspect.Options{Base: known})
	if f := run(t, in, byID(t, "dockerfile/env-refers-to-itself")); len(f) != 0 {
		t.Errorf("the base has it: %+v", f)
	}
}

func TestNumericUser(t *testing.T) {
	fires(t, byID(t, "dockerfile/user-by-name"), []firing{
		{"FROM x\nUSER 12345", nil},
		{"FROM x\nUSER 1234:5678", nil},
		{"FROM x\nUSER 1234:group", nil},
		{"FROM x\nUSER foobar", []string{"2 DL3066"}},
		{"FROM x\nUSER foobar:barfoo", []string{"2 DL3066"}},
		{"FROM x\nUSER root\nRUN a\nUSER 1000", nil},
		{"FROM x\nUSER app\nFROM y\n", nil},
		{"FROM x\nUSER app\nFROM y\nUSER 1\nUSER b", []string{"5 DL3066"}},
		{"FROM x\nARG UID=1000\nUSER ${UID}", nil},
		{"FROM x\nARG U=app\nUSER $U", nil},
		{"FROM x\nENV U=app\nUSER $U", []string{"3 DL3066"}},
		{"FROM x\nENV U=1000\nUSER $U", nil},
		{"FROM x\nUSER ContainerAdministrator", nil},
		{"FROM x\n", nil},
	})
	for text, want := range map[string]string{
		"FROM x\nRUN groupadd -g 5 app && useradd -r -u 999 -g app app\nUSER app": "999",
		"FROM x\nRUN adduser -D --uid=7 app\nUSER app":                            "7",
		"FROM x\nRUN adduser -D --uid 7 app\nUSER app":                            "7",
		"FROM x AS a\nRUN useradd -u 8 app\nFROM a\nUSER app":                     "8",
		"FROM x\nRUN useradd app\nUSER app":                                       "",
		"FROM x\nRUN useradd -u $N app\nUSER app":                                 "",
		"FROM x\nRUN useradd -u 8 other\nUSER app":                                "",
		"FROM x\nRUN useradd -u 8 app\nUSER app:app":                              "",
		"FROM node\nUSER node":                                                    "1000",
		"FROM node\nUSER nobody":                                                  "",
	} {
		known := func(st *dockerfile.Stage) *dockerfile.BaseFacts {
			if st.Base != "node" {
				return nil
			}
			return &dockerfile.BaseFacts{Config: true, Accounts: map[string]int{"node": 1000}}
		}
		f := run(t, inspect.New(input(t, text, nil).File, inspect.Options{Base: known}), byID(t, "dockerfile/user-by-name"))
		got := ""
		if len(f) == 1 && len(f[0].Fixes) == 1 {
			got = f[0].Fixes[0].Edits[0].New
		}
		if len(f) != 1 || got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestInlinePragma(t *testing.T) {
	fires(t, byID(t, "dockerfile/inline-pragma"), []firing{
		{"FROM x\n# hadolint ignore=DL3008\nRUN a", []string{"2 DL1001"}},
		{"# hadolint shell=powershell # foobar\nFROM x", nil},
		{"# hadolint global ignore=DL3008\nFROM x", []string{"1 -"}},
		{"# check=skip=all\nFROM x", nil},
		{"FROM x\n# drydock ignore=DL3008\nRUN a", []string{"2 -"}},
	})
}

func TestLabelKey(t *testing.T) {
	bad := []string{"2 DL3048"}
	fires(t, byID(t, "dockerfile/label-key"), []firing{
		{"FROM x\nLABEL com.docker.label=\"foo\"", bad},
		{"FROM x\nLABEL io.docker.label=\"foo\"", bad},
		{"FROM x\nLABEL org.dockerproject.label=\"foo\"", bad},
		{"FROM x\nLABEL invalid$character=\"foo\"", bad},
		{"FROM x\nLABEL .invalid=\"foo\"", bad},
		{"FROM x\nLABEL -invalid=\"foo\"", bad},
		{"FROM x\nLABEL 1invalid=\"foo\"", bad},
		{"FROM x\nLABEL invalid-=\"foo\"", bad},
		{"FROM x\nLABEL invalid..character=\"foo\"", bad},
		{"FROM x\nLABEL invalid--character=\"foo\"", bad},
		{"FROM x\nLABEL under_score=\"foo\" a/b=c", []string{"2 DL3048", "2 DL3048"}},
		{"FROM x\nLABEL org.valid-key.label3=\"foo\"", nil},
		{"FROM x\nLABEL \"validlabel\"=\"foo\" 'also.valid'=1", nil},
		{"FROM x\nLABEL validlabel foo Bar", nil},
		{"FROM x\nLABEL Version=1 version=1", bad},
	})
	if f := run(t, input(t, "FROM x\nLABEL Version=1 version=1\n", nil), byID(t, "dockerfile/label-key")); len(f[0].Fixes) != 0 {
		t.Error("two labels would become one")
	}
}

func TestLabelSchema(t *testing.T) {
	schema := inspect.Options{LabelSchema: map[string]string{"foo": "text"}}
	for _, test := range []struct {
		check rule.Check
		o     inspect.Options
		text  string
		want  []string
	}{
		{byID(t, "dockerfile/label-missing"), schema, "FROM x", []string{"1 DL3049"}},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x\nLABEL bar=baz", []string{"1 DL3049"}},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x\nLABEL foo=bar", nil},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x\nFROM y\n", []string{"1 DL3049", "2 DL3049"}},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x\nFROM y\nLABEL \"foo\"=bar", []string{"1 DL3049"}},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x AS base\nFROM base\nLABEL foo=bar", []string{"1 DL3049"}},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x AS base\nLABEL foo=bar\nFROM base", nil},
		{byID(t, "dockerfile/label-missing"), schema, "FROM x AS b\nFROM y\nLABEL foo=bar\nCOPY --from=b /a /a", nil},
		{byID(t, "dockerfile/label-missing"), inspect.Options{}, "FROM x", nil},
		{byID(t, "dockerfile/label-not-in-schema"), inspect.Options{StrictLabels: true}, "FROM x\nLABEL foo=1", []string{"2 DL3050"}},
		{byID(t, "dockerfile/label-not-in-schema"), inspect.Options{StrictLabels: true, LabelSchema: schema.LabelSchema}, "FROM x\nLABEL foo=1 bar=2", []string{"2 DL3050"}},
		{byID(t, "dockerfile/label-not-in-schema"), schema, "FROM x\nLABEL bar=1", nil},
		{byID(t, "dockerfile/label-empty"), schema, "FROM x\nLABEL foo=\"\" bar=''", []string{"2 DL3051"}},
		{byID(t, "dockerfile/label-empty"), schema, "FROM x\nLABEL foo=\" \"", nil},
		{byID(t, "dockerfile/label-empty"), inspect.Options{}, "FROM x\nLABEL foo=", nil},
	} {
		in := inspect.New(input(t, test.text, nil).File, test.o)
		if d := cmp.Diff(test.want, fired(t, in, test.check)); d != "" {
			t.Errorf("%s\n%s%s", test.check.ID, test.text, d)
		}
	}
}

func TestLabelKinds(t *testing.T) {
	for kind, test := range map[string]struct{ alias, good, bad string }{
		"url":     {"DL3052", "http://example.com|https://a.b/c?d=e|mailto:a@b.c", "not-url|a b|//example.com|http://a b"},
		"rfc3339": {"DL3053", "2021-03-10T10:26:33.564595127+01:00|2021-03-10T10:26:33Z", "not-date|2021-03-10|2021-03-10 10:26:33Z"},
		"spdx":    {"DL3054", "BSD-3-Clause|MIT|0BSD|GPL-2.0-or-later|zlib-acknowledgement", "not-spdx|mit|MIT OR ISC|MIT ISC|GPLv2"},
		"hash":    {"DL3055", "2dbfae9|43c572f1272b6b3171dd1db9e41b7027128ce080", "not-git-hash|2dbfae|2DBFAE9|2dbfae90"},
		"semver":  {"DL3056", "1.0.0|2.0.1-rc1|1.2.3+b.5|0.0.0-a.b-c.1", "not-sem-ver|v1.0.0|1.0|01.0.0|1.0.0-01"},
		"email":   {"DL3058", "abcd@google.com|a.b+c@d.example", "not-email|a@|A <a@b.c>|a b@c.d"},
	} {
		o := inspect.Options{LabelSchema: map[string]string{"l": kind}}
		try := func(value string) []string {
			return fired(t, inspect.New(input(t, "FROM x\nARG V=1\nENV G="+quotedValue(value)+"\nLABEL l="+quotedValue(value)+" other=x\n", nil).File, o), byID(t, "dockerfile/label-kind"))
		}
		for _, v := range strings.Split(test.good, "|") {
			if got := try(v); len(got) != 0 {
				t.Errorf("%s is no %s: %v", v, kind, got)
			}
		}
		for _, v := range strings.Split(test.bad, "|") {
			if d := cmp.Diff([]string{"4 " + test.alias}, try(v)); d != "" {
				t.Errorf("%s is a %s: %s", v, kind, d)
			}
		}
	}
	semver := inspect.Options{LabelSchema: map[string]string{"version": "semver"}}
	for text, want := range map[string]int{
		"FROM x\nARG V=1.0.0\nLABEL version=$V": 1, "FROM x\nENV V=1.0.0\nLABEL version=\"${V}\"": 0, "FROM x\nENV V=1\nLABEL version=$V": 1,
	} {
		if f := run(t, inspect.New(input(t, text, nil).File, semver), byID(t, "dockerfile/label-kind")); len(f) != want {
			t.Errorf("%s: %+v", text, f)
		}
	}
}

// quotedValue is a value in quotes.
func quotedValue(s string) string { return `"` + s + `"` }
