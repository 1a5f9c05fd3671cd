package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/privilege"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Secrets of the tests: none is anyone's.
const (
	ghToken  = "ghp_" + "R4nd0mR4nd0mR4nd0mR4nd0mR4nd0mR4nd0m"
	password = "tr0ub4dor-and-3"
)

// Where a secret is found, no message, evidence, key or edit repeats it.
func TestSecretsAreNotRepeated(t *testing.T) {
	for _, c := range []struct {
		file string
		want int
	}{
		{"ENV DB_PASSWORD=" + password + " B=1\n", 1},
		{"ENV DB_PASSWORD \"" + password + "\"\n", 1},
		{"ENV URL=postgres://app:" + password + "@db/app\n", 1},
		{"ENV ANYTHING=" + ghToken + "\n", 1},
		{"ARG NPM_TOKEN=" + password + "\nRUN npm ci\n", 1},
		{"LABEL url=https://ci:" + password + "@git.internal/a.git\n", 1},
		{"RUN curl -u admin:" + password + " https://a.b/c\n", 1},
		{"RUN curl -H \"Authorization: token " + ghToken + "\" https://a.b/c\n", 1},
		{"RUN git clone https://" + ghToken + "@github.com/a/b.git\n", 1},
		{"RUN git clone https://abcdefabcdefabcdef98765432109876543210ff@github.com/a/b.git\n", 1},
		{"RUN git clone https://app:" + password + "@git.internal/a/b.git && true\n", 1},
		{"RUN docker login -u app -p " + password + " registry.internal\n", 1},
		{"RUN mysql -uroot -p" + password + " -e 'select 1'\n", 1},
		{"RUN sshpass -p " + password + " ssh a@b\n", 1},
		{"RUN wget --http-user=a --http-password=" + password + " https://a.b/c\n", 1},
		{"RUN export DB_PASSWORD=" + password + " && ./x\n", 1},
		{"RUN DB_PASSWORD=" + password + " ./x\n", 1},
		{"RUN ./configure --password " + password + "\n", 1},
		{"RUN npm config set //registry.npmjs.org/:_authToken=" + ghToken + "\n", 1},
		{"RUN useradd a && echo 'a:" + password + "' | chpasswd\n", 1},
		{"RUN sed -i 's/DB_PASSWORD=none/DB_PASSWORD=" + password + "/' .env\n", 1},
		{"ADD https://app:" + password + "@a.b/c.tgz /\n", 2}, // and no checksum
		{"CMD [\"/srv/app\", \"--token=" + ghToken + "\"]\n", 1},
		{"HEALTHCHECK CMD curl -fu admin:" + password + " http://localhost/\n", 0}, // -fu is not taken apart
		{"HEALTHCHECK CMD curl -f -u admin:" + password + " http://localhost/\n", 1},
		{"COPY <<EOF /root/.npmrc\n//registry.npmjs.org/:_authToken=" + ghToken + "\nEOF\n", 2}, // also a file of secrets? no: counted below
	} {
		in := input(t, "FROM a:1\n"+c.file, nil)
		var checks []rule.Check
		for _, r := range privilege.Checks() {
			if strings.Contains(string(r.ID), "secret") || r.ID == "dockerfile/password-in-build" || r.ID == "dockerfile/add-checksum" || r.ID == "dockerfile/plain-http" {
				checks = append(checks, r)
			}
		}
		found := run(t, in, checks...)
		if strings.HasPrefix(c.file, "COPY <<") {
			c.want = 1
		}
		if len(found) != c.want {
			t.Errorf("%d findings, want %d: %s", len(found), c.want, c.file)
		}
		all := run(t, in, Checks()...)
		b, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{password, ghToken, ghToken[4:], "abcdefabcdefabcdef98765432109876543210ff"} {
			if strings.Contains(string(b), s) {
				i := strings.Index(string(b), s)
				t.Errorf("the secret of %q is told: …%s…", c.file, b[max(0, i-200):i])
			}
		}
	}
}

