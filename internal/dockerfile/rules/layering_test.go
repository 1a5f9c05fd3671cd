package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/layering"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/packages"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
)

// messages are what a rule says of a text.
func messages(t *testing.T, id, text string, files map[string]string) []string {
	t.Helper()
	out := []string{}
	for _, f := range run(t, input(t, text, files), byID(t, finding.RuleID("dockerfile/"+id))) {
		out = append(out, f.Message)
	}
	return out
}

func TestLayering(t *testing.T) {
	node := "FROM node:22\nWORKDIR /app\n"
	start := "CMD [\"node\", \"server.js\"]\n"
	for _, c := range []struct {
		id, text string
		files    map[string]string
		want     int
	}{
		{"chown-layer", "FROM a\nCOPY x /app\nRUN chown -R u /app\n", nil, 1},
		{"chown-layer", "FROM a\nWORKDIR /app\nCOPY x .\nRUN chown -R u:u .\n", nil, 1},
		{"chown-layer", "FROM a\nCOPY x /app\nRUN chown -R u /opt\n", nil, 0},
		{"chown-layer", "FROM a\nCOPY x /application\nRUN chown -R u /app\n", nil, 0},
		{"chown-layer", "FROM a\nRUN mkdir /app && chown -R u /app\nCOPY x /app\n", nil, 0},
		{"chown-layer", "FROM a\nCOPY x /app\nRUN chown u /app\n", nil, 0},
		{"chown-layer", "FROM a AS b\nCOPY x /app\nFROM a\nRUN chown -R u /app\n", nil, 0},
		{"chown-layer", "FROM a\nCOPY x /app\nRUN chmod -R 755 /app/*\n", nil, 1},

		{"clean-later", "FROM a\nCOPY x.tgz /tmp/\nRUN tar xf /tmp/x.tgz && rm -f /tmp/x.tgz\n", nil, 1},
		{"clean-later", "FROM a\nRUN curl -o /tmp/x.tgz https://a.example/x.tgz\nRUN rm /tmp/x.tgz\n", nil, 1},
		{"clean-later", "FROM a\nRUN curl -o /tmp/x.tgz https://a.example/x.tgz && rm /tmp/x.tgz\n", nil, 0},
		{"clean-later", "FROM a AS b\nCOPY x.tgz /tmp/\nRUN rm /tmp/x.tgz\nFROM a\nCOPY --from=b /y /y\n", nil, 0},
		{"clean-later", "FROM a\nRUN apt-get update && apt-get install -y x\nRUN rm -rf /var/lib/apt/lists/*\n", nil, 1},
		{"clean-later", "FROM a\nRUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*\nRUN rm -rf /var/lib/apt/lists/*\n", nil, 0},
		{"clean-later", "FROM a\nRUN rm -rf /var/lib/apt/lists/*\n", nil, 0},
		{"clean-later", "FROM a\nRUN --mount=type=cache,target=/var/lib/apt/lists apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n", nil, 0},
		{"clean-later", "FROM a\nRUN dnf install -y x\nRUN dnf clean all\n", nil, 1},
		{"clean-later", "FROM a\nWORKDIR /a\nCOPY x.tgz .\nRUN cd /b && rm x.tgz\n", nil, 0},

		{"cache-order", node + "COPY . .\nRUN npm ci\n", nil, 1},
		{"cache-order", node + "COPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm ci --omit=dev\n", nil, 0},
		{"cache-order", node + "COPY . .\nRUN --mount=type=cache,target=/root/.npm npm ci\n", nil, 0},
		{"cache-order", node + "COPY . .\nRUN npm install -g x && npm run build\n", nil, 0},
		{"cache-order", node + "COPY --from=x . .\nRUN npm ci\n", nil, 0},
		{"cache-order", "FROM node:22\nCOPY . /data\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\n", nil, 0},
		{"cache-order", "FROM python:3\nWORKDIR /a\nCOPY . .\nRUN pip install -r requirements.txt\n", nil, 1},
		{"cache-order", "FROM python:3\nWORKDIR /a\nCOPY . .\nRUN pip install .\n", nil, 0},
		{"cache-order", "FROM golang:1.26\nWORKDIR /a\nCOPY . .\nRUN go mod download\n", nil, 1},
		{"cache-order", "FROM gradle\nWORKDIR /a\nCOPY build.gradle ./\nRUN gradle downloadAll\nCOPY . .\nRUN gradle build\n", nil, 0},
		{"cache-order", "FROM maven\nWORKDIR /a\nCOPY . .\nRUN mvn -B package\n", nil, 1},
		{"cache-order", "FROM golang\nWORKDIR /a\nCOPY . .\nRUN go build .\n", nil, 0},
		{"cache-order", "FROM golang\nWORKDIR /a\nCOPY . .\nRUN go install example.com/x@v1\n", map[string]string{"go.mod": "module x\n", "go.sum": ""}, 0},
		{"cache-order", "FROM golang\nWORKDIR /a\nCOPY . .\nRUN go build .\n", map[string]string{"go.mod": "module x\n"}, 0},
		{"cache-order", "FROM golang\nWORKDIR /a\nCOPY . .\nRUN go build .\n", map[string]string{"go.mod": "module x\n", "go.sum": "", "vendor/modules.txt": ""}, 0},
		{"cache-order", "FROM golang\nWORKDIR /a\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build .\n", map[string]string{"go.mod": "module x\n", "go.sum": ""}, 0},
		{"cache-order", "FROM maven\nWORKDIR /a\nCOPY pom.xml .\nRUN mvn dependency:go-offline\nCOPY . .\nRUN mvn -B package\n", nil, 0},

		{"npm-ci", node + "COPY package-lock.json package.json ./\nRUN npm install\n", nil, 1},
		{"npm-ci", node + "COPY package*.json ./\nRUN npm install\n", nil, 0},
		{"npm-ci", node + "COPY package*.json ./\nRUN npm install\n", map[string]string{"package.json": "{}", "package-lock.json": "{}"}, 1},
		{"npm-ci", node + "COPY package*.json ./\nRUN npm install\n", map[string]string{"package.json": "{}"}, 0},
		{"npm-ci", node + "COPY . .\nRUN npm install\n", map[string]string{"package-lock.json": "{}", ".dockerignore": "package-lock.json"}, 0},
		{"npm-ci", node + "COPY package-lock.json package.json ./\nRUN npm ci && npm install -g x && npm install y\n", nil, 0},

		{"development-dependencies", node + "COPY . .\nRUN npm ci\n" + start, nil, 1},
		{"development-dependencies", node + "COPY . .\nRUN npm ci\n" + start, map[string]string{"package.json": `{"dependencies":{"a":"1"}}`}, 0},
		{"development-dependencies", node + "ENV NODE_ENV=production\nCOPY . .\nRUN npm ci\n" + start, nil, 0},
		{"development-dependencies", node + "COPY . .\nRUN NODE_ENV=production npm ci\n" + start, nil, 0},
		{"development-dependencies", node + "COPY . .\nRUN npm ci && npm run build && npm prune --omit=dev\n" + start, nil, 0},
		{"development-dependencies", node + "COPY . .\nRUN npm ci\nCMD [\"npm\", \"run\", \"dev\"]\n", nil, 0},
		{"development-dependencies", "FROM node:22 AS b\nRUN npm ci\nFROM nginx\nCOPY --from=b /a /a\nCMD [\"nginx\"]\n", nil, 0},
		{"development-dependencies", "FROM node:22 AS development\nRUN npm ci\n" + start, nil, 0},
		{"development-dependencies", "FROM php:8\nRUN composer install\nCMD [\"php-fpm\"]\n", nil, 1},
		{"development-dependencies", "FROM php:8\nRUN composer install --no-dev\nCMD [\"php-fpm\"]\n", nil, 0},
		{"development-dependencies", "FROM ruby:3\nRUN bundle config set --local without 'development test' && bundle install\nCMD [\"puma\"]\n", nil, 0},
		{"development-dependencies", "FROM python:3\nRUN pip install -r requirements/dev.txt\nCMD [\"gunicorn\"]\n", nil, 1},
		{"development-dependencies", "FROM python:3\nRUN pip install -r requirements.txt -r devices.txt\nCMD [\"gunicorn\"]\n", nil, 0},

		{"single-stage-build", "FROM golang:1.26\nRUN go build -o /a .\nCMD [\"/a\"]\n", nil, 1},
		{"single-stage-build", "FROM golang:1.26\nRUN go build -o /a .\n", nil, 0},
		{"single-stage-build", "FROM golang:1.26 AS b\nRUN go build -o /a .\nFROM scratch\nCOPY --from=b /a /a\nCMD [\"/a\"]\n", nil, 0},
		{"single-stage-build", "FROM golang:1.26 AS b\nRUN go build -o /a .\nFROM b\nCMD [\"/a\"]\n", nil, 1},
		{"single-stage-build", "FROM node:22\nRUN npm run build\nCMD [\"node\", \"dist/main.js\"]\n", nil, 1},
		{"single-stage-build", "FROM node:22\nRUN npm run lint\nCMD [\"node\", \"main.js\"]\n", nil, 0},
		{"single-stage-build", "FROM alpine\nRUN apk add --no-cache gcc make && make && apk del gcc make\nCMD [\"/a\"]\n", nil, 0},
		{"single-stage-build", "FROM debian\nRUN apt-get install -y build-essential\nRUN make\nCMD [\"/a\"]\n", nil, 1},
		{"single-stage-build", "FROM debian\nRUN apt-get install -y build-essential\nCMD [\"/a\"]\n", nil, 0},
		{"single-stage-build", "FROM golang\nRUN go install example.com/tool@v1\nCMD [\"tool\"]\n", nil, 0},
		{"single-stage-build", "FROM python:3.11-bookworm\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n", nil, 1},
		{"single-stage-build", "FROM python\nRUN poetry install\nCMD [\"python\", \"a.py\"]\n", nil, 1},
		{"single-stage-build", "FROM python:3.11-slim-bookworm\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n", nil, 0},
		{"single-stage-build", "FROM python@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n", nil, 0},
		{"single-stage-build", "ARG TAG\nFROM python:${TAG}\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n", nil, 0},
		{"single-stage-build", "FROM example.com/me/python:3.11\nRUN pip install -r requirements.txt\nCMD [\"python\", \"a.py\"]\n", nil, 0},
		{"single-stage-build", "FROM python:3.11\nRUN pip install -r requirements.txt\nCMD [\"pytest\"]\n", nil, 0},
		{"single-stage-build", "FROM python:3.11\nRUN pip install -r requirements.txt\n", nil, 0},
		{"single-stage-build", "FROM python:3.11 AS b\nRUN pip install -r requirements.txt\nFROM python:3.11-slim\nCOPY --from=b /opt/venv /opt/venv\nCMD [\"python\", \"a.py\"]\n", nil, 0},
		{"single-stage-build", "FROM node:22\nRUN npm ci\nCMD [\"node\", \"main.js\"]\n", nil, 1},
		{"single-stage-build", "FROM node:22-alpine\nRUN npm ci\nCMD [\"node\", \"main.js\"]\n", nil, 0},
		{"single-stage-build", "FROM node:22\nRUN npm install -g serve\nCMD [\"serve\"]\n", nil, 0},
		{"single-stage-build", "FROM node:22\nRUN npm ci\nCMD [\"npm\", \"run\", \"dev\"]\n", nil, 0},
		{"single-stage-build", "FROM ruby:3.3\nRUN bundle install\nCMD [\"ruby\", \"a.rb\"]\n", nil, 1},
		{"single-stage-build", "FROM php:8.2-apache\nRUN composer install\nCMD [\"apache2-foreground\"]\n", nil, 1},
		{"single-stage-build", "FROM php:8.2-apache\nRUN composer install && rm /usr/bin/composer\nCMD [\"apache2-foreground\"]\n", nil, 0},
		{"single-stage-build", "FROM golang\nRUN go build .\nCMD [\"bash\"]\n", nil, 0},

		{"unused-stage", "FROM a AS b\nFROM c\nRUN --mount=from=b,target=/b x\n", nil, 0},
		{"unused-stage", "FROM a\nFROM b\nCOPY --from=0 /a /a\n", nil, 0},
		{"unused-stage", "FROM a AS test\nFROM b\n", nil, 1},
	} {
		if got := messages(t, c.id, c.text, c.files); len(got) != c.want {
			t.Errorf("%s: %d findings %v, want %d\n%s", c.id, len(got), got, c.want, c.text)
		}
	}
}

