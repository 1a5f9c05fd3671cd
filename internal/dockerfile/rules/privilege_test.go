package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/privilege"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// only is the rule of that name.
func only(t testing.TB, name string) rule.Check {
	t.Helper()
	for _, c := range privilege.Checks() {
		if string(c.ID) == "dockerfile/"+name {
			return c
		}
	}
	t.Fatalf("no rule %s", name)
	return rule.Check{}
}

// say are the messages of a rule.
func say(t testing.TB, in *inspect.Input, name string) []string {
	t.Helper()
	var out []string
	for _, f := range run(t, in, only(t, name)) {
		out = append(out, f.Message)
	}
	return out
}

func TestPrivilegeRules(t *testing.T) {
	for _, c := range []struct {
		rule, file string
		want       []string // a part of each message, in order
	}{
		{"root-user", "FROM scratch\nCMD [\"/a\"]\n", []string{"no USER is set, and scratch runs as root"}},
		{"root-user", "FROM a:1\n", []string{"not known"}},
		{"root-user", "FROM a:1\nUSER 0:0\n", []string{"the image ends as root"}},
		{"root-user", "FROM a:1\nUSER root\nRUN x\nUSER app\n", nil},
		{"root-user", "FROM a:1 AS b\nUSER root\nRUN x\nFROM b\nRUN y\n", []string{"the image ends as root"}},
		{"root-user", "FROM a:1 AS b\nUSER root\nRUN x\nFROM b\nUSER app\n", nil},
		{"root-user", "FROM a:1 AS b\nUSER root\nRUN x\nFROM c:1\nCOPY --from=b /x /x\nUSER app\n", nil},
		{"root-user", "FROM a:1 AS b\nUSER app\nFROM b AS debug\nUSER root\nFROM b\n", []string{"stage debug ends as root"}},
		{"root-user", "FROM a:1\nARG U=root\nUSER $U\n", []string{"unless the build sets it"}},
		{"root-user", "FROM a:1\nARG U\nUSER $U\n", nil},
		{"root-user", "FROM a:1\nARG U=app\nUSER $U\n", nil},
		{"root-user", "FROM a:1\nENV U=root\nUSER ${U}:0\n", []string{"the image ends as root"}},
		{"root-user", "FROM gcr.io/distroless/static:nonroot\n", nil},
		{"root-user", "FROM gcr.io/distroless/static\n", []string{"not known"}},
		{"root-user", "FROM nginxinc/nginx-unprivileged:1.28\n", nil},
		{"root-user", "FROM mcr.microsoft.com/windows/servercore:ltsc2022\n", nil},
		{"root-user", "FROM a:1\nUSER rooty\n", nil},

		{"sudo", "FROM a:1\nRUN command -v sudo || true\n", nil},
		{"sudo", "FROM a:1\nRUN apt-get install -y sudo && which sudo\n", nil},
		{"sudo", "FROM a:1\nRUN echo sudo make\n", nil},
		{"sudo", "FROM a:1\nRUN if true; then sudo -u app make; fi\n", []string{"sudo"}},
		{"sudo", "FROM a:1\nRUN bash -c 'sudo make'\n", []string{"sudo"}},

		{"privileged-port", "FROM a:1\nEXPOSE 80/tcp 8080 443\nUSER app\n", []string{"port 80", "port 443"}},
		{"privileged-port", "FROM a:1\nEXPOSE 80\n", nil},
		{"privileged-port", "FROM a:1\nEXPOSE 80\nUSER root\n", nil},
		{"privileged-port", "FROM a:1\nRUN setcap cap_net_bind_service=+ep /srv/app\nEXPOSE 80\nUSER app\n", nil},
		{"privileged-port", "FROM a:1\nARG PORT\nEXPOSE $PORT\nUSER app\n", nil},
		{"privileged-port", "FROM a:1 AS b\nEXPOSE 80\nFROM c:1\nUSER app\n", nil},

		{"needs-root", "FROM a:1\nUSER app\nRUN sudo apt-get update && apk add x\nUSER root\nRUN apt-get update\n", []string{"apk needs root"}},
		{"needs-root", "FROM a:1\nUSER app\nRUN apt-get --simulate install x; if true; then apk add x; fi; apk info; npm install\n", nil},
		{"needs-root", "FROM a:1\nARG U\nUSER $U\nRUN apt-get update\n", nil},
		{"unknown-user", "FROM scratch\nCOPY --from=b /etc/passwd /etc/passwd\nUSER app\n", nil},
		{"unknown-user", "FROM scratch\nADD rootfs.tar /\nUSER app\n", nil},
		{"unknown-user", "FROM scratch\nCOPY a /a\nUSER app:app\n", []string{"scratch has no user app"}},
		{"unknown-user", "FROM a:1\nUSER app\n", nil},

		{"root-owned-path", "FROM nginx:1.28\nUSER nginx\n", []string{"nginx started by user nginx cannot write /var/cache/nginx and /run/nginx.pid"}},
		{"root-owned-path", "FROM docker.io/library/nginx:1.28\nRUN chown -R nginx /var/cache/nginx\nUSER 101\n", []string{"cannot write /run/nginx.pid, which is root's"}},
		{"root-owned-path", "FROM nginx:1.28\nRUN chown -R nginx /var/cache/nginx && touch /var/run/nginx.pid && chown nginx /var/run/nginx.pid\nUSER nginx\n", nil},
		{"root-owned-path", "FROM nginx:1.28\nRUN chown -R nginx /var\nUSER nginx\n", []string{"/run/nginx.pid"}},
		{"root-owned-path", "FROM nginx:1.28\nCOPY nginx.conf /etc/nginx/nginx.conf\nUSER nginx\n", nil},
		{"root-owned-path", "FROM nginx:1.28\nCOPY nginx.conf /etc/nginx/\nUSER nginx\n", nil},
		{"root-owned-path", "FROM nginx:1.28\nCOPY app.conf /etc/nginx/conf.d/default.conf\nUSER nginx\n", []string{"cannot write"}},
		{"root-owned-path", "FROM nginx:1.28\nUSER nginx\nCMD [\"nginx\", \"-g\", \"daemon off; pid /tmp/nginx.pid;\"]\n", nil},
		{"root-owned-path", "FROM nginx:1.28\nUSER nginx\nENTRYPOINT [\"/srv/app\"]\n", nil},
		{"root-owned-path", "FROM nginxinc/nginx-unprivileged:1.28\nUSER nginx\n", nil},
		{"root-owned-path", "FROM httpd:2.4\nUSER www-data\n", []string{"/usr/local/apache2/logs, which is root's"}},
		{"root-owned-path", "FROM debian:13\nRUN apt-get update && apt-get install -y nginx\nUSER www-data\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n", []string{"/var/lib/nginx and /run/nginx.pid"}},
		{"root-owned-path", "FROM debian:13\nRUN apt-get update && apt-get install -y nginx\nUSER www-data\nCMD [\"/srv/app\"]\n", nil},

		{"root-owned-workdir", "FROM node:22\nWORKDIR /app\nUSER node\nRUN npm ci\n", []string{"npm writes into /app"}},
		{"root-owned-workdir", "FROM node:22\nUSER node\nWORKDIR /app\nRUN npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nWORKDIR /home/node/app\nUSER node\nRUN npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nRUN mkdir -p /app && chown node:node /app\nWORKDIR /app\nUSER node\nRUN npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nRUN chown -R node:node /srv\nWORKDIR /srv/app\nUSER node\nRUN npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nWORKDIR /app\nRUN chown node .\nUSER node\nRUN npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nWORKDIR /app\nCOPY --chown=node . .\nUSER node\nRUN npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nWORKDIR /app\nUSER node\nRUN npm install -g serve\n", nil},
		{"root-owned-workdir", "FROM node:22\nWORKDIR /app\nUSER node\nRUN cd /tmp && npm ci\n", nil},
		{"root-owned-workdir", "FROM node:22\nWORKDIR /app\nUSER node\nRUN npm test\n", nil},

		{"runtime-flag", "FROM nginx:1\nCMD [\"nginx\", \"-g\", \"daemon off;\", \"--cap-drop\", \"ALL\", \"--security-opt=no-new-privileges\"]\n", []string{"--cap-drop in CMD is an argument of nginx", "--security-opt in CMD"}},
		{"runtime-flag", "FROM a:1\nENTRYPOINT /srv/app --cap-drop=ALL --read-only\n", []string{"--cap-drop in ENTRYPOINT", "--read-only"}},
		{"runtime-flag", "FROM nginx:1\nCMD [\"nginx\", \"--read-only\"]\n", []string{"--read-only"}},
		{"runtime-flag", "FROM mysql:8\nCMD [\"mysqld\", \"--read-only\"]\n", nil},
		{"runtime-flag", "FROM a:1\nCMD [\"geth\", \"--network\", \"main\", \"--memory\", \"4\"]\n", nil},
		{"runtime-flag", "FROM node:22\nCMD [\"node\", \"server.js\", \"--memory=4\"]\n", nil},
		{"runtime-flag", "FROM docker:27-dind\nCMD [\"--icc=false\"]\n", nil},
		{"runtime-flag", "FROM a:1\nENTRYPOINT [\"dockerd-entrypoint.sh\"]\nCMD [\"--icc=false\"]\n", nil},
		{"runtime-flag", "FROM a:1\nCMD docker run --cap-drop ALL --read-only app\n", nil},
		{"runtime-flag", "FROM a:1\nRUN podman --cap-drop ALL\n", nil},
		{"runtime-flag", "FROM app:1\nCMD [\"--icc=false\", \"x\"]\n", []string{"a flag of the Docker daemon"}},

		{"content-trust", "FROM a:1\nENV DOCKER_CONTENT_TRUST=1 A=2\n", []string{"in ENV"}},
		{"content-trust", "FROM a:1\nARG DOCKER_CONTENT_TRUST=1\nRUN export DOCKER_CONTENT_TRUST=1 && ./x\n", []string{"in ARG", "in RUN"}},
		{"content-trust", "FROM docker:27\nENV DOCKER_CONTENT_TRUST=1\n", nil},
		{"content-trust", "FROM a:1\nENV DOCKER_CONTENT_TRUST=1\nRUN apk add docker-cli\n", nil},

		{"icc-on-run", "FROM a:1\n# docker run -d --name x --icc=false app\n# docker run app\n# --icc belongs to dockerd\n# dockerd --icc=false\n", []string{"docker run has no --icc"}},

		{"add-checksum", "FROM a:1\nADD https://a.b/c.tgz /\nRUN echo \"$SUM c.tgz\" | sha256sum -c\n", nil},
		{"add-checksum", "FROM a:1\nADD https://a.b/c.git /\n", nil},
		{"add-checksum", "FROM a:1\nADD https://u:pw@a.b/d/c.tgz?x=1 e.txt /\n", []string{"ADD of a.b/…/c.tgz without"}},
		{"add-git-commit", "FROM a:1\nADD git@github.com:a/b.git /\n", []string{"main branch"}},
		{"add-git-commit", "FROM a:1\nADD https://a.b/c.git#v1.2:sub /\n", []string{"held by v1.2"}},
		{"add-git-commit", "FROM a:1\nARG REF\nADD https://a.b/c.git#$REF /\nADD --checksum=9f1c5e2d4b7a80361c2d5e4f7a8b9c0d1e2f3a4b https://a.b/c.git#v1 /\n", []string{}},
		{"plain-http", "FROM a:1\nRUN git clone http://localhost/x.git && git clone https://a.b/x.git\n", nil},
		{"plain-http", "FROM a:1\nRUN git clone -b main git://a.b/x.git /x\n", []string{"git clone over git://"}},
		{"plain-http", "FROM a:1\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d http://a.b/c /\n", nil},
		{"unpinned-base", "FROM debian\nFROM debian:latest\n", nil}, // which latest-tag says
		{"unpinned-base", "ARG V=3.20\nFROM alpine:$V AS a\nFROM b:1 AS unused\nFROM a\n", []string{"alpine:3.20 is held by a tag"}},
		{"unpinned-base", "FROM scratch\n", nil},
		{"unpinned-base", "FROM localhost:5000/a:1\n", []string{"localhost:5000/a:1"}},

		{"entrypoint-ignores-cmd", "FROM a:1\nENTRYPOINT /srv/app \"$@\"\nCMD [\"x\"]\n", nil},
		{"entrypoint-ignores-cmd", "FROM a:1\nCMD [\"x\"]\nENTRYPOINT exec /srv/app\n", []string{"CMD has no effect"}},
		{"entrypoint-ignores-cmd", "FROM a:1 AS b\nCMD [\"x\"]\nFROM b\nENTRYPOINT /srv/app\n", nil},
		{"entrypoint-ignores-cmd", "FROM a:1\nENTRYPOINT [\"sh\", \"-c\", \"x\"]\nCMD [\"x\"]\n", nil},
		{"npm-as-init", "FROM a:1\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"npm\", \"start\"]\n", nil},
		{"npm-as-init", "FROM a:1\nCMD npm run migrate && npm start\n", []string{"npm does not hand"}},
		{"npm-as-init", "FROM a:1\nCMD [\"npm\", \"test\"]\n", nil},
		{"npm-as-init", "FROM a:1\nENTRYPOINT [\"/srv/app\"]\nCMD [\"npm\", \"start\"]\n", nil},
		{"npm-as-init", "FROM a:1 AS dev\nCMD [\"npm\", \"start\"]\nFROM b:1\n", nil},
		{"service-in-command", "FROM a:1\nCMD [\"/usr/sbin/init\"]\n", []string{"/usr/sbin/init runs a machine's services"}},
		{"service-in-command", "FROM a:1\nCMD service --status-all\n", nil},
		{"service-in-command", "FROM a:1\nENTRYPOINT [\"tini\", \"-s\", \"--\"]\nCMD [\"/usr/sbin/sshd\", \"-D\"]\n", []string{"sshd"}},
		{"kept-alive", "FROM a:1\nCMD [\"sleep\", \"infinity\"]\n", []string{"runs nothing"}},
		{"kept-alive", "FROM a:1\nCMD sleep 5 && /srv/app\n", nil},
		{"kept-alive", "FROM a:1\nCMD /srv/app | tail -f\n", nil},
		{"shell-signals", "FROM a:1\nCMD cd /srv && exec node app.js\n", nil},
		{"shell-signals", "FROM a:1\nCMD node app.js\n", nil}, // which json-args-recommended says
		{"shell-signals", "FROM a:1\nEXPOSE 80\nCMD cd /srv && python app.py\n", []string{"python runs below a shell"}},
		{"shell-signals", "FROM a:1\nCMD cd /srv && python report.py\n", nil},
		{"no-healthcheck", "FROM a:1\nEXPOSE 80\nHEALTHCHECK NONE\n", nil},
		{"no-healthcheck", "FROM a:1 AS b\nHEALTHCHECK CMD x\nFROM b\nEXPOSE 80\n", nil},
		{"no-healthcheck", "FROM a:1 AS b\nEXPOSE 80\nFROM b\n", []string{"port 80 is exposed"}},
		{"no-healthcheck", "FROM a:1 AS b\nEXPOSE 80\nFROM c:1\n", nil},
		{"healthcheck-missing", "FROM a:1 AS b\nHEALTHCHECK CMD x\nFROM b\nFROM c:1\nEXPOSE 1\n", nil},

		{"world-writable", "FROM a:1\nRUN chmod -R 0777 /a && chmod 1777 /b && chmod 775 /c && chmod a+rw /d && chmod +w /e && chmod u+w,o=rw /f && chmod 777 /tmp/x\n", []string{"0777", "a+rw", "u+w,o=rw"}},
		{"world-writable", "FROM a:1\nRUN chmod --reference=/a /b && chmod $MODE /c\n", nil},
		{"world-writable", "FROM a:1\nCOPY --chmod=666 a /a\n", []string{"--chmod=666"}},
		{"setuid", "FROM a:1\nRUN chmod 4755 /a && chmod g+s /b && chmod 2775 /c && chmod a-s /d && chmod ug+s /e\n", []string{"/a", "/e"}},
		{"password-in-build", "FROM a:1\nRUN echo \"root:$PW\" | chpasswd && useradd -p '' x && passwd -l root\n", nil},
		{"password-in-build", "FROM a:1\nRUN echo 'mysql-server mysql-server/root_password password root123' | debconf-set-selections && echo root:toor | chpasswd && echo -e 'abc\\nabc' | passwd && passwd -d root && chpasswd <<< 'a:b'\n", []string{"mysql-server is installed", "gives root", "passwd gives root", "without a password", "gives a a"}},
		{"tls-off", "FROM a:1\nRUN curl -fsSkL https://a.b/c && wget --no-check-certificate https://a.b/c && git -c http.sslVerify=false clone https://a.b/c && npm config set strict-ssl false\n", []string{"curl -fsSkL", "wget", "git", "npm"}},
		{"tls-off", "FROM a:1\nRUN curl -ok https://a.b/c && curl -k https://localhost/ && curl -k https://a.b/c -o c && sha256sum -c sums\n", nil},
		{"tls-off", "FROM a:1\nENV NODE_TLS_REJECT_UNAUTHORIZED=0 GIT_SSL_NO_VERIFY=true\nENV PYTHONHTTPSVERIFY=1\n", []string{"NODE_TLS", "GIT_SSL"}},
		{"unauthenticated-packages", "FROM a:1\nRUN apt-get -o APT::Get::AllowUnauthenticated=true install x && dnf --nogpgcheck install y && pip install --trusted-host=a.b z && apk add --allow-untrusted w\n", []string{"apt-get -o", "dnf --nogpgcheck", "pip --trusted-host", "apk --allow"}},
		{"unauthenticated-packages", "FROM a:1\nRUN apk add --allow-untrusted /tmp/glibc.apk\n", nil},
		{"unverified-key", "FROM a:1\nRUN gpg --recv-keys B42F6819007F00F88E364FD4036A9C25BF357DD4 && curl https://a.b/k | apt-key add -\n", nil},
		{"volume-system-folder", "FROM a:1\nVOLUME [\"/data\", \"/etc/\"]\n", []string{"VOLUME /etc"}},
		{"docker-socket", "FROM a:1\nRUN chmod 666 /var/run/docker.sock\n", []string{"chmod gives rights"}},
		{"insecure-run", "# syntax=docker/dockerfile:1\nFROM a:1\nRUN --network=host --mount=type=cache,target=/c make\nRUN --network=none make\n", []string{"--network=host"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in := input(t, c.file, nil)
			got := say(t, in, c.rule)
			if len(got) != len(c.want) {
				t.Fatalf("%d findings %q, want %d\n%s", len(got), got, len(c.want), c.file)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("%q does not say %q\n%s", got[i], want, c.file)
				}
			}
			for _, f := range run(t, in, only(t, c.rule)) {
				complete(t, in, f)
				for _, x := range f.Fixes {
					proved(t, in, only(t, c.rule), f, x)
				}
			}
		})
	}
}