func TestWhatIsNoSecret(t *testing.T) {
	for _, line := range []string{
		"ENV DB_PASSWORD=changeme\n", "ENV DB_PASSWORD=${DB_PASSWORD}\n", "ENV DB_PASSWORD=$PW\n", "ARG DB_PASSWORD\n", "ENV DB_PASSWORD=\n",
		"ENV DB_PASSWORD_FILE=/run/secrets/db\n", "ENV GPG_KEY=0D96DF4D4110E5C43FBFB17F2D347EA6AA65421D\n", "ENV RABBITMQ_PGP_KEY_ID=0x0A9AF2115F4687BD29803A206B73A36E6026DFCA\n",
		"ENV PUBLIC_KEY=4f64aaa7771b441ef5d72e941c350542\n", "ENV TOKENIZERS_PARALLELISM=false\n", "ENV SECRET_KEY_PATH=/a/b\n",
		"RUN --mount=type=secret,id=npm,env=NPM_TOKEN npm ci\n",
		"RUN --mount=type=secret,id=npm export NPM_TOKEN=\"$(cat /run/secrets/npm)\" && npm ci\n",
		"RUN curl -u \"$USER:$PASSWORD\" https://a.b/c\n", "RUN curl -u admin: https://a.b/c\n", "RUN git clone https://git@github.com/a/b.git\n",
		"RUN git clone https://${TOKEN}@github.com/a/b.git\n", "RUN mysql -p -e x\n", "RUN docker run -p 8080:80 app\n", "RUN svn co --username guest --password guest https://a.b/c\n",
		"RUN sed -i 's/password=secret12/password={{PW}}/' a\n", "RUN echo pwd=$(pwd)\n", "RUN export API_KEY=$KEY\n",
		"COPY cert.pem ca.pem /etc/ssl/\n", "COPY .env.example /app/.env\n", "COPY id_rsa.pub /root/.ssh/\n", "COPY gradle.properties versions.env ./\n", "COPY --from=b /etc/ssl/private/x.key /x\n",
		"LABEL token=none password=\"see the manual\"\n",
	} {
		in := input(t, "FROM a:1 AS b\nFROM a:1\n"+line, nil)
		for _, rule := range []string{"secret-value", "secret-file", "secret-build-argument"} {
			if got := say(t, in, rule); len(got) > 0 {
				t.Errorf("%s: %q", line, got)
			}
		}
	}
}

func TestSecretFiles(t *testing.T) {
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("Qm9uZSBvZiB5b3VyIGJ1c2luZXNzIGF0IGFsbCwg\n", 12) + "-----END RSA PRIVATE KEY-----\n"
	for _, c := range []struct {
		file  string
		files map[string]string
		want  finding.Severity // 0: none
	}{
		{"COPY id_rsa /root/.ssh/\n", nil, finding.High},
		{"COPY .aws/credentials /root/.aws/\n", nil, finding.High},
		{"COPY server.key /\n", nil, finding.Low},
		{"COPY server.key /\n", map[string]string{"server.key": key}, finding.Critical},
		{"COPY server.key /\n", map[string]string{"server.key": "public\n"}, 0},
		{"COPY .npmrc /\n", map[string]string{".npmrc": "registry=https://r.internal/\n"}, 0},
		{"COPY .npmrc /\n", map[string]string{".npmrc": "//r.internal/:_authToken=" + ghToken + "\n"}, finding.Critical},
		{"COPY .env /\n", map[string]string{".env": "PORT=80\n"}, 0},
		{"COPY .env /\n", nil, finding.Medium},
		{"COPY app/.env.production /\n", nil, finding.Medium},
	} {
		in := input(t, "FROM a:1\n"+c.file, c.files)
		found := run(t, in, only(t, "secret-file"))
		switch {
		case c.want == 0 && len(found) == 0:
		case len(found) != 1 || found[0].Severity != c.want:
			t.Errorf("%s %v: %+v", c.file, c.files, found)
		}
	}
	within := map[string]string{"app/config/.env": "DB_PASSWORD=" + password + "\n", "app/tests/id_rsa": key, "app/a.js": "", ".dockerignore": "app/secret\n", "app/secret/.env": "DB_PASSWORD=" + password}
	if found := run(t, input(t, "FROM a:1\nCOPY app /app\n", within), only(t, "secret-file")); len(found) != 1 || !strings.Contains(found[0].Message, "app/config/.env") {
		t.Errorf("in a folder: %+v", found)
	}
	built := run(t, input(t, "FROM a:1 AS b\nCOPY id_rsa /root/.ssh/\nFROM c:1\nCOPY --from=b /x /x\n", nil), only(t, "secret-file"))
	if len(built) != 1 || built[0].Severity != finding.Low {
		t.Errorf("in a build stage: %+v", built)
	}
}