func TestLayeringFixes(t *testing.T) {
	for _, c := range []struct {
		id, text, want string
		files          map[string]string
		safety         finding.Safety
	}{
		{"chown-layer", "FROM a\nCOPY . /app\nRUN chown -R u:g /app\nUSER u\n", "FROM a\nCOPY --chown=u:g . /app\nUSER u\n", nil, finding.Behaviour},
		{"chown-layer", "FROM a\nCOPY --link . /app\nRUN chmod -R 755 /app\n", "FROM a\nCOPY --chmod=755 --link . /app\n", nil, finding.Behaviour},
		{"chown-layer", "FROM a\nCOPY . /app\nRUN chmod -R 0700 /app\n", "FROM a\nCOPY --chmod=0700 . /app\n", nil, finding.NeedsReview},
		{"chown-layer", "FROM a\nWORKDIR /app\nCOPY . .\nRUN chown -R u:g /app\n", "FROM a\nWORKDIR /app\nCOPY --chown=u:g . .\n", nil, finding.NeedsReview},
		// The image has more in the folder, something is made there, or the mode is no number.
		{"chown-layer", "FROM a\nCOPY . /app/src\nRUN chown -R u /app\n", "none", nil, 0},
		{"chown-layer", "FROM a\nCOPY . /app\nRUN make\nRUN chown -R u /app\n", "none", nil, 0},
		{"chown-layer", "FROM a\nCOPY . /app\nRUN chmod -R a+rX /app\n", "none", nil, 0},
		{"chown-layer", "FROM a\nCOPY . /app\nRUN adduser u && chown -R u /app\n", "none", nil, 0},

		{"npm-ci", "FROM a\nCOPY package-lock.json package.json ./\nRUN npm i --omit=dev\n", "FROM a\nCOPY package-lock.json package.json ./\nRUN npm ci --omit=dev\n", nil, finding.Behaviour},

		{
			"cache-order", "FROM node:22\nWORKDIR /app\nCOPY --chown=node . .\nENV A=b\nRUN npm ci && npm run build\nCMD [\"x\"]\n",
			"FROM node:22\nWORKDIR /app\nCOPY --chown=node package*.json ./\nENV A=b\nRUN npm ci\nCOPY --chown=node . .\nRUN npm run build\nCMD [\"x\"]\n", nil, finding.Behaviour,
		},
		{
			"cache-order", "FROM node:22\nCOPY . /app\nWORKDIR /app\nRUN yarn --frozen-lockfile\n",
			"FROM node:22\nCOPY package.json yarn.lock /app/\nWORKDIR /app\nRUN yarn --frozen-lockfile\nCOPY . /app\n",
			map[string]string{"package.json": `{"scripts":{"build":"x"}}`, "yarn.lock": ""},
			finding.Behaviour,
		},
		{
			"cache-order", "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n",
			"FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n",
			map[string]string{"package.json": `{"scripts":{"prepare":"husky"}}`, "package-lock.json": "{}"},
			finding.NeedsReview,
		},
		{
			"cache-order", "FROM python:3\nWORKDIR /app\nCOPY ./api/ .\nRUN pip install -r requirements/prod.txt\n",
			"FROM python:3\nWORKDIR /app\nCOPY api/requirements/ requirements/\nRUN pip install -r requirements/prod.txt\nCOPY ./api/ .\n", nil, finding.Behaviour,
		},
		{
			"cache-order", "FROM golang:1\nWORKDIR /src\nCOPY go.mod go.sum ./\nCOPY . .\nRUN go mod download\n",
			"FROM golang:1\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\n", nil, finding.Behaviour,
		},
		{
			"cache-order", "FROM golang:1\nWORKDIR /src\nCOPY . .\nRUN set -x && CGO_ENABLED=0 go build -o /x .\n",
			"FROM golang:1\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN set -x && CGO_ENABLED=0 go build -o /x .\n",
			map[string]string{"go.mod": "module x\n", "go.sum": "a v1 h1:x=\n"},
			finding.Behaviour,
		},
		{"cache-order", "FROM golang:1\nWORKDIR /src\nCOPY . .\nRUN go mod download\n", "none", map[string]string{"go.mod": "module x\nreplace a => ./a\n"}, 0},
		{"cache-order", "FROM node:22\nWORKDIR /src\nCOPY . .\nRUN npm ci\n", "none", map[string]string{"package.json": "{}", "node_modules/a/x.js": ""}, 0},
		{"cache-order", "FROM node:22\nWORKDIR /src\nCOPY . .\nRUN ./prepare && npm ci\n", "none", nil, 0},
		{
			"cache-order", "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n", "none",
			map[string]string{"package.json": `{"scripts":{"postinstall":"node x.js"}}`, "package-lock.json": "{}"},
			0,
		},
		{"cache-order", "FROM node:22\nWORKDIR /src\nCOPY . .\nRUN ./prepare\nRUN npm ci\n", "none", nil, 0},

		{"development-dependencies", "FROM node:22\nRUN npm ci\nCMD [\"x\"]\n", "FROM node:22\nRUN npm ci --omit=dev\nCMD [\"x\"]\n", nil, finding.Behaviour},
		{"development-dependencies", "FROM node:12-alpine\nRUN npm ci\nCMD [\"x\"]\n", "FROM node:12-alpine\nRUN npm ci --only=production\nCMD [\"x\"]\n", nil, finding.Behaviour},
		{"development-dependencies", "FROM node:22\nRUN yarn\nCMD [\"x\"]\n", "FROM node:22\nRUN yarn --production\nCMD [\"x\"]\n", nil, finding.Behaviour},
		{"development-dependencies", "FROM python:3\nRUN pipenv install --dev --system\nCMD [\"x\"]\n", "FROM python:3\nRUN pipenv install --system\nCMD [\"x\"]\n", nil, finding.Behaviour},
		// The build needs them.
		{"development-dependencies", "FROM node:22\nRUN npm ci\nRUN npm run build\nCMD [\"x\"]\n", "none", nil, 0},
	} {
		got, safety := fixed(t, c.id, c.text, c.files)
		if got != c.want || safety != c.safety {
			t.Errorf("%s: %s\n%s", c.id, safety, cmp.Diff(c.want, got))
		}
	}
}

