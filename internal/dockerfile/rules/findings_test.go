package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What a Dockerfile does, which rules say so, and which say nothing: "rule" anywhere,
// "rule@3" at line 3.
func TestFindings(t *testing.T) {
	for _, test := range []struct {
		text         string
		fires, quiet []string
	}{
		{"FROM almalinux:9\nRUN dnf -y upgrade\n", []string{"rpm-clean"}, []string{}},
		{"FROM almalinux:9\nRUN yum -y update\n", []string{"rpm-clean"}, []string{}},
		{"FROM almalinux:9\nRUN dnf -y in httpd-2.4.5\n", []string{"rpm-clean"}, []string{}},
		{"FROM almalinux:9\nRUN dnf -y up httpd-2.4.5\n", []string{"rpm-clean"}, []string{}},
		{"FROM almalinux:9\nRUN dnf -y rei httpd-2.4.5\n", []string{"rpm-clean"}, []string{}},
		{"FROM opensuse/leap:15.5\nRUN zypper -n patch\n", []string{"rpm-clean"}, []string{}},
		{"FROM opensuse/leap:15.5\nRUN zypper -n in vim\n", []string{"rpm-clean"}, []string{}},
		{"FROM almalinux:9\nRUN dnf -y install a && dnf clean all && dnf -y install b\n", []string{"rpm-clean"}, []string{}},
		{"FROM debian:12\nRUN apt-get update && apt-get install -y a=1 && rm -rf /var/lib/apt/lists/* && apt-get update && apt-get install -y b=1\n", []string{"apt-lists"}, []string{}},
		{"FROM debian:12\n# hadolint ignore=DL3009\nRUN apt update && apt install -y curl=1\n", []string{}, []string{"apt-lists"}},
		{"FROM debian:12\nONBUILD RUN sudo ls\n", []string{"sudo"}, []string{}},
		{"FROM debian:12\nONBUILD RUN rm /bin/sh && ln -s /bin/bash /bin/sh\n", []string{"sh-replaced"}, []string{}},
		{"FROM debian:12\nONBUILD RUN cd /tmp\n", []string{"run-cd"}, []string{}},
		{"FROM debian:12\nONBUILD ADD x /y/\n", []string{"add-instead-of-copy"}, []string{}},
		{"FROM debian:12\nONBUILD RUN top\n", []string{"command-without-use"}, []string{}},
		{"FROM debian:12\nRUN aptitude install -y curl\n", []string{"apt-pinned"}, []string{}},
		{"FROM debian:12\nRUN aptitude install curl\n", []string{"apt-yes"}, []string{}},
		{"FROM python:3.12\nRUN pipx install poetry\n", []string{"pip-pinned"}, []string{}},
		{"FROM python:3.12\nRUN uv pip install flask\n", []string{"pip-pinned"}, []string{}},
		{"FROM node:22\nRUN pnpm add -g typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN bun add -g typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN yarn global add typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN npm i -g typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN pnpm add typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN yarn add typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN bun add typescript\n", []string{"npm-pinned"}, []string{}},
		{"FROM node:22\nRUN npm i -g pnpm@latest\n", []string{"npm-pinned"}, []string{}},
		{"FROM python:3.12\nRUN pip wheel flask\n", []string{"pip-pinned"}, []string{}},
		{"FROM debian:12\nCMD [\"serve\", \"--port\", \"$PORT\"]\n", []string{"exec-form-shell"}, []string{}},
		{"FROM debian:12\nCMD [\"a\", \"&&\", \"b\"]\n", []string{"exec-form-shell"}, []string{}},
		{"FROM debian:12\nCMD [\"node server.js\"]\n", []string{"exec-form-shell"}, []string{}},
		{"FROM debian:12\nVOLUME [\"a\", \"b\" \"/c\"]\n", []string{"broken-json"}, []string{}},
		{"FROM debian:12\nRUN [\"a\", \"b\" \"/c\"]\n", []string{"broken-json"}, []string{}},
		{"FROM debian:12\nENTRYPOINT [\"a\", \"b\" \"/c\"]\n", []string{"broken-json"}, []string{}},
		{"FROM debian:12\nCMD [\"a\", \"b\" \"/c\"]\n", []string{"broken-json"}, []string{}},
		{"FROM debian:12\nCOPY [\"a\", \"b\" \"/c\"]\n", []string{"broken-json"}, []string{}},
		{"FROM debian:12\nWORKDIR ~/app\n", []string{"tilde-path"}, []string{}},
		{"FROM debian:12\nCOPY a ~/app/\n", []string{"tilde-path"}, []string{}},
		{"FROM debian:12\nENV P=~/x\n", []string{"tilde-path"}, []string{}},
		{"FROM debian:12\nVOLUME ~/data\n", []string{"tilde-path"}, []string{}},
		{"FROM debian:12\nRUN bash <<EOF\napt-get install curl\nEOF\n", []string{"apt-yes"}, []string{}},
		{"FROM debian:12\nRUN <<EOF\napt-get update\napt-get install -y curl=1\nEOF\n", []string{"heredoc-errexit"}, []string{}},
		{"FROM alpine:3.20\nHEALTHCHECK CMD curl -f http://localhost/\nCMD [\"x\"]\n", []string{"healthcheck-program"}, []string{}},
		{"FROM python:3.13-slim\nHEALTHCHECK CMD curl -f http://localhost/\nCMD [\"x\"]\n", []string{"healthcheck-program"}, []string{}},
		{"FROM node:24-bookworm-slim\nHEALTHCHECK CMD wget -q http://localhost/\nCMD [\"x\"]\n", []string{"healthcheck-program"}, []string{}},
		{"FROM python:3.13-alpine\nHEALTHCHECK CMD curl -f http://localhost/\nCMD [\"x\"]\n", []string{"healthcheck-program"}, []string{}},
		{"FROM python:3.13-slim\nHEALTHCHECK CMD python -c 'import x'\nCMD [\"x\"]\n", nil, []string{"healthcheck-program"}},
		{"FROM python:3.13\nHEALTHCHECK CMD curl -f http://localhost/\nCMD [\"x\"]\n", nil, []string{"healthcheck-program"}},
		{"FROM node:24-alpine\nHEALTHCHECK CMD wget -q http://localhost/\nCMD [\"x\"]\n", nil, []string{"healthcheck-program"}},
		{"FROM ruby:3.4-slim\nRUN apt-get install -y curl\nHEALTHCHECK CMD curl localhost\nCMD [\"x\"]\n", nil, []string{"healthcheck-program"}},
		{"FROM scratch\nRUN ls\n", []string{"run-in-scratch"}, []string{}},
		{"FROM gcr.io/distroless/static-debian13\nRUN ls\n", []string{"run-in-scratch"}, []string{}},
		{"FROM gcr.io/distroless/java21:debug\nRUN ls\n", nil, []string{"run-in-scratch"}},
		{"FROM gcr.io/distroless/python3\nRUN [\"/usr/bin/python3\", \"-V\"]\n", nil, []string{"run-in-scratch"}},
		{"FROM golang:1.99\nENV PATH=$GOPATH/bin:$PATH\n", nil, []string{"undefined-var"}},
		{"FROM golang:1.99 AS x\nFROM x\nENV PATH=$CARGO_HOME/bin:$PATH\n", []string{"undefined-var"}, nil},
		{"FROM alpine:3.20\nRUN apt-get update\n", []string{"other-package-manager"}, []string{}},
		{"ARG V=1\nFROM alpine:3.20\nRUN echo $V\n", []string{"arg-before-from"}, []string{}},
		{"FROM debian:12\nRUN export A=b\n", []string{"run-without-effect"}, []string{}},
		{"FROM debian:12\nRUN . venv/bin/activate\n", []string{"run-without-effect"}, []string{}},
		{"FROM debian:12\nCOPY ../x /x\n", []string{"copy-above-context"}, []string{}},
		{"FROM debian:12\nCOPY a.pem /app/github.private-key.pem\n", []string{"secret-file"}, []string{}},
		{"FROM python:3.12\nRUN pip install flask>=2\n", []string{"version-redirect"}, []string{}},
		{"FROM debian:12\nSTOPSIGNAL SIGKILL\n", []string{"stopsignal-kill"}, []string{}},
		{"FROM debian:12\nENV http_proxy=http://10.0.0.1:3128\n", []string{"proxy-in-env"}, []string{}},
		{"FROM debian:12\nENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV SSH_AUTH_SOCK=/tmp/s\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV KEY_NAME=foo\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV ALLOW_EMPTY_PASSWORD=yes\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV GITHUB_TOKEN=\"\"\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV JWT_TOKEN_TTL=60\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV SSH_KEY_PATH=/x\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV PASSWORD_FILE=/run/secrets/x\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV TOKENIZERS_PARALLELISM=false\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV MYSQL_RANDOM_ROOT_PASSWORD=yes\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV TOKEN_EXPIRY=3600\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV SECRET_KEY_FILE=/a\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV PUBLIC_KEY=ssh-ed25519\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV API_KEY_HEADER=X-Api-Key\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nENV KEYCLOAK_URL=http://x\n", []string{}, []string{"secret-value"}},
		{"FROM debian:12\nRUN echo a | sha256sum -c\n", []string{}, []string{"pipefail"}},
		{"FROM debian:12\nRUN printf a | tee x\n", []string{}, []string{"pipefail"}},
		{"FROM debian:12\nRUN curl x | sh\n", []string{"pipefail"}, []string{}},
		{"FROM mcr.microsoft.com/windows/servercore:ltsc2022\nWORKDIR C:\\app\n", []string{}, []string{"copy-relative", "relative-workdir", "workdir-relative-path"}},
		{"FROM debian:12\nRUN service x start && sleep 1 && service x stop\n", []string{}, []string{"service-in-command", "command-without-use"}},
		{"FROM debian:12 AS b\nRUN a\nRUN b\nRUN c\nFROM debian:12\nCOPY --from=b /x /x\n", []string{}, []string{"consecutive-run"}},
		{"FROM python:3.12 AS b\nRUN pip install flask==1\nFROM python:3.12-slim\nCOPY --from=b /x /x\n", []string{}, []string{"pip-no-cache"}},
		{"FROM alpine:3.20 AS b\nRUN apk update && apk add git=1\nFROM alpine:3.20\nCOPY --from=b /x /x\n", []string{}, []string{"apk-no-cache"}},
		{"FROM almalinux:9 AS b\nRUN dnf -y install git-1\nFROM almalinux:9\nCOPY --from=b /x /x\n", []string{}, []string{"rpm-clean"}},
		{"FROM --platform=$BUILDPLATFORM golang:1.22 AS b\nFROM scratch\nCOPY --from=b /x /x\n", []string{}, []string{"from-platform-flag", "from-platform-flag-const-disallowed", "redundant-target-platform"}},
		{"FROM debian:12 AS build_amd64\nFROM debian:12 AS build_arm64\nFROM build_${TARGETARCH}\nCMD [\"x\"]\n", []string{}, []string{"unused-stage", "undefined-var", "undefined-arg-in-from"}},
		{"FROM debian:12\nUSER root\n", []string{}, []string{"user-by-name"}},
		{"FROM node:22\nCMD [\"pnpm\",\"start\"]\n", []string{"npm-as-init"}, []string{}},
		{"FROM node:22\nCMD [\"yarn\",\"start\"]\n", []string{"npm-as-init"}, []string{}},
		{"FROM node:22\nCMD npm run start\n", []string{"npm-as-init"}, []string{}},
		{"FROM python:3.12\nRUN pip install --no-cache flask==1\n", []string{}, []string{"pip-no-cache"}},
		{"FROM python:3.12\nRUN pip install a\nRUN pip install a\nRUN pip install a\n", []string{"pip-pinned@2", "pip-pinned@3", "pip-pinned@4"}, []string{}},
		{"FROM debian:12\nRUN sudo ls\nRUN sudo ls\nRUN sudo ls\n", []string{"sudo@2", "sudo@3", "sudo@4"}, []string{}},
		{"ARG VARIANT=a\nFROM debian:12 AS base-a\nFROM debian:12 AS base-b\nFROM base-${VARIANT}\n", []string{}, []string{"unused-stage"}},
		{"FROM node:22-alpine\nRUN if command -v apt-get; then apt-get update; else apk update; fi\n", []string{}, []string{"other-package-manager"}},
		{"FROM debian:12\nCMD [\"sh\",\"-c\",\"exec a $PORT && b\"]\n", []string{}, []string{"exec-form-shell"}},
		{"FROM debian:12\nENTRYPOINT [\"/docker-entrypoint.sh\"]\nCMD [\"a $B\"]\n", []string{}, []string{"exec-form-shell"}},
		{"FROM mcr.microsoft.com/windows/servercore:ltsc2022\nCOPY a C:\\app\\\nWORKDIR C:\\app\n", []string{}, []string{"copy-relative", "workdir-relative-path"}},
		{"FROM python:3.12-windowsservercore-ltsc2022\nWORKDIR C:\\app\n", []string{}, []string{"workdir-relative-path"}},
		{"FROM debian:12\nRUN bash -e <<EOF\napt-get update\napt-get install -y curl=1\nEOF\n", []string{}, []string{"heredoc-errexit"}},
		{"FROM debian:12\nRUN <<EOF bash\napt-get update\napt-get install curl=1\nEOF\n", []string{"heredoc-errexit", "apt-yes"}, []string{}},
		{"FROM debian:12\nRUN <<EOF\napt-get update && apt-get install -y curl=1\nEOF\n", []string{}, []string{"heredoc-errexit"}},
		{"FROM debian:12\nSHELL [\"/bin/bash\",\"-euo\",\"pipefail\",\"-c\"]\nRUN <<EOF\napt-get update\napt-get install -y curl=1\nEOF\n", []string{}, []string{"heredoc-errexit"}},
		{"FROM debian:12\nRUN python3 <<EOF\nimport x\ncd y\nEOF\n", []string{}, []string{"heredoc-errexit", "run-cd"}},
	} {
		var got []string
		for _, f := range run(t, input(t, test.text, nil), Checks()...) {
			id := strings.TrimPrefix(string(f.Rule), "dockerfile/")
			got = append(got, id, fmt.Sprintf("%s@%d", id, f.At[0].Source.Line))
		}
		for _, id := range test.fires {
			if !slices.Contains(got, id) {
				t.Errorf("no %s in\n%s", id, test.text)
			}
		}
		for _, id := range test.quiet {
			if slices.Contains(got, id) {
				t.Errorf("%s in\n%s", id, test.text)
			}
		}
	}
}
