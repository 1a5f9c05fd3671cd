package rewrite_test

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
)

// Without the folder of the build, what prepares a start, or builds at it, is not
// known to work as another user.
func TestNonRootUnseen(t *testing.T) {
	for text, want := range map[string]string{
		"FROM debian:trixie\nCOPY . /src\nRUN install -m 755 /src/docker-entrypoint.py /docker-entrypoint.py\nENTRYPOINT [\"/docker-entrypoint.py\"]\n": "what /docker-entrypoint.py does",
		"FROM php:8.4-fpm-alpine\nRUN tar xf /dist.tgz -C /\nENTRYPOINT [\"/opt/service.sh\"]\n":                                                        "what /opt/service.sh does",
		"FROM debian:trixie\nCOPY . /app\nENTRYPOINT [\"/app/entrypoint\"]\n":                                                                           "what /app/entrypoint does",
		"FROM node:24\nWORKDIR /app\nCOPY . .\nCMD [\"ng\", \"serve\"]\n":                                                                               "ng builds when it is started",
		"FROM node:24\nWORKDIR /app\nCOPY . .\nCMD [\"npx\", \"vite\", \"--host\"]\n":                                                                   "vite builds when it is started",
		"FROM node:24\nWORKDIR /app\nCOPY . .\nCMD [\"npx\", \"vite\", \"preview\"]\n":                                                                  "",
		"FROM node:24\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"server.js\"]\n":                                                                         "",
		"FROM debian:trixie\nCOPY server /usr/bin/\nCMD [\"/usr/bin/server\"]\n":                                                                        "",
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = rewrite.NonRoot(rewrite.Request{File: f})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