// The rules about packages and layers take a time that grows with the file, not
// with its square.
func TestPackageRulesAreLinear(t *testing.T) {
	lines := []string{
		"RUN apt-get update && apt-get install a$X | sh\n", "COPY . .\nRUN npm i\n", "COPY a /a/b%d\nRUN chown -R u /a/b /a/c && rm -rf /a/b%d\n",
		"RUN x=$(curl $(wget $(curl y)))\n", "FROM a AS s%d\nRUN wget x | sh && pip install $A\n",
	}
	long := []string{"apt-get install a; ", "npm i; ", "x=$(curl y); ", "chown -R a b; ", "rm a; ", "curl x | ", "pip install $A; ", "cd a; "} // each on a line of its own
	texts := map[string]string{}
	for _, l := range lines {
		var b strings.Builder
		b.WriteString("FROM alpine\n")
		for i := range 3000 {
			b.WriteString(strings.ReplaceAll(l, "%d", fmt.Sprint(i)))
		}
		texts[l] = b.String()
	}
	for _, l := range long {
		texts[l] = "FROM alpine\nCOPY . .\nRUN " + strings.Repeat(l+"\\\n", 10_000) + "true\n"
	}
	checks := append(packages.Checks(), layering.Checks()...)
	for name, text := range texts {
		in := input(t, text, nil)
		for _, c := range checks {
			start := time.Now()
			Run(t.Context(), in, []rule.Check{c})
			if took := time.Since(start); took > time.Second {
				t.Logf("%s takes %s on %.20q many times", c.ID, took, name)
			}
		}
	}
}
