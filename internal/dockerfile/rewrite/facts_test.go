package rewrite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

func request(t *testing.T, text string, base *dockerfile.BaseFacts) rewrite.Request {
	t.Helper()
	f := parse(t, []byte(text))
	return rewrite.Request{File: f, Scopes: f.Scopes(func(*dockerfile.Stage) *dockerfile.BaseFacts { return base })}
}

// result is the Dockerfile after a rewrite, or the reason that there is none.
func result(t *testing.T, r rewrite.Request, w rewrite.Rewrite, err error) string {
	t.Helper()
	var no *rewrite.Refused
	if errors.As(err, &no) {
		return "refused: " + no.Why
	}
	if err != nil {
		t.Fatal(err)
	}
	var edits []finding.Edit
	for _, e := range w.Fix.Edits {
		if e.File == r.File.Name {
			edits = append(edits, e)
		}
	}
	return string(applied(t, map[string][]byte{r.File.Name: r.File.Bytes}, edits)[r.File.Name])
}

func TestNonRootKnowsTheBase(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		base dockerfile.BaseFacts
		want string
	}{
		"somebody already":  {"FROM example.com/x\nCMD [\"a\"]\n", dockerfile.BaseFacts{Config: true, User: "web"}, "refused: the image runs as web already"},
		"an unknown system": {"FROM example.com/x\nCMD [\"a\"]\n", dockerfile.BaseFacts{Config: true}, "refused: what system example.com/x is cannot be told, and so not how a user is made on it"},
		"a known system": {
			"FROM example.com/x\nCMD [\"a\"]\n",
			dockerfile.BaseFacts{Config: true, Distribution: "alpine"},
			"FROM example.com/x\nRUN addgroup -S -g 10001 app && adduser -S -u 10001 -G app app\nUSER 10001\nCMD [\"a\"]\n",
		},
		"a user that is there": {"FROM example.com/x\nCMD [\"a\"]\n", dockerfile.BaseFacts{Config: true, Distribution: "debian", Accounts: map[string]int{"root": 0, "app": 1000}}, "FROM example.com/x\nUSER 1000\nCMD [\"a\"]\n"},
		"a name that is taken": {
			"FROM example.com/x\nCMD [\"a\"]\n",
			dockerfile.BaseFacts{Config: true, Distribution: "alpine", Accounts: map[string]int{"app": 0}},
			"FROM example.com/x\nRUN addgroup -S -g 10001 appuser && adduser -S -u 10001 -G appuser appuser\nUSER 10001\nCMD [\"a\"]\n",
		},
		"no user node in this node": {
			"FROM node:20\nCMD [\"a\"]\n",
			dockerfile.BaseFacts{Config: true, Accounts: map[string]int{"root": 0}},
			"FROM node:20\nRUN useradd --system --uid 10001 --user-group --create-home --shell /usr/sbin/nologin app\nUSER 10001\nCMD [\"a\"]\n",
		},
		"a working directory of root's": {"FROM debian:12\nCMD [\"a\"]\n", dockerfile.BaseFacts{Config: true, Workdir: "/root/app"}, "refused: the program works in /root/app, which root alone may enter"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, c.text, &c.base)
			w, err := rewrite.NonRoot(r)
			if got := result(t, r, w, err); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSwapKnowsTheBases(t *testing.T) {
	old := &dockerfile.BaseFacts{Config: true, Workdir: "/srv", Distribution: "debian"}
	for name, c := range map[string]struct {
		text, to string
		facts    dockerfile.BaseFacts
		want     string
	}{
		"the working directory follows": {"FROM a/b:1\r\nCMD [\"x\"]\r\n", "a/b:2", dockerfile.BaseFacts{Config: true, Distribution: "debian"}, "FROM a/b:2\r\nWORKDIR /srv\r\nCMD [\"x\"]\r\n"},
		"a user that is not there":      {"FROM a/b:1\nUSER web\n", "a/b:2", dockerfile.BaseFacts{Distribution: "alpine", Accounts: map[string]int{"root": 0}}, "refused: a/b:2 has no user web"},
		"a user that is":                {"FROM a/b:1\nUSER web\n", "a/b:2", dockerfile.BaseFacts{Distribution: "alpine", Accounts: map[string]int{"web": 5}}, "FROM a/b:2\nUSER web\n"},
		"bash that is there":            {"FROM a/b:1\nSHELL [\"/bin/bash\", \"-c\"]\nRUN a\n", "a/b:2", dockerfile.BaseFacts{Distribution: "alpine", Programs: []string{"bash"}}, "FROM a/b:2\nSHELL [\"/bin/bash\", \"-c\"]\nRUN a\n"},
		"bash that is not":              {"FROM a/b:1\nSHELL [\"/bin/bash\", \"-c\"]\nRUN a\n", "a/b:2", dockerfile.BaseFacts{Distribution: "alpine"}, "refused: SHELL is bash, which a/b:2 has not and the file does not install"},
		"a program that is not there":   {"FROM a/b:1\nRUN curl x\n", "a/b:2", dockerfile.BaseFacts{Distribution: "debian", Programs: []string{"sh"}}, "refused: curl is started, which a/b:2 has not: install it first"},
		"another family":                {"FROM a/b:1\nRUN a\n", "a/b:2", dockerfile.BaseFacts{Distribution: "fedora"}, "refused: how what is done on a system like debian is done on one like rhel is not known"},
		"no reference":                  {"FROM a/b:1\n", "a b", dockerfile.BaseFacts{}, `refused: "a b" is no reference to an image`},
		"the same":                      {"FROM a/b:1\n", "a/b:1", dockerfile.BaseFacts{}, "refused: the stage stands on a/b:1 already"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, c.text, old)
			w, err := rewrite.SwapBase(r, rewrite.Move{Stage: &r.File.Stages[0], To: c.to, Facts: &c.facts})
			if got := result(t, r, w, err); got != c.want {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestRuntimeIsAskedFirst(t *testing.T) {
	files := map[string][]byte{"go.mod": []byte("module x\n"), "main.go": []byte("package main\nimport \"net/http\"\nfunc main() { http.Get(\"\"); os.CreateTemp(\"\", \"\") }\n")}
	r := request(t, "FROM golang:1.22\nWORKDIR /s\nCOPY . .\nRUN useradd a && CGO_ENABLED=0 go build -o /s/x .\nUSER a\nCMD [\"/s/x\"]\n", nil)
	r.Context = context(t, files)
	r.Runtime = func(kind, current string) (string, string, bool) {
		if kind != rewrite.KindStatic || current != "golang:1.22" {
			t.Errorf("asked for %s of %s", kind, current)
		}
		return "gcr.io/distroless/static-debian12:latest", "it was asked for", true
	}
	w, err := rewrite.MultiStage(r)
	want := "FROM golang:1.22 AS build\nWORKDIR /s\nCOPY . .\nRUN useradd a && CGO_ENABLED=0 go build -o /s/x .\n" +
		"\nFROM gcr.io/distroless/static-debian12:latest\n\nWORKDIR /s\n\nCOPY --from=build /s/x /s/x\n\nUSER nonroot\n\nCMD [\"/s/x\"]\n"
	if got := result(t, r, w, err); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if !strings.Contains(strings.Join(w.Notes, "\n"), "it was asked for") {
		t.Errorf("%q", w.Notes)
	}
}

func TestPinWantsRealDigests(t *testing.T) {
	r := request(t, "FROM debian\nFROM node:20\n", nil)
	if _, err := rewrite.Pin(r); err == nil || !strings.Contains(err.Error(), "no registry") {
		t.Errorf("nobody to ask: %v", err)
	}
	r.Digest = func(ref string) (finding.Digest, bool) {
		return map[string]finding.Digest{"debian": "sha256:short", "node:20": finding.DigestOf(nil)}[ref], true
	}
	w, err := rewrite.Pin(r)
	if got, want := result(t, r, w, err), "FROM debian\nFROM node:20@"+string(finding.DigestOf(nil))+"\n"; got != want {
		t.Errorf("got %s", got)
	}
	if len(w.Undecided) != 1 {
		t.Errorf("%q", w.Undecided)
	}
}

func TestRefusalsSayWhere(t *testing.T) {
	r := request(t, "FROM a AS b\n\nFROM b\n", nil)
	_, err := rewrite.MultiStage(r)
	var no *rewrite.Refused
	if !errors.As(err, &no) || no.Span.Line != 3 || err.Error() != "Dockerfile:3: the file has several stages already" {
		t.Errorf("%v", err)
	}
}