// What a fix makes of a file, in full.
func TestSecretFixes(t *testing.T) {
	for _, c := range []struct{ rule, before, after string }{
		{
			"secret-file", "FROM node:22\nWORKDIR /app\nCOPY package.json .npmrc ./\nRUN npm ci\nRUN --mount=type=cache,target=/c yarn\n",
			"FROM node:22\nWORKDIR /app\nCOPY package.json ./\nRUN --mount=type=secret,id=npmrc,target=/app/.npmrc npm ci\nRUN --mount=type=secret,id=npmrc,target=/app/.npmrc --mount=type=cache,target=/c yarn\n",
		},
		{
			"secret-build-argument", "FROM a:1\nUSER root\nARG GH_TOKEN A\nRUN --mount=type=cache,target=/c curl -H \"X: $GH_TOKEN\" \\\n  https://a.b/c\n",
			"FROM a:1\nUSER root\nARG A\nRUN --mount=type=cache,target=/c --mount=type=secret,id=GH_TOKEN,required=true export GH_TOKEN=\"$(cat /run/secrets/GH_TOKEN)\" && curl -H \"X: $GH_TOKEN\" \\\n  https://a.b/c\n",
		},
		{"secret-value", "FROM a:1\nARG DB_PASSWORD=\"" + password + "\" B=1\n", "FROM a:1\nARG DB_PASSWORD B=1\n"},
	} {
		in := input(t, c.before, nil)
		found := run(t, in, only(t, c.rule))
		if len(found) != 1 || len(found[0].Fixes) != 1 {
			t.Errorf("%s: %+v", c.rule, found)
			continue
		}
		got, _ := apply(t, in, found[0].Fixes[0])
		if string(got) != c.after {
			t.Errorf("%s:\n%s\nwant\n%s", c.rule, got, c.after)
		}
	}
	// An argument that something else uses is not taken away.
	for _, file := range []string{
		"FROM a:1\nARG GH_TOKEN\nENV T=$GH_TOKEN\nRUN curl $GH_TOKEN\n", "FROM a:1\nARG GH_TOKEN\nRUN [\"sh\", \"-c\", \"curl $GH_TOKEN\"]\n", "FROM a:1 AS b\nARG GH_TOKEN\nRUN curl $GH_TOKEN\nFROM b\n",
	} {
		found := run(t, input(t, file, nil), only(t, "secret-build-argument"))
		if len(found) != 1 || len(found[0].Fixes) != 1 || len(found[0].Fixes[0].Edits) != 0 {
			t.Errorf("%s: %+v", file, found)
		}
	}
}

