package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
)

// otherNames are the other tools' names of what a rule finds in a text, one string a
// finding; "" is a finding of ours alone.
func otherNames(t *testing.T, id, text string, files map[string]string) []string {
	t.Helper()
	out := []string{}
	for _, f := range run(t, input(t, text, files), byID(t, finding.RuleID("dockerfile/"+id))) {
		out = append(out, strings.Join(f.Aliases, " "))
	}
	return out
}

// What each rule about package managers finds, and with which names: each case
// is the RUN of a stage on Debian, and how many findings it has.
func TestPackageManagers(t *testing.T) {
	for _, c := range []struct {
		id, run string
		want    []string
	}{
		{"apt-yes", "apt-get -t trixie-backports install curl", []string{"DL3014 DS021"}},
		{"apt-yes", "apt-get -o Dpkg::Options::=--force-confold install -qy curl", nil},
		{"apt-yes", "apt-get install -q -q curl", nil},
		{"apt-yes", "apt-get install -q=2 curl", nil},
		{"apt-yes", "apt-get install -q curl", []string{"DL3014 DS021"}},
		{"apt-yes", "yes | apt-get install curl", nil},
		{"apt-yes", "echo 'APT::Get::Assume-Yes \"true\";' > /etc/apt/apt.conf.d/90yes && apt-get install curl", nil},
		{"apt-yes", "apt-get remove curl", []string{""}},
		{"apt-yes", "apt-get update", nil},
		{"apt-yes", "echo apt-get install curl", nil},
		{"apt-no-recommends", "apt-get install -y -o APT::Install-Recommends=false curl", nil},
		{"apt-no-recommends", "apt-get install -y -o APT::Install-Recommends=0 curl", nil},
		{"apt-no-recommends", "echo 'APT::Install-Recommends \"0\";' > /etc/apt/apt.conf.d/01 && apt-get install -y curl", nil},
		{"apt-no-recommends", "apt-get -y install curl", []string{"DL3015 DS029"}},
		{"apt-pinned", "apt-get install -y curl=8.14.1-2 ./local.deb /tmp/x.deb nginx/stable", nil},
		{"apt-pinned", "apt-get install -y curl=${CURL_VERSION} $UNKNOWN", nil},
		{"apt-pinned", "deps='gcc make' && apt-get install -y $deps", []string{"DL3008"}},
		{"apt-pinned", "deps='gcc=4:14.2.0-1 make=4.4.1-2' && apt-get install -y $deps", nil},
		{"apt-pinned", "apt-get install -y php${V}-cli", []string{"DL3008"}},
		{"apt-pinned", "apt-get install -y $(cat packages.txt)", nil},
		{"apt-pinned", "apt-get install -y -t trixie-backports curl=1", nil},
		{"apt-lists", "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists", nil},
		{"apt-lists", "apt-get update && apt-get install -y curl && rm -rf /var/lib/{apt,dpkg}/lists", nil},
		{"apt-lists", "apt-get update && find /var/lib/apt/lists -type f -delete", nil},
		{"apt-lists", "--mount=type=cache,target=/var/lib/apt/lists apt-get update && apt-get install -y curl", nil},
		{"apt-lists", "--mount=type=cache,target=/var/lib/apt --mount=type=cache,target=/var/cache/apt apt-get update", nil},
		{"apt-lists", "--mount=type=cache,target=/var/cache/apt apt-get update", []string{"DL3009 DKL-DI-0005"}},
		{"apt-lists", "apt-get install --update -y curl", []string{""}},
		{"apt-pinned", "apt-get install -s curl", nil},
		{"apt-no-recommends", "apt-get install --simulate curl", nil},
		{"apt-for-scripts", "apt-cache policy curl", nil},
		{"apt-for-scripts", "apt list --installed", []string{"DL3027"}},
		{"apk-no-cache", "--mount=type=cache,target=/var/cache/apk apk add curl", nil},
		{"apk-no-cache", "apk --no-cache add curl", nil},
		{"apk-pinned", "apk add --no-cache -t .build gcc~14 'curl>8' ./x.apk /tmp/y.apk", nil},
		{"apk-pinned", "apk add --no-cache --virtual .build gcc", []string{"DL3018"}},
		{"apk-pinned", "apk add --no-cache --repository http://example.com/edge/community curl=8.14.1-r0", nil},
		{"rpm-yes", "yum install curl", []string{"DL3030"}},
		{"rpm-yes", "dnf groupinstall x", []string{"DL3038"}},
		{"rpm-yes", "yum -y install curl && dnf install --assumeyes curl && dnf install -qy curl", nil},
		{"rpm-yes", "zypper --non-interactive install curl && zypper -n in curl && zypper in -y curl", nil},
		{"rpm-yes", "zypper in curl", []string{"DL3034"}},
		{"rpm-clean", "yum install -y curl && yum clean all", nil},
		{"rpm-clean", "yum clean all && yum install -y curl", []string{"DL3032 DS015"}},
		{"rpm-clean", "dnf install -y curl && rm -rf /var/cache/yum/* /var/cache/dnf", nil},
		{"rpm-clean", "--mount=type=cache,target=/var/cache/dnf dnf install -y curl", nil},
		{"rpm-clean", "zypper in -y curl", []string{"DL3036 DS020"}},
		{"rpm-clean", "microdnf install -y curl", []string{"DL3040 DS027"}},
		{"rpm-pinned", "yum install -y gcc-c++", []string{"DL3033"}},
		{"rpm-pinned", "yum install -y java-1.8.0-openjdk https://example.com/a.rpm ./b.rpm @development", nil},
		{"rpm-pinned", "dnf module install -y nodejs:18 && dnf install -y openssl-1:3.2.2", nil},
		{"rpm-pinned", "dnf module install -y nodejs", []string{"DL3041"}},
		{"rpm-pinned", "dnf install -y curl-${CURL_VERSION}", nil},
		{"rpm-pinned", "zypper in -y 'curl>=8' && zypper in -y -t pattern devel_C_C++", nil},
		{"rpm-pinned", "zypper in -y curl", []string{"DL3037"}},
		{"upgrade-all", "apt-get install -y --only-upgrade openssl && yum update -y openssl && apk upgrade openssl", nil},
		{"upgrade-all", "dnf upgrade -y --security", nil},
		{"upgrade-all", "zypper dup -y", []string{"DL3035"}},
		{"upgrade-all", "apt-get upgrade -y && apk upgrade", []string{"DL3005", "DL3017"}},
		{"update-alone", "apt-get update && ./install.sh", nil},
		{"update-alone", "apt-get update && apt-get dist-upgrade -y", nil},
		{"update-alone", "apk update", []string{"DS017 CIS-4.7 CIS-DI-0007"}},
		{"pip-pinned", "pip install -r requirements.txt && pip install -rdev.txt && pip install . && pip install -e .", nil},
		{"pip-pinned", "pip install '.[test]' && pip install -c limits.txt flask && pip install flask==3 'a~=1' ./x.whl", nil},
		{"pip-pinned", "pip install git+https://example.com/a.git", []string{"DL3013"}},
		{"pip-pinned", "pip install git+https://example.com/a.git@v1 https://example.com/a.zip", nil},
		{"pip-pinned", "python3 -m pip install --index-url https://example.com flask", []string{"DL3013"}},
		{"pip-pinned", "pipenv install flask && pipx install tox==4.1", nil},
		{"pip-no-cache", "pip --no-cache-dir install flask", nil},
		{"pip-no-cache", "PIP_NO_CACHE_DIR=1 pip install flask", nil},
		{"pip-no-cache", "pip install flask && rm -rf /root/.cache", nil},
		{"pip-no-cache", "--mount=type=cache,target=/root/.cache/pip pip install flask", nil},
		{"pip-no-cache", "/venv/bin/pip3.13 install flask", []string{"DL3042"}},
		{"npm-pinned", "npm install && npm install -g @vue/cli@5 ./local https://example.com/a.tgz git+https://example.com/a#v1", nil},
		{"npm-pinned", "npm install -g @vue/cli", []string{"DL3016"}},
		{"npm-pinned", "npm install git+https://example.com/a", []string{"DL3016"}},
		{"npm-pinned", "npm i typescript", []string{""}},
		{"npm-pinned", "npm install --prefix /opt --registry https://example.com", nil},
		{"gem-pinned", "gem install -v 1.2 bundler && gem install bundler:2 && gem install ./x.gem", nil},
		{"gem-pinned", "gem install --no-document nokogiri -- --use-system-libraries", []string{"DL3028"}},
		{"go-install-pinned", "go install ./... && go install && go run main.go && go get -d ./... && go install std", nil},
		{"go-install-pinned", "go install -tags 'a b' -ldflags '-s -w' example.com/x@v1.2.3", nil},
		{"go-install-pinned", "go run example.com/x@v1 example.com/argument", nil},
		{"go-install-pinned", "go install example.com/x@latest && go get example.com/y", []string{"DL3062", "DL3062"}},
		{"go-install-pinned", "go install example.com/x@${VERSION}", nil},
		{"useradd-no-log-init", "useradd -u 99999 a && useradd -l -u 100000 a && useradd --no-log-init --uid 100000 a && useradd a", nil},
		{"useradd-no-log-init", "useradd -mu 100000 a && useradd --uid=1000000 b", []string{"DL3046", "DL3046"}},
		{"wget-progress", "wget -qO- x && wget -nv x && wget --no-verbose x && wget -o log x && wget --progress=dot x", nil},
		{"wget-progress", "apt-get install -y wget", nil},
		{"pipefail", "set -o pipefail && a | b", nil},
		{"pipefail", "set -euxo pipefail; a | b", nil},
		{"pipefail", "bash -o pipefail -c 'a | b'", nil},
		{"pipefail", "a || b", nil},
		{"pipefail", "x=\"$(a | b)\"", []string{"DL4006 DS032"}},
		{"pipe-to-shell", "curl -fsSL https://a.example/x.sh | sudo -E bash -", []string{"CIS-4.11"}},
		{"pipe-to-shell", "bash -c \"$(curl -fsSL https://a.example/x.sh)\"", []string{"CIS-4.11"}},
		{"pipe-to-shell", "bash <(curl -fsSL https://a.example/x.sh)", []string{"CIS-4.11"}},
		{"pipe-to-shell", "eval \"$(wget -qO- https://a.example/x.sh)\"", []string{"CIS-4.11"}},
		{"pipe-to-shell", "curl https://a.example/x | sed s/a/b/ | sh -s -- -y", []string{"CIS-4.11"}},
		{"pipe-to-shell", "curl https://a.example/x | tar xz && curl https://a.example/x | python3 -m json.tool && curl https://a.example/k | apt-key add -", nil},
		{"pipe-to-shell", "curl https://a.example/x | bash /opt/filter.sh", nil},
		{"pipe-to-shell", "V=\"$(curl https://a.example/version)\" && bash /opt/run.sh \"$V\"", nil},
		{"pipe-to-shell", "echo \"$(curl https://a.example/x)\" && bash run.sh", nil},
		{"download-unverified", "curl -O https://a.example/t.tar.gz && sha256sum -c t.sha256", nil},
		{"download-unverified", "curl https://a.example/key.asc | gpg --import", nil},
		{"download-unverified", "curl -fsSL https://a.example/version.txt", nil},
		{"download-unverified", "wget https://github.com/a/b/releases/download/v1/b-linux", []string{"CIS-4.11"}},
		{"npm-cache", "npm ci && npm cache clean --force", nil},
		{"npm-cache", "--mount=type=cache,target=/root/.npm npm ci", nil},
		{"npm-cache", "npm run build", nil},
		{"yarn-cache", "yarn install && yarn cache clean", nil},
		{"yarn-cache", "--mount=type=cache,target=/usr/local/share/.cache/yarn yarn install", nil},
	} {
		want := c.want
		if want == nil {
			want = []string{}
		}
		if diff := cmp.Diff(want, otherNames(t, c.id, "FROM debian:13\nRUN "+c.run+"\n", nil)); diff != "" {
			t.Errorf("%s: RUN %s: %s", c.id, c.run, diff)
		}
	}
}

