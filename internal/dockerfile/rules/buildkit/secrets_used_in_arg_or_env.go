package buildkit

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func secretsUsedInArgOrEnv() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/secrets-used-in-arg-or-env",
				Title:    "A variable that is named like a secret stays in the image",
				Practice: finding.LeastPrivilege,
				Traits:   finding.Traits{Hides: true},
				Severity: finding.High,
				Aliases:  []string{"SecretsUsedInArgOrEnv", "DL3064"},
				Why: "What ENV sets is in the image's configuration and in the environment of every process; what ARG is given is in the image's " +
					"history. Whoever can pull the image reads both. A secret that the build needs is mounted for the one RUN that uses it " +
					"(--mount=type=secret); one that the program needs is given to the container when it starts.",
				Bad:  "FROM node:24\nARG NPM_TOKEN\nRUN npm ci\n",
				Good: "FROM node:24\nRUN --mount=type=secret,id=npm,env=NPM_TOKEN npm ci\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				for i := range p.Input.File.Instructions {
					secretNames(p.Input, i, p.Report)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/2235577d07fbbcb209dbd9c87e2d44d3a37dcded.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/a38e332edd62b79800654b4d7482745362f4ab43.Dockerfile",
	}
}

// secretNames reports the variables of an instruction that are named like
// secrets: BuildKit by whole words, outside of ONBUILD; hadolint by parts of
// words and by names that it knows.
func secretNames(in *inspect.Input, i int, report func(finding.Finding)) {
	inst := &in.File.Instructions[i]
	stage, trigger := in.Stage(i), inst.Trigger != nil
	if trigger {
		inst = inst.Trigger
	}
	if inst.Cmd != "ENV" && inst.Cmd != "ARG" {
		return
	}
	for _, pair := range inst.Pairs() {
		name := pair.Key.Text
		if inst.Cmd == "ENV" && stage != nil && !trigger {
			name, _ = in.Scopes.Expand(stage, i, name)
		}
		var aliases []string
		if stage != nil && !trigger && secretWord(name) {
			aliases = append(aliases, "SecretsUsedInArgOrEnv")
		}
		if secretPart(name) {
			aliases = append(aliases, "DL3064")
		}
		if aliases == nil {
			continue
		}
		severity, value, ok := judged(inst.Cmd, name, pair)
		if !ok {
			continue
		}
		f := rule.At(pair.Key.Span, inst.Cmd+" "+name, "%s is named like a secret, and %s keeps what it is given in the image", name, inst.Cmd)
		f.Aliases = aliases
		if f.Severity = severity; !slices.Contains(aliases, "SecretsUsedInArgOrEnv") {
			f.Severity = finding.Low
		}
		if value != "" && f.Severity == finding.High {
			f = in.Hide(f, pair.Value.Span, value)
		}
		report(rule.WithFix(f, finding.NeedsReview, "Mount it where it is used: RUN --mount=type=secret,id="+strings.ToLower(name)+",env="+name))
	}
}

// judged is how bad it is that a variable is named like a secret, by what it holds;
// value is what is not to be shown, and false is what nobody has to hide. A name
// alone, or one of something about a secret, says little.
func judged(cmd, name string, pair dockerfile.Pair) (severity finding.Severity, value string, ok bool) {
	value = inspect.Unquote(pair.Value.Text)
	switch {
	case !pair.HasValue || cmd == "ARG" && value == "":
		return finding.Low, "", true
	case secret.Harmless(value), inspect.PublicByName(name) && !strings.HasPrefix(value, "$"):
		return 0, "", false
	case ofKind(name) && secret.Algorithm(value):
		return 0, "", false
	case strings.HasPrefix(value, "$"):
		return finding.Medium, "", cmd == "ENV" // what the build is given stays
	case aboutSecret(name), secret.Placeholder(value), inspect.KnownToAll(value):
		return finding.Low, "", true
	}
	return finding.High, value, true
}

// aboutSecret reports whether the last word of a name says that it is of
// something about a secret: how long it lasts, what it is called.
func aboutSecret(name string) bool {
	return ofKind(name) || slices.Contains([]string{
		"name", "username", "user", "email", "ttl", "path", "dir", "sock", "socket", "id", "url", "uri", "host", "port", "length", "size",
		"bits", "expiry", "expires", "expiration", "timeout", "enabled", "disabled", "header", "prefix", "suffix", "server",
		"provider", "issuer", "audience", "realm", "region", "parallelism", "driver", "backend", "class", "cost",
		"rounds", "policy", "strategy", "scope", "scopes", "lifetime", "retention", "limit", "max", "min", "count",
	}, lastWord(name))
}

// ofKind reports whether the last word of a name says that it is of what kind a secret
// is, or by which algorithm.
func ofKind(name string) bool {
	return slices.Contains([]string{
		"type", "kind", "algorithm", "algo", "alg", "cipher", "curve", "digest", "hasher", "method", "mode", "scheme", "format", "encoding",
	}, lastWord(name))
}

func lastWord(name string) string {
	return strings.ToLower(name[strings.LastIndexByte(name, '_')+1:])
}

// secretWord reports whether a word between a name's underscores is one for a
// secret, and none says that it is not.
func secretWord(name string) bool {
	is := false
	for _, word := range strings.Split(name, "_") {
		for _, w := range []string{"public", "file", "version"} {
			if strings.EqualFold(word, w) {
				return false
			}
		}
		for _, w := range []string{"apikey", "auth", "credential", "credentials", "key", "passwd", "password", "pword", "secret", "token"} {
			is = is || strings.EqualFold(word, w)
		}
	}
	return is
}

// secretPart reports whether hadolint takes a name for a secret's.
func secretPart(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"token", "secret", "password", "private", "username", "api_key", "client_key"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	// Account names of services, in which none of these is.
	return slices.Contains([]string{
		"application_key", "aws_access_key_id", "ci_deploy_user", "docker_email", "facebook_app_id", "heroku_api_user", "okta_authn_groupid",
		"okta_client_orgurl", "okta_oauth2_clientid", "stripe_device_name", "travis_os_name", "travis_secure_env_vars", "travis_sudo",
	}, lower)
}
