package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// keptAtHome are steps of a build that leave what the program looks for later in
// the home of who ran them.
var keptAtHome = []struct {
	what string
	step *lazyregexp.Regexp // in a RUN's text
	say  string             // what has it elsewhere
	said []string           // words of the file with which it is elsewhere
}{
	{"NLTK's data", lazyregexp.New(`nltk\.download(?:er\b|\()`), "NLTK_DATA", []string{"NLTK_DATA", "download_dir", "nltk.downloader -d"}},
	{
		"a model", lazyregexp.New(`\b(?:from_pretrained|pipeline|snapshot_download|hf_hub_download|SentenceTransformer|CrossEncoder|TextEmbedding)\(|\b(?:huggingface-cli|hf) download\b`),
		"HF_HOME",
		[]string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME", "XDG_CACHE_HOME", "cache_dir", "cache_folder", "local_dir", "--local-dir", "save_pretrained"},
	},
	{"a model", lazyregexp.New(`\b(?:torch\.hub\.|torchvision\.models\.|whisper\.load_model\(|stanza\.download\(|easyocr\.Reader\(|gensim\.downloader|keras\.applications\.|tensorflow_hub|tfds\.load\()`), "XDG_CACHE_HOME and TORCH_HOME", []string{
		"XDG_CACHE_HOME", "TORCH_HOME", "STANZA_RESOURCES_DIR", "EASYOCR_MODULE_PATH", "GENSIM_DATA_DIR", "KERAS_HOME", "TFHUB_CACHE_DIR", "download_root", "model_dir", "data_dir",
	}},
	{"a browser", lazyregexp.New(`\bplaywright(?:@[^ ]+)?\b[^&|;]*\binstall\b`), "PLAYWRIGHT_BROWSERS_PATH", []string{"PLAYWRIGHT_BROWSERS_PATH"}},
	{"a browser", lazyregexp.New(`\bpuppeteer(?:@[^ ]+)?\b[^&|;]*\bbrowsers install\b`), "PUPPETEER_CACHE_DIR", []string{"PUPPETEER_CACHE_DIR", "--path"}},
	{"a package of Julia", lazyregexp.New(`\bPkg\.(?:add|instantiate|build|precompile|develop)\b|\bpkg"`), "JULIA_DEPOT_PATH", []string{"JULIA_DEPOT_PATH"}},
	{"a module of pm2", lazyregexp.New(`\bpm2 install\b`), "PM2_HOME", []string{"PM2_HOME"}},
	{"a collection of Ansible", lazyregexp.New(`\bansible-galaxy\b[^&|;]*\binstall\b`), "ANSIBLE_COLLECTIONS_PATH", []string{"ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_ROLES_PATH", "ANSIBLE_HOME", " -p ", "--roles-path", "--collections-path"}},
	{"a plugin of Helm", lazyregexp.New(`\bhelm (?:plugin install|repo add)\b`), "HELM_DATA_HOME", []string{"HELM_DATA_HOME", "HELM_PLUGINS", "XDG_DATA_HOME"}},
	{"a tool of .NET", lazyregexp.New(`\bdotnet tool install\b[^&|;]*(?: -g\b| --global\b)`), "--tool-path", []string{"--tool-path"}},
	{"a setting of git", lazyregexp.New(`\bgit config\b[^&|;]*\s--global\b`), "it with --system", []string{"GIT_CONFIG_GLOBAL"}},
	{"a setting of the AWS, Google or Azure program", lazyregexp.New(`\baws configure set\b|\bgcloud config set\b|\baz (?:config|configure)\b`), "AWS_CONFIG_FILE, CLOUDSDK_CONFIG or AZURE_CONFIG_DIR", []string{"AWS_CONFIG_FILE", "CLOUDSDK_CONFIG", "AZURE_CONFIG_DIR", "--installation"}},
	{"a host's key", lazyregexp.New(`\bssh-keyscan\b[^&|;]*>+\s*(?:~|\$HOME|/root)/`), "it in /etc/ssh/ssh_known_hosts", nil},
	{"a repository's login", lazyregexp.New(`\b(?:docker|helm registry|crane auth|oras) login\b`), "DOCKER_CONFIG", []string{"DOCKER_CONFIG"}},
	{"a package of Composer", lazyregexp.New(`\bcomposer global require\b`), "COMPOSER_HOME", []string{"COMPOSER_HOME"}},
	{"Rust", lazyregexp.New(`sh\.rustup\.rs`), "CARGO_HOME and RUSTUP_HOME", []string{"CARGO_HOME"}},
	{"Node.js", lazyregexp.New(`nvm-sh/nvm/[^ ]*install\.sh`), "NVM_DIR", []string{"NVM_DIR"}},
	{"Bun", lazyregexp.New(`bun\.(?:sh|com)/install`), "BUN_INSTALL", []string{"BUN_INSTALL"}},
	{"Deno", lazyregexp.New(`deno\.land/(?:x/install/)?install\.sh`), "DENO_INSTALL", []string{"DENO_INSTALL"}},
	{"uv", lazyregexp.New(`astral\.sh/uv/[^ ]*install\.sh`), "UV_INSTALL_DIR", []string{"UV_INSTALL_DIR", "UV_UNMANAGED_INSTALL", "XDG_BIN_HOME"}},
	{"a Python", lazyregexp.New(`\buv python install\b`), "UV_PYTHON_INSTALL_DIR", []string{"UV_PYTHON_INSTALL_DIR"}},
	{"a tool", lazyregexp.New(`\buv tool install\b`), "UV_TOOL_DIR and UV_TOOL_BIN_DIR", []string{"UV_TOOL_DIR"}},
	{"a Java", lazyregexp.New(`get\.sdkman\.io`), "SDKMAN_DIR", []string{"SDKMAN_DIR"}},
	{"a rock", lazyregexp.New(`\bluarocks\b[^&|;]*--local\b`), "a tree for all", nil},
}