// Where the other instructions decide.
func TestPackageManagersInFiles(t *testing.T) {
	for _, c := range []struct {
		id, text string
		want     []string
	}{
		// A builder's lists are in no image.
		{"apt-lists", "FROM debian:13 AS b\nRUN apt-get update && apt-get install -y gcc\nFROM debian:13\nCOPY --from=b /a /a\n", nil},
		{"apt-lists", "FROM debian:13 AS b\nRUN apt-get update && apt-get install -y gcc\nFROM b\nCOPY a /a\n", []string{"DL3009 DKL-DI-0005"}},
		{"apt-lists", "FROM debian:13\nONBUILD RUN apt-get update && apt-get install -y gcc\n", []string{"DL3009 DKL-DI-0005"}},
		{"apt-yes", "FROM debian:13\nONBUILD RUN apt-get install gcc\n", []string{"DL3014 DS021"}},
		{"apt-yes", "FROM debian:13\nRUN [\"apt-get\", \"install\", \"gcc\"]\n", []string{"DL3014 DS021"}},
		{"apt-yes", "FROM debian:13\nRUN <<EOF\nset -e\napt-get install gcc\nEOF\n", []string{"DL3014 DS021"}},
		{"pip-no-cache", "FROM python:3\nENV PIP_NO_CACHE_DIR=1\nRUN pip install flask\n", nil},
		{"pip-no-cache", "FROM python:3 AS a\nENV PIP_NO_CACHE_DIR=off\nFROM a\nRUN pip install flask\n", nil},
		{"pipefail", "FROM debian:13\nSHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b\n", nil},
		{"pipefail", "FROM debian:13 AS a\nSHELL [\"bash\", \"-o\", \"pipefail\", \"-c\"]\nFROM a\nRUN a | b\n", nil},
		{"pipefail", "FROM debian:13\nSHELL [\"/bin/sh\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\n", []string{"DL4006 DS032"}},
		{"wget-and-curl", "FROM debian:13 AS a\nRUN wget x\nFROM debian:13\nRUN curl x\n", nil},
		{"wget-and-curl", "FROM debian:13\nRUN wget x\nRUN apt-get install -y curl\n", nil},
		{"wget-and-curl", "FROM debian:13\nRUN wget x\nRUN curl x\nRUN true\nRUN wget y\n", []string{"DL4001 DS014", "DL4001 DS014"}},
		{"consecutive-run", "FROM debian:13\nRUN a\n# why\nRUN b\n", []string{"DL3059"}},
		{"consecutive-run", "FROM debian:13\nRUN a\nWORKDIR /x\nRUN b\n", nil},
		{"consecutive-run", "FROM debian:13\nRUN a && b\nRUN c\n", nil},
		{"consecutive-run", "FROM debian:13\nRUN a; b\nRUN c\nRUN d\n", []string{"DL3059"}},
		{"consecutive-run", "FROM debian:13\nRUN --mount=type=cache,target=/c a\nRUN b\n", nil},
		{"update-alone", "FROM debian:13\nRUN apt-get update\nRUN apt-get install -y curl\n", []string{"DS017 CIS-4.7 CIS-DI-0007"}},
		{"apt-pinned", "FROM debian:13\nARG PKGS=\"curl git\"\nRUN apt-get install -y $PKGS\n", []string{"DL3008"}},
		{"apt-pinned", "FROM debian:13\nARG PKGS\nRUN apt-get install -y $PKGS\n", nil},
		{"useradd-no-log-init", "FROM debian:13\nARG ID=1000000\nRUN useradd -u $ID app\n", []string{"DL3046"}},
		{"npm-cache", "FROM node:22 AS b\nRUN npm ci\nFROM nginx\nCOPY --from=b /a /a\n", nil},
		{"npm-cache", "FROM node:22\nENV NPM_CONFIG_CACHE=/tmp/.npm\nRUN npm ci\n", nil},
	} {
		want := c.want
		if want == nil {
			want = []string{}
		}
		if diff := cmp.Diff(want, otherNames(t, c.id, c.text, nil)); diff != "" {
			t.Errorf("%s:\n%s%s", c.id, c.text, diff)
		}
	}
}