// based are options that know each base.
func based(facts *dockerfile.BaseFacts) inspect.Options {
	return inspect.Options{Base: func(*dockerfile.Stage) *dockerfile.BaseFacts { return facts }}
}

func parsed(t testing.TB, text string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What is known of the base decides, and the finding says who knows it.
func TestBaseFactsDecide(t *testing.T) {
	f := parsed(t, "FROM a:1\nRUN x\n")
	root := &dockerfile.BaseFacts{Ref: "a:1", Source: "the local image sha256:1", Config: true, Exposed: []string{"80/tcp"}}
	worker := &dockerfile.BaseFacts{Ref: "a:1", Source: "the local image sha256:1", Config: true, User: "app", Healthcheck: true, Exposed: []string{"80/tcp"}}
	found := run(t, inspect.New(f, based(root)), only(t, "root-user"))
	if len(found) != 1 || found[0].Severity != finding.Medium || !strings.Contains(found[0].Evidence[0].Text, "the local image sha256:1") || slices.Contains(found[0].Aliases, "DL3002") {
		t.Errorf("%+v", found)
	}
	if found := run(t, inspect.New(f, based(worker)), only(t, "root-user"), only(t, "no-healthcheck")); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if found := run(t, inspect.New(f, based(&dockerfile.BaseFacts{Ref: "a:1"})), only(t, "root-user")); len(found) != 1 || found[0].Severity != finding.Low {
		t.Errorf("facts without a configuration: %+v", found)
	}
	if found := run(t, inspect.New(f, based(root)), only(t, "no-healthcheck")); len(found) != 1 || !strings.Contains(found[0].Message, "80/tcp of a:1") {
		t.Errorf("%+v", found)
	}
	asks := run(t, inspect.New(parsed(t, "FROM a:1\nEXPOSE 8080/tcp\nCMD [\"a\"]\n"), based(&dockerfile.BaseFacts{Config: true, Programs: []string{"sh", "wget"}})), only(t, "no-healthcheck"))
	if len(asks) != 1 || len(asks[0].Fixes[0].Edits) != 1 || asks[0].Fixes[0].Edits[0].New != "\nHEALTHCHECK CMD wget -q -O /dev/null http://127.0.0.1:8080/ || exit 1" {
		t.Errorf("%+v", asks)
	}
	if low := run(t, inspect.New(parsed(t, "FROM a:1\nUSER app\n"), based(root)), only(t, "privileged-port")); len(low) != 1 || !strings.Contains(low[0].Evidence[0].Text, "the local image") {
		t.Errorf("an inherited port: %+v", low)
	}
	known := &dockerfile.BaseFacts{Ref: "a:1", Source: "x", Config: true, Accounts: map[string]int{"root": 0, "www": 33}}
	for file, want := range map[string]int{"USER www\n": 0, "USER app\n": 1, "RUN useradd app\nUSER app\n": 0, "RUN npm ci\nUSER app\n": 1, "USER 12\n": 0} {
		if found := run(t, inspect.New(parsed(t, "FROM a:1\n"+file), based(known)), only(t, "unknown-user")); len(found) != want {
			t.Errorf("%s: %+v", file, found)
		}
	}
	back := run(t, inspect.New(parsed(t, "FROM a:1\nUSER root\nRUN x\nCMD [\"a\"]"), based(worker)), only(t, "root-user"))
	if len(back) != 1 || len(back[0].Fixes) != 1 || back[0].Fixes[0].Edits[0].New != "\nUSER app" {
		t.Errorf("%+v", back)
	}
	if got := run(t, inspect.New(parsed(t, "FROM a:1\nRUN sudo make\n"), based(root)), only(t, "sudo")); got[0].Fixes[0].Safety != finding.Behaviour {
		t.Errorf("sudo of a known root: %+v", got)
	}
	if got := run(t, inspect.New(parsed(t, "FROM a:1\nUSER app\nRUN sudo make\n"), based(root)), only(t, "sudo")); len(got[0].Fixes) != 0 {
		t.Errorf("sudo of a user who is not root is taken away: %+v", got)
	}
	workdir := parsed(t, "FROM node:22\nWORKDIR /app\nUSER x\nRUN npm ci\n")
	if found := run(t, inspect.New(workdir, based(worker)), only(t, "root-owned-workdir")); len(found) != 0 {
		t.Errorf("the base's user made the folder: %+v", found)
	}
}

// What a server needs is given to its user before USER.
func TestServerPathsAreGiven(t *testing.T) {
	for before, after := range map[string]string{
		"FROM nginx:1.28\nUSER nginx\n": "FROM nginx:1.28\nRUN touch /run/nginx.pid && chown -R nginx /var/cache/nginx /run/nginx.pid\nUSER nginx\n",
		"FROM debian:13\nRUN apt-get install -y apache2\nUSER www-data\nCMD [\"apachectl\", \"-D\", \"FOREGROUND\"]\n": "FROM debian:13\nRUN apt-get install -y apache2\n" +
			"RUN mkdir -p /run/apache2 /run/lock/apache2 /var/log/apache2 && chown -R www-data /run/apache2 /run/lock/apache2 /var/log/apache2\nUSER www-data\nCMD [\"apachectl\", \"-D\", \"FOREGROUND\"]\n",
	} {
		in := input(t, before, nil)
		found := run(t, in, only(t, "root-owned-path"))
		if len(found) != 1 || len(found[0].Fixes) != 1 {
			t.Errorf("%+v", found)
			continue
		}
		if got, _ := apply(t, in, found[0].Fixes[0]); string(got) != after {
			t.Errorf("%s\nwant\n%s", got, after)
		}
	}
}

// hadolint's DL3002 is a stage's last USER that says root. The finding carries
// that name there, but for stages that only others need, whose user runs nothing.
func TestDL3002IsHadolints(t *testing.T) {
	for name, f := range corpus(t) {
		in := inspect.New(f, inspect.Options{})
		leaf := in.Leaves()
		want := map[int]bool{} // by line
		for n := range f.Stages {
			last := -1
			for i := f.Stages[n].From + 1; i < f.Stages[n].End; i++ {
				if f.Instructions[i].Cmd == "USER" {
					last = i
				}
			}
			if last >= 0 && (leaf[n] || n == len(f.Stages)-1) && !in.Windows(&f.Stages[n]) && inspect.RootName(f.Instructions[last].Args[0]) {
				want[f.Instructions[last].Span.Line] = true
			}
		}
		found, _ := Run(t.Context(), in, []rule.Check{only(t, "root-user")})
		for _, x := range found {
			if slices.Contains(x.Aliases, "DL3002") != want[x.At[0].Source.Line] {
				t.Errorf("%s:%d: %v", name, x.At[0].Source.Line, x.Aliases)
			}
			delete(want, x.At[0].Source.Line)
		}
		for line := range maps.Keys(want) {
			t.Errorf("%s:%d: no DL3002", name, line)
		}
	}
}

// In the wild, each fix with edits, whatever its safety, leaves a file that
// parses and has the finding no more.
func TestPrivilegeFixesInTheWild(t *testing.T) {
	made := map[finding.RuleID]int{}
	for _, f := range corpus(t) {
		in := inspect.New(f, inspect.Options{})
		found, _ := Run(t.Context(), in, privilege.Checks())
		for _, x := range found {
			for _, y := range x.Fixes {
				proved(t, in, byID(t, x.Rule), x, y)
				if len(y.Edits) > 0 {
					made[x.Rule]++
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(made)) {
		t.Logf("%6d %s", made[id], id)
	}
	if len(made) < 8 {
		t.Errorf("fixes of %d rules only", len(made))
	}
}

// Lines grow by the thousand, and time with them, not with their square.
func TestPrivilegeRulesAreLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 4000
	for _, line := range []string{
		"USER root\n", "RUN sudo curl -k https://a.b/c\n", "WORKDIR /a%d\nUSER app\nRUN npm ci\n", "ARG A%d_TOKEN\nRUN echo $A%d_TOKEN\n", "COPY .npmrc ./\nRUN npm ci\n",
		"ADD https://a.b/c%d /\n", "FROM a%d:1 AS s%d\nCOPY --from=s%d /a /a\n", "ENV A%d_PASSWORD=correct-horse-%d\n", "CMD npm start --cap-drop=ALL\n", "EXPOSE %d\n", "VOLUME /etc\n",
		"ENTRYPOINT exec a\nCMD [\"b\"]\n", "FROM base\nUSER root\n",
	} {
		var b strings.Builder
		b.WriteString("FROM a:1 AS base\n")
		for i := range n {
			b.WriteString(strings.ReplaceAll(line, "%d", fmt.Sprint(i%60000+1)))
		}
		f := parsed(t, b.String())
		in := inspect.New(f, inspect.Options{})
		for _, c := range privilege.Checks() {
			start := time.Now()
			Run(t.Context(), in, []rule.Check{c})
			if took := time.Since(start); took > time.Second {
				t.Logf("%s takes %s for %d times %q", c.ID, took, n, line)
			}
		}
	}
}

// Whatever the file says: no panic, every finding has its place, and every edit
// lies in the file it was computed for.
func FuzzPrivilegeRules(f *testing.F) {
	for _, c := range privilege.Checks() {
		f.Add([]byte(c.Bad))
		f.Add([]byte(c.Good))
	}
	f.Add([]byte("FROM a\r\nENV A_TOKEN=abcdef99 B\r\nRUN sudo \\\r\n -E x && curl -k u\r\nCMD a --cap-drop \\\n ALL && node b"))
	f.Add([]byte("FROM a\nRUN chmod 4777 +."))
	f.Add([]byte("FROM nginx\nUSER a\nCOPY . .\nADD git://a@b/c#d http://u:p@h/x /y/\nRUN npm config set strict-ssl false;echo \"a:b\"|chpasswd;chmod 4777 /x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := dockerfile.Parse("Dockerfile", b)
		if err != nil || len(b) > 4096 {
			t.Skip()
		}
		in := inspect.New(file, inspect.Options{})
		found, _ := Run(t.Context(), in, privilege.Checks())
		for _, x := range found {
			complete(t, in, x)
			for _, y := range x.Fixes {
				apply(t, in, y)
			}
		}
	})
}

func BenchmarkPrivilegeRules(b *testing.B) {
	var all []*inspect.Input
	for _, f := range corpus(b) {
		all = append(all, inspect.New(f, inspect.Options{}))
	}
	for b.Loop() {
		for _, in := range all {
			Run(b.Context(), in, privilege.Checks())
		}
	}
}
