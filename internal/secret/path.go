package secret

import (
	"path"
	"strings"
)

// Path says what secret a file holds by its name alone, as in ".netrc" or
// "root/.aws/credentials"; the path may be absolute or relative. The name is a
// strong hint and no proof: a .pem may be a certificate and an .npmrc without
// credentials, which [File] tells from the content.
func Path(p string) (kind string, ok bool) {
	base := path.Base(p)
	if template(base) {
		return "", false
	}
	if kind, ok := names[base]; ok {
		return kind, true
	}
	if strings.HasPrefix(base, ".env.") || strings.HasSuffix(base, ".env") {
		return "dotenv", true
	}
	if strings.HasPrefix(base, "ssh_host_") && strings.HasSuffix(base, "_key") {
		return "ssh-key", true
	}
	dir := path.Base(path.Dir(p))
	for _, n := range inDirs {
		if base == n.base && dir == n.dir {
			return n.kind, true
		}
	}
	switch path.Ext(base) {
	case ".pem", ".key", ".p8", ".ppk":
		return "key-file", true
	case ".p12", ".pfx", ".jks", ".keystore":
		return "keystore", true
	case ".tfstate":
		return "terraform-state", true
	case ".tfvars":
		return "terraform-variables", true
	case ".kubeconfig":
		return "kubeconfig", true
	case ".htpasswd":
		return "htpasswd", true
	case ".json":
		if low := strings.ToLower(base); strings.Contains(low, "service") && strings.Contains(low, "account") ||
			low == "gcp-key.json" || low == "gcloud-key.json" {
			return "gcp-service-account", true
		}
	}
	return "", false
}

// template reports whether a file's name says that it is for filling in.
func template(base string) bool {
	for _, s := range []string{".example", ".sample", ".template", ".tmpl", ".dist", ".defaults", ".pub", "-example", ".tpl", ".j2"} {
		if strings.HasSuffix(base, s) || strings.Contains(base, s+".") {
			return true
		}
	}
	return false
}

// names are files that are secret wherever they lie.
var names = map[string]string{
	".env": "dotenv", ".envrc": "dotenv",
	".npmrc": "npm-config", ".yarnrc.yml": "npm-config", ".pypirc": "pypi-config", ".netrc": "netrc", "_netrc": "netrc",
	"id_rsa": "ssh-key", "id_dsa": "ssh-key", "id_ecdsa": "ssh-key", "id_ed25519": "ssh-key", "id_ecdsa_sk": "ssh-key", "id_ed25519_sk": "ssh-key",
	".git-credentials": "git-credentials", ".dockercfg": "docker-config", ".dockerconfigjson": "docker-config",
	"kubeconfig": "kubeconfig", ".htpasswd": "htpasswd", ".pgpass": "pgpass", ".my.cnf": "mysql-config", ".s3cfg": "s3-config", ".boto": "boto-config",
	"gradle.properties": "gradle-properties", "terraform.tfstate": "terraform-state", "terraform.tfstate.backup": "terraform-state",
	"application_default_credentials.json": "gcp-credentials", ".vault-token": "vault-token-file", "credentials.tfrc.json": "terraform-credentials",
	"rclone.conf": "rclone-config", "accessTokens.json": "azure-tokens", "msal_token_cache.json": "azure-tokens", "master.key": "rails-master-key",
	"wp-config.php": "wordpress-config", ".ftpconfig": "ftp-config", "sftp-config.json": "ftp-config",
}

// inDirs are files that are secret in one folder and may be anything elsewhere.
var inDirs = []struct{ dir, base, kind string }{
	{".aws", "credentials", "aws-credentials"},
	{".docker", "config.json", "docker-config"},
	{".kube", "config", "kubeconfig"},
	{"kubernetes", "admin.conf", "kubeconfig"},
	{".m2", "settings.xml", "maven-settings"},
	{"conf", "settings.xml", "maven-settings"},
	{".composer", "auth.json", "composer-auth"},
	{"composer", "auth.json", "composer-auth"},
	{".cargo", "credentials", "cargo-credentials"},
	{".cargo", "credentials.toml", "cargo-credentials"},
	{".gem", "credentials", "gem-credentials"},
	{"gh", "hosts.yml", "github-cli"},
	{"gcloud", "credentials.db", "gcp-credentials"},
}

// ForShow reports whether a path lies where examples and tests do: keys there
// are made to be seen.
func ForShow(p string) bool {
	for dir := range strings.SplitSeq(path.Dir(p), "/") {
		switch strings.ToLower(dir) {
		case "test", "tests", "testdata", "testing", "__tests__", "spec", "specs", "fixtures", "fixture", "example", "examples", "doc", "docs", "documentation", "demo", "demos", "sample", "samples", "mock", "mocks":
			return true
		}
	}
	low := strings.ToLower(path.Base(p))
	return strings.Contains(low, "snakeoil") || strings.Contains(low, "_test.") || strings.Contains(low, ".test.") || strings.Contains(low, ".spec.")
}
