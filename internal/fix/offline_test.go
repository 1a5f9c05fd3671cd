package fix

import (
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

func TestFetches(t *testing.T) {
	has := func(ref string) bool { return ref == "here:1" }
	for file, want := range map[string]string{
		"FROM here:1\nRUN x\nCOPY a b\n":                                                         "",
		"FROM scratch\nADD a.tar /\n":                                                            "",
		"FROM here:1 AS b\nFROM b AS c\nCOPY --from=b /x /x\nCOPY --from=0 /y /\n":               "",
		"FROM here:1\nCOPY --from=here:1 /x /x\nRUN --mount=type=bind,from=here:1,target=/m x\n": "",
		"FROM here:1\nRUN --mount=type=cache,target=/m x\n":                                      "",
		"FROM node:22\n":                                                "the base node:22",
		"FROM here:1 AS b\nFROM node:22\n":                              "the base node:22",
		"ARG V\nFROM $V\n":                                              "the base $V, which a build argument names,",
		"ARG V=node:22\nFROM $V\n":                                      "the base node:22",
		"# syntax=docker/dockerfile:1\nFROM here:1\n":                   "the front end docker/dockerfile:1",
		"FROM here:1\nCOPY --from=node:22 /x /x\n":                      "the image node:22",
		"FROM here:1\nRUN --mount=type=bind,from=node:22,target=/m x\n": "the image node:22",
		"FROM here:1\nONBUILD COPY --from=node:22 /x /x\n":              "the image node:22",
		"FROM here:1\nADD a https://example.com/x.tar /\n":              "https://example.com/x.tar",
		"FROM here:1\nADD git@github.com:a/b.git /\n":                   "git@github.com:a/b.git",
		"FROM here:1\nADD $URL /\n":                                     "$URL",
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte(file))
		if err != nil {
			t.Errorf("%q: %v", file, err)
			continue
		}
		if got := fetches(f, has); got != want {
			t.Errorf("%q: %q, want %q", file, got, want)
		}
	}
}