func TestIgnoreFile(t *testing.T) {
	const npm = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n"
	env := "DB_PASSWORD=" + password + "\n"
	for _, c := range []struct {
		what, file string
		files      map[string]string
		severity   finding.Severity
		edit       string
	}{
		{"nothing known", npm, nil, 0, ""},
		{"no copy of all", "FROM a:1\nCOPY src /src\n", map[string]string{".git/HEAD": "x"}, 0, ""},
		{"no file", npm, map[string]string{"a.js": ""}, finding.Low, ".git\n**/.env\nDockerfile*\n.dockerignore\n"},
		{"history and modules", npm, map[string]string{".git/HEAD": "x", "web/node_modules/a": "", "node_modules/b": "", ".dockerignore": "*.md"}, finding.Medium, "\n**/.git\n**/node_modules\n"},
		{"a secret", npm, map[string]string{".env": env, ".dockerignore": ".git\n"}, finding.High, ".env\n"},
		{"an .env without one", npm, map[string]string{".env": "PORT=80\n", ".dockerignore": ".git\n"}, 0, ""},
		{"ignored", npm, map[string]string{".env": env, "node_modules/a": "", ".dockerignore": "**/.env\nnode_modules\n"}, 0, ""},
		{"excluded by the copy", "FROM a:1\nCOPY --exclude=.git . .\n", map[string]string{".git/HEAD": "", ".dockerignore": "x\n"}, 0, ""},
		{"modules that the image needs", "FROM node:22\nCOPY . .\nCMD [\"node\", \"a.js\"]\n", map[string]string{"node_modules/a": "", "dist/a": "", "package.json": "{}", ".dockerignore": "x\n"}, 0, ""},
		{"output that is built anew", npm, map[string]string{"dist/a": "", "package.json": "{}", ".dockerignore": "x\n"}, finding.Medium, "dist\n"},
		{"in a build stage", "FROM a:1 AS b\nCOPY . .\nFROM c:1\nCOPY --from=b /x /x\n", map[string]string{".git/HEAD": "", ".dockerignore": "x\n"}, finding.Low, "**/.git\n"},
		{"copied from a stage", "FROM a:1 AS b\nFROM c:1\nCOPY --from=b . .\n", map[string]string{".git/HEAD": ""}, 0, ""},
	} {
		in := input(t, c.file, c.files)
		found := run(t, in, only(t, "ignore-file"))
		if c.severity == 0 {
			if len(found) > 0 {
				t.Errorf("%s: %+v", c.what, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Severity != c.severity || len(found[0].Fixes) != 1 {
			t.Errorf("%s: %+v", c.what, found)
			continue
		}
		e := found[0].Fixes[0].Edits[0]
		old := c.files[".dockerignore"]
		if e.File != ".dockerignore" || e.New != c.edit || e.Base != finding.DigestOf([]byte(old)) || e.Start != len(old) || e.End != len(old) {
			t.Errorf("%s: %+v, want %q", c.what, e, c.edit)
		}
		// With the edit made, there is nothing left to say.
		files := map[string]string{}
		for name, text := range c.files {
			files[name] = text
		}
		files[".dockerignore"] = old + e.New
		if again := say(t, input(t, c.file, files), "ignore-file"); len(again) > 0 {
			t.Errorf("%s: still %q", c.what, again)
		}
	}
}

func TestReadmeAndPackageScripts(t *testing.T) {
	in := input(t, "FROM a:1\n", map[string]string{"README.md": "# App\n\n```\ndocker run -d \\\n  --icc=false app\n```\ndockerd --icc=false\n"})
	found := run(t, in, only(t, "icc-on-run"))
	if len(found) != 1 || found[0].At[0].Source.File != "README.md" || found[0].At[0].Source.Line != 5 || found[0].At[0].Source.Column != 3 {
		t.Errorf("%+v", found)
	}
	in = input(t, "FROM node:22\nCMD npm start\n", map[string]string{"package.json": `{"scripts": {"start": "node --enable-source-maps server.js", "dev": "node a.js && b"}}`})
	found = run(t, in, only(t, "npm-as-init"))
	if len(found) != 1 || len(found[0].Fixes[0].Edits) != 1 || found[0].Fixes[0].Edits[0].New != `["node", "--enable-source-maps", "server.js"]` {
		t.Errorf("%+v", found)
	}
	in = input(t, "FROM node:22\nCMD [\"npm\", \"run\", \"dev\"]\n", map[string]string{"package.json": `{"scripts": {"dev": "node a.js && b"}}`})
	if found = run(t, in, only(t, "npm-as-init")); len(found) != 1 || len(found[0].Fixes[0].Edits) != 0 {
		t.Errorf("%+v", found)
	}
}

// The names of a finding are of its rule's, so that pragmas know them.
func TestPrivilegeAliases(t *testing.T) {
	for _, f := range corpus(t) {
		in := inspect.New(f, inspect.Options{})
		found, _ := Run(t.Context(), in, privilege.Checks())
		for _, x := range found {
			for _, a := range x.Aliases {
				if !slices.Contains(byID(t, x.Rule).Aliases, a) {
					t.Errorf("%s: %s is none of its rule's names", x.Rule, a)
				}
			}
		}
	}
	// A pragma of hadolint works where hadolint would fire.
	in := inspect.New(parsed(t, "# hadolint ignore=DL3057\nFROM a:1\nEXPOSE 80\n# hadolint ignore=DL3002\nUSER root\n"), inspect.Options{})
	found, _ := Run(t.Context(), in, []rule.Check{only(t, "no-healthcheck"), only(t, "root-user")})
	for _, x := range found {
		if x.Suppressed == nil {
			t.Errorf("%s is not suppressed", x.Rule)
		}
	}
}
