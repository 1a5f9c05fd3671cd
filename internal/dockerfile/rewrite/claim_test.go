package rewrite_test

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

// What stands between the lines that a conversion moves changes its meaning
// with the stage that it ends up in: such an edit may not be made beside it.
func TestAConversionClaimsItsStage(t *testing.T) {
	const text = "FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/app .\nEXPOSE 8080\nCMD [\"/bin/app\"]\n"
	r := request(t, text, nil)
	r.Context = context(t, map[string][]byte{"go.mod": []byte("module a\n"), "main.go": []byte("package main\nfunc main() {}\n")})
	w, err := rewrite.MultiStage(r)
	if err != nil {
		t.Fatal(err)
	}
	var own []finding.Edit
	for _, e := range w.Fix.Edits {
		if e.File == r.File.Name {
			own = append(own, e)
		}
	}
	if len(own) != 1 || own[0].Start != len("FROM ") || own[0].End != len(text) {
		t.Fatalf("the Dockerfile's edits are %+v, and one from the base's name to the end is wanted", own)
	}
}

func TestLocalTimeGoesAlong(t *testing.T) {
	for text, want := range map[string]bool{
		"FROM golang:1.24\nENV TZ=Europe/Berlin\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/app .\nCMD [\"/bin/app\"]\n": true,
		"FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/app .\nCMD [\"/bin/app\"]\n":                       false,
	} {
		r := request(t, text, nil)
		files := map[string][]byte{"go.mod": []byte("module a\n"), "main.go": []byte("package main\nfunc main() {}\n")}
		r.Context = context(t, files)
		w, err := rewrite.MultiStage(r)
		if err != nil {
			t.Fatal(err)
		}
		files[r.File.Name] = []byte(text)
		if got := string(applied(t, files, w.Fix.Edits)[r.File.Name]); strings.Contains(got, "COPY --from=build /usr/local/go/lib/time/zoneinfo.zip") != want {
			t.Errorf("time zones go along: not %v\n%s", want, got)
		}
	}
}
