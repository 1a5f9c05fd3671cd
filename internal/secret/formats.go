package secret

import "github.com/drydock-dev/drydock/internal/finding"

const (
	low      = finding.Low
	medium   = finding.Medium
	high     = finding.High
	critical = finding.Critical
)

// formats are the secrets that are known by their own form. The prefixes and
// lengths are those their issuers document.
var formats = []format{
	{kindPrivateKey, critical, []string{"BEGIN "}, pem},
	{kindURL, high, []string{"://"}, urlPassword},
	{"bearer-token", medium, []string{"Bearer ", "bearer "}, bearer},
	{"jwt", low, []string{"eyJ"}, jwt},

	// Clouds.
	parts("aws-access-key-id", medium, base32, 0, []int{16}, "AKIA", "ASIA", "ABIA", "ACCA"),
	named("aws-secret-access-key", critical, std64, 40, 40, "aws_secret_access_key", "AWS_SECRET_ACCESS_KEY",
		"aws_secret_key", "AWS_SECRET_KEY", "SecretAccessKey", "secretAccessKey", "secret_access_key", "awsSecretKey"),
	parts("gcp-api-key", medium, url64, 0, []int{35}, "AIza"),
	token("gcp-oauth-secret", high, url64, 28, 28, "GOCSPX-"),
	token("gcp-access-token", medium, url64, 30, 2048, "ya29."),
	named("azure-storage-key", critical, std64, 88, 88, "AccountKey"),
	named("azure-shared-access-key", high, std64, 44, 44, "SharedAccessKey"),
	{"azure-client-secret", high, []string{"0Q~", "1Q~", "2Q~", "3Q~", "4Q~", "5Q~", "6Q~", "7Q~", "8Q~", "9Q~"}, azureSecret},
	token("digitalocean-token", high, hexLow, 64, 64, "dop_v1_", "doo_v1_", "dor_v1_"),
	token("heroku-api-key", high, url64, 36, 90, "HRKU-"),
	token("fly-token", high, std64, 80, 2048, "fm1r_", "fm2_"),
	token("netlify-token", high, alnum, 36, 40, "nfp_"),

	// Forges and registries.
	token("github-token", critical, alnum, 36, 251, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
	token("github-token", critical, word_, 82, 82, "github_pat_"),
	token("gitlab-token", critical, dotted, 20, 300, "glpat-", "gldt-", "glrt-", "glptt-", "glsoat-", "glft-", "glimt-", "glagent-", "glcbt-"),
	token("bitbucket-token", high, dotted, 28, 40, "ATBB"),
	token("atlassian-token", high, chars("a-z", "A-Z", "0-9", "_=", "-"), 180, 260, "ATATT3xFfGF0"),
	token("docker-token", critical, url64, 27, 40, "dckr_pat_", "dckr_oat_"),
	{"docker-auth", high, []string{`"auth"`}, dockerAuth},
	token("npm-token", critical, alnum, 36, 36, "npm_"),
	{"npm-token", critical, []string{":_authToken", "_auth=", "_auth ="}, npmrc},
	token("pypi-token", critical, url64, 50, 400, "pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZ"),
	token("rubygems-token", critical, hexLow, 48, 48, "rubygems_"),
	token("artifactory-token", high, alnum, 69, 69, "AKCp"),

	// Services.
	token("slack-token", high, url64, 20, 250, "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"),
	token("slack-webhook", medium, chars("a-z", "A-Z", "0-9", "/"), 40, 80, "hooks.slack.com/services/"),
	token("discord-webhook", medium, chars("a-z", "A-Z", "0-9", "/", "_", "-"), 80, 100, "discord.com/api/webhooks/"),
	token("stripe-key", critical, alnum, 20, 247, "sk_live_", "rk_live_"),
	token("stripe-test-key", low, alnum, 20, 247, "sk_test_", "rk_test_"),
	token("stripe-webhook-secret", high, alnum, 32, 64, "whsec_"),
	parts("twilio-key", high, hexLow, 0, []int{32}, "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7",
		"SK8", "SK9", "SKa", "SKb", "SKc", "SKd", "SKe", "SKf").shorter(),
	parts("sendgrid-key", high, url64, '.', []int{22, 43}, "SG."),
	token("openai-key", high, url64, 40, 300, "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"),
	{"openai-key", high, []string{"T3BlbkFJ"}, openAI},
	token("anthropic-key", high, url64, 80, 200, "sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-"),
	token("huggingface-token", high, letters, 34, 34, "hf_"),
	token("groq-key", high, alnum, 52, 52, "gsk_"),
	token("xai-key", high, alnum, 80, 80, "xai-"),
	token("perplexity-key", high, alnum, 48, 48, "pplx-"),
	token("databricks-token", high, hexLow, 32, 32, "dapi"),
	token("grafana-token", high, word_, 41, 41, "glsa_"),
	token("grafana-token", high, std64, 32, 400, "glc_"),
	token("shopify-token", high, hexAny, 32, 32, "shpat_", "shpss_", "shpca_", "shppa_"),
	token("square-token", high, url64, 22, 60, "sq0atp-", "sq0csp-"),
	token("newrelic-key", medium, upper, 27, 27, "NRAK-"),
	token("postman-key", medium, url64, 50, 70, "PMAK-"),
	token("pulumi-token", high, hexLow, 40, 40, "pul-"),
	token("sentry-token", medium, std64, 40, 400, "sntrys_", "sntryu_"),
	token("supabase-token", high, hexLow, 40, 40, "sbp_"),
	token("planetscale-secret", high, dotted, 32, 64, "pscale_tkn_", "pscale_pw_", "pscale_oauth_"),
	token("figma-token", medium, url64, 40, 60, "figd_"),
	token("tailscale-key", high, url64, 20, 80, "tskey-auth-", "tskey-api-", "tskey-client-"),
	token("doppler-token", high, alnum, 40, 44, "dp.pt.", "dp.st."),
	token("linear-key", medium, alnum, 40, 40, "lin_api_"),
	parts("dynatrace-token", high, base32, '.', []int{24, 64}, "dt0c01.", "dt0s01."),

	// Secret keepers.
	token("vault-token", critical, url64, 24, 300, "hvs.", "hvb.", "hvr."),
	{"terraform-token", high, []string{".atlasv1."}, terraform},
	token("age-key", critical, bech32, 58, 58, "AGE-SECRET-KEY-1"),
	{"database-password", high, []string{"Password=", "password=", "PASSWORD=", "Pwd=", "pwd="}, connectionString},
}

// shorter takes the last byte of each word as the first of the run: the word
// has it only because a word of three bytes is found faster than one of two.
func (f format) shorter() format {
	inner := f.at
	f.at = func(b []byte, at int, word string) (int, int, int, bool) { return inner(b, at, word[:len(word)-1]) }
	return f
}
