package rules

import (
	"fmt"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestSecretNamesAreJudgedByTheirValues(t *testing.T) {
	const none = finding.Severity(-1)
	for line, want := range map[string]finding.Severity{
		"ENV DB_PASSWORD=tr0ub4dor-and-3":                          finding.High,
		"ENV DB_PASSWORD=123456":                                   none, // a number by itself; secret-value knows it by the name
		"ARG NPM_TOKEN=tr0ub4dor-and-3":                            finding.High,
		"ENV SIGNING_KEY=a035c8c19219ba821ecea86b64e628f8d684696d": finding.High,
		"ARG NPM_TOKEN":                                            finding.Low,
		"ARG NPM_TOKEN=":                                           finding.Low,
		"ENV DB_PASSWORD=changeme":                                 finding.Low,
		"ENV KEY_NAME=deploy":                                      finding.Low,
		"ARG USERNAME=developer":                                   finding.Low,
		"ENV PASSWORD_HASHER=custom":                               finding.Low,
		"ENV TOKEN_ALGO=tr0ub4dor-and-3":                           finding.Low,
		"ENV JWT_SECRET=ed25519":                                   finding.High, // an algorithm's name, and yet a secret's value
		"ENV PASSWORD_HASHER=argon2":                               none,
		"ENV SSH_KEY_TYPE=ed25519":                                 none,
		"ARG SSH_KEY_TYPE=rsa":                                     none,
		"ENV JWT_KEY_ALGORITHM=RS256":                              none,
		"ENV SECRET_KEY_CIPHER=aes-256-gcm":                        none,
		"ENV AUTH_KEY_CURVE=secp256r1":                             none,
		"ENV TOKEN_TYPE=Bearer":                                    none,
		"ENV API_KEY_FORMAT=pem":                                   none,
		"ENV TOKEN_POLICY=rotating":                                finding.Low,
		"ENV NPM_TOKEN=$NPM_TOKEN":                                 finding.Medium,
		"ENV GITHUB_TOKEN=\"\"":                                    none,
		"ENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D":     none,
		"ENV SIGNING_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D": none,
		"ENV SSH_AUTH_SOCK=/tmp/agent.sock":                        none,
		"ENV ALLOW_EMPTY_PASSWORD=yes":                             none,
		"ENV JWT_TOKEN_TTL=60":                                     none,
		"ENV JWT_TOKEN_TTL=15m":                                    none,
		"ENV SSH_KEY_PATH=/x":                                      none,
		"ENV AUTH_KEY=.env":                                        none,
		"ENV AUTH_KEY=C:\\\\keys\\\\id":                            none,
		"ENV PASSWORD_FILE=/run/secrets/p":                         none,
		"ENV TOKENIZERS_PARALLELISM=false":                         none,
		"ENV GOOGLE_APPLICATION_CREDENTIALS=/srv/x.json":           none,
	} {
		found := run(t, input(t, "FROM a:1\n"+line+"\n", nil), byID(t, "dockerfile/secrets-used-in-arg-or-env"))
		got := none
		if len(found) > 0 {
			got = found[0].Severity
			if got == finding.Unspecified {
				got = byID(t, "dockerfile/secrets-used-in-arg-or-env").Severity
			}
		}
		if len(found) > 1 || got != want {
			t.Errorf("%s: %d findings, %v, want %v", line, len(found), got, want)
		}
		if hides := len(found) > 0 && len(found[0].Hidden) > 0; hides != (want == finding.High) {
			t.Errorf("%s: hides a value: %v", line, hides)
		}
		if len(found) > 0 && len(found[0].Hidden) > 0 && fmt.Sprintf("%v %+v %#v %s", found[0].Hidden, found[0].Hidden, found[0].Hidden, found[0].Hidden[0]) != `[****] [****] []finding.Secret{"****"} ****` {
			t.Errorf("%s: the value is printed", line)
		}
	}
}
