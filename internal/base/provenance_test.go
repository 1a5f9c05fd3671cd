package base

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

const (
	slsa02 = "https://slsa.dev/provenance/v0.2"
	slsa1  = "https://slsa.dev/provenance/v1"
)

// Statements as BuildKit writes them, mode=min and mode=max, cut to what tells
// the base.
func statement02(dockerfile string, materials ...string) string {
	return fmt.Sprintf(`{"builder":{"id":""},"buildType":"https://mobyproject.org/buildkit@v1","materials":[%s],
	"invocation":{"configSource":{"entryPoint":"Dockerfile"},"parameters":{"frontend":"dockerfile.v0","args":{"target":"run"}}},
	"metadata":{"https://mobyproject.org/buildkit@v1#metadata":{"source":{"infos":[{"filename":"Dockerfile","data":%q}]}}}}`,
		strings.Join(materials, ","), base64.StdEncoding.EncodeToString([]byte(dockerfile)))
}

func mat(uri, digest string) string {
	return fmt.Sprintf(`{"uri":%q,"digest":{"sha256":%q}}`, uri, finding.DigestOf([]byte(digest)).Hex())
}

func TestFromProvenance(t *testing.T) {
	frontend := mat("pkg:docker/docker/dockerfile@1", "f")
	golang := mat("pkg:docker/golang@1.22?platform=linux%2Famd64", "g")
	alpine := mat("pkg:docker/alpine@3.20?platform=linux%2Famd64", "a")
	file := "FROM golang:1.22 AS build\nRUN x\nFROM alpine:3.20 AS run\nCOPY --from=build /x /x\nFROM run AS debug\n"
	for name, tt := range map[string]struct {
		predicate, body string
		want            string // "ref digest-of"
	}{
		"one image":           {slsa02, `{"materials":[` + frontend + `,` + alpine + `]}`, "alpine:3.20 a"},
		"by its Dockerfile":   {slsa02, statement02(file, frontend, golang, alpine), "alpine:3.20 a"},
		"several, no file":    {slsa02, `{"materials":[` + golang + `,` + alpine + `]}`, ""},
		"version 1":           {slsa1, `{"buildDefinition":{"resolvedDependencies":[` + frontend + `,` + golang + `]}}`, "golang:1.22 g"},
		"another registry":    {slsa1, `{"buildDefinition":{"resolvedDependencies":[` + mat("pkg:docker/ghcr.io/org/base@1?platform=linux%2Farm64", "o") + `]}}`, "ghcr.io/org/base:1 o"},
		"by digest":           {slsa1, `{"buildDefinition":{"resolvedDependencies":[{"uri":"pkg:docker/node@sha256:` + strings.Repeat("a", 64) + `"}]}}`, "node@sha256:" + strings.Repeat("a", 64) + " @"},
		"no image":            {slsa1, `{"buildDefinition":{"resolvedDependencies":[{"uri":"git+https://example.com/x"}]}}`, ""},
		"from nothing":        {slsa02, statement02("FROM scratch AS run\nCOPY x /\n", golang, alpine), ""},
		"from nothing, one":   {slsa02, statement02("FROM golang:1.22 AS b\nRUN x\nFROM scratch AS run\nCOPY --from=b x /\n", golang), ""},
		"another predicate":   {"https://spdx.dev/Document", `{"materials":[` + alpine + `]}`, ""},
		"a hostile reference": {slsa02, `{"materials":[{"uri":"pkg:docker/..%2F..%2Fx@1"}]}`, ""},
	} {
		b, ok, err := FromProvenance(tt.predicate, []byte(tt.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ref, of, _ := strings.Cut(tt.want, " ")
		want := Base{Ref: ref, By: "provenance", Sole: name != "by its Dockerfile"}
		if of == "@" {
			want.Digest = finding.Digest("sha256:" + strings.Repeat("a", 64))
		} else if of != "" {
			want.Digest = finding.DigestOf([]byte(of))
		}
		if tt.want == "" {
			want = Base{}
		}
		if b != want || ok != (tt.want != "") {
			t.Errorf("%s: %+v, %v; want %+v", name, b, ok, want)
		}
	}
	for _, bad := range []string{"", "[]", `{"materials":1}`} {
		if b, ok, err := FromProvenance(slsa02, []byte(bad)); err == nil || ok || b != (Base{}) {
			t.Errorf("%q: %+v, %v, %v", bad, b, ok, err)
		}
	}
	many := `{"materials":[` + strings.TrimSuffix(strings.Repeat(alpine+",", maxMaterials+1), ",") + `]}`
	if _, ok, err := FromProvenance(slsa02, []byte(many)); err == nil || ok {
		t.Errorf("too many materials: %v, %v", ok, err)
	}
}

func FuzzProvenance(f *testing.F) {
	f.Add(statement02("FROM alpine:3\n", mat("pkg:docker/alpine@3", "a")))
	f.Add(`{"buildDefinition":{"resolvedDependencies":[{"uri":"pkg:docker/a%2Fb@1?repository_url=x"}]}}`)
	f.Add(`{}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, s string) {
		b, ok, err := FromProvenance(slsa1, []byte(s))
		if ok != (b.Ref != "") || ok && err != nil {
			t.Fatalf("%+v, %v, %v", b, ok, err)
		}
		if ok {
			if _, err := ParseRef(b.Ref); err != nil {
				t.Fatalf("%+v: %v", b, err)
			}
		}
	})
}
