package secret

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The samples are put together here so that this file trips nobody's scanner.
func sample(parts ...string) string { return strings.Join(parts, "") }

const (
	alnum36 = "Zk3mQ9vT2bXw7LpR4nYd8HsJ1cFg6KuVaEo5"
	hex64   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

var rsaKey = sample("-----BEGIN RSA ", "PRIVATE KEY-----\n", strings.Repeat("MIIEowIBAAKCAQEAu5Zk3mQ9vT2bXw7LpR4nYd8HsJ1cFg6KuVaEo5Tt0987aSd\n", 4), "-----END RSA PRIVATE KEY-----")

func TestFind(t *testing.T) {
	tests := []struct{ kind, before, value, after string }{
		{"aws-access-key-id", "key=", sample("AKIA", "Z7QRTW5NMKXLP2VD"), "\n"},
		{"aws-secret-access-key", `aws_secret_access_key = `, sample("wJ9rXUtnFEMI/K7MDENG+bPxRfiCYzQw", "mT4kLp2V"), "\n"},
		{"aws-secret-access-key", `"SecretAccessKey": "`, sample("wJ9rXUtnFEMI/K7MDENG+bPxRfiCYzQw", "mT4kLp2V"), `"`},
		{"gcp-api-key", "", sample("AI", "za", alnum36[:35]), ""},
		{"gcp-oauth-secret", "", sample("GOC", "SPX-", alnum36[:28]), ""},
		{"azure-storage-key", "AccountKey=", sample(hex64, alnum36[:22], "=="), ";EndpointSuffix=x"},
		{"azure-client-secret", "v=", sample("aB3", "8Q~", alnum36[:33]), "\n"},
		{"github-token", "https://x:", sample("gh", "p_", alnum36), "@github.com/a/b"},
		{"github-token", "t=", sample("github", "_pat_", "11ABQDEFG0aBtDeFrHiJkL_", alnum36, alnum36[:23]), " "},
		{"gitlab-token", "", sample("gl", "pat-", alnum36[:20]), ""},
		{"docker-token", "", sample("dckr", "_pat_", alnum36[:27]), ""},
		{"npm-token", "//registry.npmjs.org/:_authToken=", sample("np", "m_", alnum36), "\n"},
		{"npm-token", "//r.example.org/:_authToken=", "5f2d1b7c-9e1a-4c83-b2a5-77e1f0c3d9aa", "\n"},
		{"pypi-token", "", sample("pypi-", "AgEIcHlwaS5vcmc", alnum36, alnum36), ""},
		{"slack-token", "", sample("xo", "xb-", "2048573920-1038475629-", alnum36[:24]), ""},
		{"slack-webhook", "https://", sample("hooks.slack.com/", "services/", "T02ABCDEF/B03GHIJKL/", alnum36[:24]), ""},
		{"stripe-key", "", sample("sk_", "live_", alnum36[:24]), ""},
		{"twilio-key", "", sample("SK", hex64[:32]), ""},
		{"sendgrid-key", "", sample("S", "G.", alnum36[:22], ".", alnum36, "aBcDeF7"), ""},
		{"openai-key", "", sample("sk-", alnum36[:20], "T3Blbk", "FJ", alnum36[10:30]), ""},
		{"anthropic-key", "", sample("sk-ant-", "api03-", alnum36, "-", alnum36, "_", alnum36), ""},
		{"huggingface-token", "", sample("h", "f_", "ZkmQvTbXwLpRnYdHsJcFgKuVaEoiTtBnMq"), ""},
		{"digitalocean-token", "", sample("dop", "_v1_", hex64), ""},
		{"vault-token", "", sample("hv", "s.", alnum36[:24]), ""},
		{"terraform-token", "", sample(alnum36[:14], ".atlas", "v1.", alnum36, alnum36), ""},
		{"age-key", "", sample("AGE-SECRET-", "KEY-1", strings.Repeat("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA", 2)[:58]), ""},
		{"jwt", "Cookie: s=", "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoicm9vdCIsImlkIjo0Mn0.QmFzZTY0dXJsc2lnbmF0dXJl", "\n"},
		{"url-password", "postgres://app:", "s3cr3t!pw", "@db:5432/app"},
		{"url-password", "redis://:", "p4ssw0rd77", "@cache:6379/0"},
		{"database-password", "Server=db;User Id=sa;Password=", "Tr0ub4dor&3", ";Encrypt=yes"},
		{"docker-auth", `{"auths":{"https://index.docker.io/v1/":{"auth": "`, "YWxpY2U6Y29ycmVjdC1ob3JzZQ==", `"}}}`},
		{"private-key", "x\n", rsaKey, "\n"},
		{"private-key", `{"private_key": "`, strings.ReplaceAll(rsaKey, "\n", `\n`), `\n"}`},
		{"bearer-token", "Authorization: Bearer ", alnum36, `"`},
	}
	for _, tt := range tests {
		text := tt.before + tt.value + tt.after
		ms := Find([]byte(text))
		if len(ms) != 1 {
			t.Errorf("%s: Find(%q) = %v, want one match", tt.kind, text, ms)
			continue
		}
		if got := text[ms[0].Start:ms[0].End]; ms[0].Kind != tt.kind || got != tt.value {
			t.Errorf("Find(%q) = %s %q, want %s %q", text, ms[0].Kind, got, tt.kind, tt.value)
		}
		if r := Redact(text); strings.Contains(r, tt.value) || !strings.Contains(r, mark) {
			t.Errorf("%s: Redact(%q) = %q", tt.kind, text, r)
		}
	}
}

func TestFindNot(t *testing.T) {
	for _, text := range []string{
		"AKIAIOSFODNN7EXAMPLE",
		"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"https://user:${PASSWORD}@host/x", "https://user:<password>@host", "http://user:password@localhost",
		"postgres://user:pass@host/db", "git clone https://$USER:$TOKEN@host/x", "see https://go.dev/a:b and mail me@example.org",
		"http://[::1]:8080/", "scheme://host:80/path@2x.png", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
		"-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----",
		"a file that begins with -----BEGIN PRIVATE KEY----- is a key in the form of PKCS 8",
		"-----BEGIN CERTIFICATE-----\n" + strings.Repeat("MIIEowIBAAKCAQEAu5Zk3mQ9vT2bXw7LpR4nYd8HsJ1cFg6KuVaEo5Tt0987aSd\n", 4) + "-----END CERTIFICATE-----",
		"-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("MIIEowIBAAKCAQEAu5Zk3mQ9vT2bXw7LpR4nYd8HsJ1cFg6KuVaEo5Tt0987aSd\n", 4),
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
		"Password=hunter2hunter2 and no server", "TASK0123456789abcdef0123456789abcdef", "Bearer realm=\"https://auth.docker.io/token\"",
		"http_proxy_auth = get_proxy_credentials()", "https://abc:xyz@host", "cvs://:pserver:anoncvs@sources.example.org",
		"sha256:" + hex64, "SKIP", "npm_config_registry_is_a_name_that_is_long_enough",
	} {
		if ms := Find([]byte(text)); len(ms) != 0 {
			t.Errorf("Find(%q) = %+v, want none", text, ms)
		}
		if got := Redact(text); got != text && !strings.Contains(text, "Password=") {
			t.Errorf("Redact(%q) = %q", text, got)
		}
	}
}

func TestEncryptedKeys(t *testing.T) {
	body := strings.Repeat("MIIEowIBAAKCAQEAu5Zk3mQ9vT2bXw7LpR4nYd8HsJ1cFg6KuVaEo5Tt0987aSd\n", 3)
	for text, kind := range map[string]string{
		"-----BEGIN ENCRYPTED " + "PRIVATE KEY-----\n" + body:                                                                         "encrypted-private-key",
		"-----BEGIN RSA " + "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n" + body:                           "encrypted-private-key",
		"-----BEGIN PGP " + "PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n" + body:                                                    "pgp-private-key",
		"-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQy\n" + body: "private-key",
		"-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABC\n" + body + "AA==": "encrypted-private-key",
	} {
		ms := Find([]byte(text))
		if len(ms) != 1 || ms[0].Kind != kind {
			t.Errorf("Find(%q) = %+v, want one %s", text, ms, kind)
		}
	}
}

func TestEnv(t *testing.T) {
	tests := []struct{ name, value, kind string }{
		{"DB_PASSWORD", "hunter22", "password"},
		{"POSTGRES_PASSWORD", "postgres", "password"},
		{"dbPassword", "s3cret", "password"},
		{"API_TOKEN", "abcd-1234", "token"},
		{"STRIPE_API_KEY", "4242x", "api-key"},
		{"DB_PASSWORD", "123456", "password"},
		{"STRIPE_API_KEY", "4242", ""},
		{"SECRET_KEY", "on", ""},
		{"SSH_KEY", ".env", ""},
		{"SSH_KEY", `C:\keys\id`, ""},
		{"SIGNING_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D", ""},
		{"SIGNING_KEY", "a035c8c19219ba821ecea86b64e628f8d684696d", "secret-key"},
		{"SECRET_KEY_BASE", "0f9e8d", "secret-key"},
		{"ANYTHING", sample("gh", "p_", alnum36), "github-token"},
		{"DATABASE_URL", "mysql://app:tiger99@db/x", "url-password"},
		{"DB_PASSWORD", "", ""},
		{"DB_PASSWORD", "changeme", ""},
		{"DB_PASSWORD", "${DB_PASSWORD}", ""},
		{"DB_PASSWORD_FILE", "/run/secrets/db", ""},
		{"DB_PASSWORD", "/run/secrets/db", ""},
		{"MYSQL_ALLOW_EMPTY_PASSWORD", "yes", ""},
		{"GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568", ""},
		{"PWD", "/app-of-mine", ""},
		{"PATH", "/usr/bin", ""},
		{"TOKEN_TTL", "3600", ""},
		{"SSH_PUBLIC_KEY", "ssh-rsa AAAA", ""},
	}
	for _, tt := range tests {
		kind, ok := Env(tt.name, tt.value)
		if kind != tt.kind || ok != (tt.kind != "") {
			t.Errorf("Env(%q, %q) = %q, %v, want %q", tt.name, tt.value, kind, ok, tt.kind)
		}
	}
}

func TestRedact(t *testing.T) {
	pat := sample("gh", "p_", alnum36)
	for in, want := range map[string]string{
		"nothing here":                                                 "nothing here",
		"ENV T=" + pat:                                                 "ENV T=ghp_****",
		"PW=x " + pat + " again " + pat:                                "PW=x ghp_**** again ghp_****",
		"mysql -h db --password correct-horse -u me":                   "mysql -h db --password **** -u me",
		"export DB_PASSWORD='two words'; run":                          "export DB_PASSWORD='****'; run",
		"A_TOKEN=abcd1234xyz echo abcd1234xyz":                         "A_TOKEN=**** echo ****",
		"postgres://u:sw0rdfish@h/db":                                  "postgres://u:****@h/db",
		"K_SECRET=\"" + strings.ReplaceAll(rsaKey, "\n", " ") + "\" x": "K_SECRET=\"-----BEGIN RSA PRIVATE KEY-----****\" x",
		"B_TOKEN=x" + pat:                                              "B_TOKEN=****",
		"A_PASSWORD= B=postgres c":                                     "A_PASSWORD= B=postgres c",
		`echo \$X; PW_TOKEN=\$GIVEN_AT_RUN`:                            `echo \$X; PW_TOKEN=\$GIVEN_AT_RUN`,
		"c.token = os.environ['TOKEN']":                                "c.token = os.environ['TOKEN']",
		"ARG GOOGLE_CREDENTIALS=credentials.json":                      "ARG GOOGLE_CREDENTIALS=credentials.json",
		"wrong password: try again":                                    "wrong password: try again",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFile(t *testing.T) {
	tests := []struct {
		path, content string
		want          []string
	}{
		{"app/.env", "PORT=80\nDB_PASSWORD=tiger99\n# X_TOKEN=\nAPI_KEY=changeme\n", []string{"password tiger99"}},
		{"root/.npmrc", "registry=https://r/\n//r/:_authToken=${T}\n", nil},
		{"root/.netrc", "machine h login me password s3cr3tpw\n", []string{"netrc s3cr3tpw"}},
		{"root/.pgpass", "db:5432:app:me:tiger99\n#x\n", []string{"pgpass tiger99"}},
		{"x/.htpasswd", "me:$apr1$abc$def\nyou:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", []string{"htpasswd {SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}},
		{"root/.m2/settings.xml", "<server><password>tiger99</password></server>", []string{"password tiger99"}},
		{"etc/ssl/cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n", nil},
		{"root/.pypirc", "[pypi]\nusername = me\npassword = tiger99\n", []string{"password tiger99"}},
		{
			"root/.aws/credentials", "[default]\naws_access_key_id = AKIAZ7QRTW5NMKXLP2VD\naws_secret_access_key = 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\n",
			[]string{"aws-access-key-id AKIAZ7QRTW5NMKXLP2VD", "aws-secret-access-key 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"},
		},
		{"a/terraform.tfstate", `{"attributes":{"password":"tiger99","id":"x"}}`, []string{"password tiger99"}},
		{"a/config/master.key", hex64[:32] + "\n", []string{"rails-master-key " + hex64[:32]}},
		{"a/app.jks", "\xfe\xed\xfe\xed", []string{"keystore "}},
		{"var/www/wp-config.php", "define( 'DB_PASSWORD', 'tiger99' );\ndefine('DB_PASSWORD', 'changeme');", []string{"password tiger99"}},
		{"app/main.go", "password = tiger99", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, m := range File(tt.path, []byte(tt.content)) {
			got = append(got, m.Kind+" "+tt.content[m.Start:m.End])
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("File(%q) (-want +got):\n%s", tt.path, d)
		}
	}
}

func TestPath(t *testing.T) {
	for p, want := range map[string]string{
		"/app/.env": "dotenv", ".env.production": "dotenv", ".env.example": "", "prod.env": "dotenv", "/root/.ssh/id_rsa": "ssh-key", "id_rsa.pub": "",
		"root/.aws/credentials": "aws-credentials", "aws/credentials": "", "/root/.docker/config.json": "docker-config", "a/config.json": "",
		"x/server.key": "key-file", "x/a.pem": "key-file", "etc/ssh/ssh_host_rsa_key": "ssh-key", "my-service-account.json": "gcp-service-account", "go.mod": "",
	} {
		if got, ok := Path(p); got != want || ok != (want != "") {
			t.Errorf("Path(%q) = %q, %v, want %q", p, got, ok, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		"", "A_TOKEN=abcd1234xyz echo abcd1234xyz", "https://u:p4ss:w@h", rsaKey, sample("gh", "p_", alnum36, alnum36), "--token --password x=yyyy",
		"PASSWORD=\"a\"PASSWORD='b4c5d'", "a://:=PASSWORD=xyzw@b", "xPASSWORD=****1Password=server=;", "Server=;password=abc=password=zzzz",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := []byte(s)
		last := 0
		ms := Find(b)
		for _, m := range ms {
			if m.Start < last || m.End <= m.Start || m.End > len(b) || m.keep >= m.End-m.Start || m.Kind == "" || m.Severity == 0 {
				t.Fatalf("Find(%q) has %+v after %d", s, m, last)
			}
			last = m.End
		}
		out := Redact(s)
		for _, m := range ms {
			if v := s[m.Start:m.End]; len(v) >= 8 && strings.Contains(out, v) {
				t.Errorf("Redact(%q) = %q still has %q", s, out, v)
			}
		}
		if again := Redact(out); again != out {
			t.Errorf("Redact twice: %q, then %q", out, again)
		}
		for _, p := range []string{"x/.env", ".netrc", ".pgpass", ".htpasswd", ".m2/settings.xml", "master.key", "wp-config.php"} {
			last := 0
			for _, m := range File(p, b) {
				if m.Start < last || m.End <= m.Start || m.End > len(b) {
					t.Fatalf("File(%q, %q) has %+v after %d", p, s, m, last)
				}
				last = m.End
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	text := []byte(strings.Repeat("func main() { http.ListenAndServe(\":8080\", nil) } // see https://go.dev/doc and _the_ manual\n", 10000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if ms := Find(text); len(ms) != 0 {
			b.Fatal(ms)
		}
	}
}