// fixed is a text with the first fix of each finding of a rule made; "none" if
// there is no fix.
func fixed(t *testing.T, id, text string, files map[string]string) (string, finding.Safety) {
	t.Helper()
	in := input(t, text, files)
	found := run(t, in, byID(t, finding.RuleID("dockerfile/"+id)))
	if len(found) == 0 {
		t.Fatalf("%s: no finding\n%s", id, text)
	}
	safety := finding.Safe
	var all finding.Fix
	for _, f := range found {
		if len(f.Fixes) > 0 && len(f.Fixes[0].Edits) > 0 {
			all.Edits = append(all.Edits, f.Fixes[0].Edits...)
			safety = min(safety, f.Fixes[0].Safety)
		}
	}
	if len(all.Edits) == 0 {
		return "none", 0
	}
	slices.SortStableFunc(all.Edits, func(a, b finding.Edit) int { return a.Start - b.Start })
	b, _ := apply(t, in, all)
	return string(b), safety
}

// What people write into a command is not told again.
func TestPackageMessagesHoldNoSecrets(t *testing.T) {
	token := "AKIA" + "Z7QRTW5NMKXLP2VD"
	for id, text := range map[string]string{
		"pip-pinned":          "RUN pip install git+https://example.com/" + token + "/x.git",
		"npm-pinned":          "RUN npm install git+https://example.com/" + token,
		"pipe-to-shell":       "RUN curl https://user:" + token + "@example.com/x | sh",
		"download-unverified": "RUN curl -O https://user:" + token + "@example.com/x.tar.gz",
	} {
		found := run(t, input(t, "FROM a\n"+text+"\n", nil), byID(t, finding.RuleID("dockerfile/"+id)))
		if len(found) != 1 || strings.Contains(found[0].Message+found[0].Key, token) {
			t.Errorf("%s: %+v", id, found)
		}
	}
}