// forHome says what a RUN leaves in root's home that the program looks for in the
// home of its own user.
func (n *unprivileged) forHome(in *dockerfile.Instruction) error {
	for _, k := range keptAtHome {
		if k.step.MatchString(in.Raw) && !slices.ContainsFunc(k.said, n.mentions) && !n.mentions("HOME=") {
			return refuse(in, "%s is put into root's home, and who is not root looks for it in another: set %s first", k.what, k.say)
		}
	}
	return nil
}

// startedToBuild are programs that build or install when they start, into the folder they are in
// and with what they keep in the home of who runs them; for some only with one of
// these commands.
var startedToBuild = map[string][]string{
	"mvn": nil, "mvnw": nil, "gradle": nil, "gradlew": nil, "sbt": nil, "lein": nil, "clojure": nil, "clj": nil, "stack": nil, "cabal": nil, "mix": nil, "iex": {"-S"}, "rebar3": nil,
	"dune": nil, "zig": {"build"}, "cargo": {"run", "test", "watch", "build"}, "dotnet": {"run", "watch", "build", "test"}, "swift": {"run", "build", "test"}, "jekyll": {"serve", "s", "build", "b"},
	"go": {"build", "install"}, "make": nil, "npm": {"install", "ci", "i"}, "pnpm": {"install", "i"}, "yarn": {"install"}, "bun": {"install", "i"}, "composer": {"install", "update"},
	"hugo": nil, "hexo": {"server", "s", "generate", "g"}, "bundle": {"jekyll"}, "crystal": {"run", "build"}, "nimble": nil, "elm": nil, "shadow-cljs": nil,
}

// buildsFirst refuses what builds when it is started.
func (n *unprivileged) buildsFirst(in *dockerfile.Instruction, words []string) error {
	if len(words) == 0 {
		return nil
	}
	name := path.Base(words[0])
	if slices.Contains([]string{"npx", "pnpx", "bunx"}, name) && len(words) > 1 {
		words, name = words[1:], words[1]
	}
	if n.Context == nil && slices.Contains(builders, name) && !slices.Contains(words, "preview") && (name != "next" || !slices.Contains(words, "start")) {
		return refuse(in, "%s builds when it is started, in a folder that is root's: --context names the folder of the build", name)
	}
	with, builds := startedToBuild[name]
	if !builds || with != nil && !slices.ContainsFunc(words[1:], func(w string) bool { return slices.Contains(with, w) }) {
		return nil
	}
	return refuse(in, "%s builds when it is started, in a folder and a home that are root's: start what it builds, or give the folder to the user, first", strings.Join(words[:min(2, len(words))], " "))
}

// unversioned is a program's name without the version in it: "php-fpm8.2".
func unversioned(name string) string { return strings.TrimRight(name, "0123456789.") }