func TestPackageFixes(t *testing.T) {
	for _, c := range []struct {
		id, text, want string
		safety         finding.Safety
	}{
		{"apt-yes", "FROM a\nRUN [\"apt-get\", \"install\", \"gcc\"]\n", "FROM a\nRUN [\"apt-get\", \"install\", \"-y\", \"gcc\"]\n", finding.Safe},
		{"apt-for-scripts", "FROM a\nRUN apt update && sudo apt install -y curl\n", "FROM a\nRUN apt-get update && sudo apt-get install -y curl\n", finding.Safe},
		{"apt-lists", "FROM a\nRUN apt-get update \\\n  && apt-get install -y \\\n    curl\n", "FROM a\nRUN apt-get update \\\n  && apt-get install -y \\\n    curl \\\n  && rm -rf /var/lib/apt/lists/*\n", finding.Safe},
		{"apt-lists", "FROM a\nRUN apt-get update && \\\n    apt-get install -y curl\n", "FROM a\nRUN apt-get update && \\\n    apt-get install -y curl && \\\n    rm -rf /var/lib/apt/lists/*\n", finding.Safe},
		{"apt-lists", "FROM a\nRUN set -eux; \\\n\tapt-get update; \\\n\tapt-get install -y curl\n", "FROM a\nRUN set -eux; \\\n\tapt-get update; \\\n\tapt-get install -y curl; \\\n\trm -rf /var/lib/apt/lists/*\n", finding.Safe},
		{"apt-lists", "FROM a\r\nRUN apt-get update \\\r\n  && apt-get install -y curl\r\n", "FROM a\r\nRUN apt-get update \\\r\n  && apt-get install -y curl \\\r\n  && rm -rf /var/lib/apt/lists/*\r\n", finding.Safe},
		{"apt-lists", "FROM a\nRUN <<EOF\napt-get update\napt-get install -y curl\nEOF\n", "FROM a\nRUN <<EOF\napt-get update\napt-get install -y curl && rm -rf /var/lib/apt/lists/*\nEOF\n", finding.Safe},
		{"apt-lists", "FROM a\nRUN <<EOF\nset -e\napt-get update\napt-get install -y curl\nEOF\n", "FROM a\nRUN <<EOF\nset -e\napt-get update\napt-get install -y curl\nrm -rf /var/lib/apt/lists/*\nEOF\n", finding.Safe},
		{"apt-lists", "FROM a\nRUN apt-get update && apt-get install -y curl\nRUN make\n", "FROM a\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\nRUN make\n", finding.Behaviour},
		// Another RUN needs them.
		{"apt-lists", "FROM a\nRUN apt-get update\nRUN apt-get install -y curl\n", "none", 0},
		{"apt-lists", "FROM a\nRUN apt-get update # why\n", "none", 0},
		{"apt-lists", "FROM a\nRUN apt-get update &\n", "none", 0},
		{"rpm-clean", "FROM a\nRUN dnf install -y curl\n", "FROM a\nRUN dnf install -y curl && dnf clean all\n", finding.Safe},
		{"wget-progress", "FROM alpine:3\nRUN wget https://a.example/x\n", "FROM alpine:3\nRUN wget -q https://a.example/x\n", finding.Safe},
		{"wget-progress", "FROM debian:13\nRUN wget https://a.example/x\n", "FROM debian:13\nRUN wget --progress=dot:giga https://a.example/x\n", finding.Safe},
		{"pipefail", "FROM alpine:3\nRUN a | b\n", "FROM alpine:3\nRUN set -o pipefail && a | b\n", finding.Behaviour},
		{"pipefail", "FROM debian:13\nRUN a | b\nRUN c | d\n", "FROM debian:13\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nRUN c | d\n", finding.Behaviour},
		{"pipefail", "FROM debian:13\nRUN a | b\nCMD run me\n", "FROM debian:13\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nCMD run me\n", finding.NeedsReview},
		{"pipefail", "FROM alpine:3\nRUN a | head -1\n", "none", 0},
		{"pipefail", "FROM who:knows\nRUN a | b\n", "none", 0},
		{"update-alone", "FROM a\nRUN apt-get update\nCOPY x /x\nRUN apt-get install -y curl\nRUN apt-get install -y git\n", "FROM a\nCOPY x /x\nRUN apt-get update && apt-get install -y curl\nRUN apt-get update && apt-get install -y git\n", finding.Behaviour},
		{"update-alone", "FROM a\nRUN apt-get update && x\n", "none", 0},
		{"consecutive-run", "FROM a\nRUN x\n\n# why\nRUN y\n", "FROM a\nRUN x \\\n# why\n    && y\n", finding.NeedsReview},
		{"consecutive-run", "FROM a\nRUN cd /x\nRUN y\n", "none", 0},
		{"consecutive-run", "FROM a\nRUN x\nRUN y &\n", "none", 0},
	} {
		got, safety := fixed(t, c.id, c.text, nil)
		if got != c.want || safety != c.safety {
			t.Errorf("%s: %s\n%s", c.id, safety, cmp.Diff(c.want, got))
		}
	}
}
