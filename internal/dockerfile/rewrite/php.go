package rewrite

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// phpTools build extensions, or what PHP needs on the way.
var phpTools = []string{
	"php", "composer", "composer.phar", "docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable", "docker-php-source", "pecl", "pear", "phpize", "npm", "yarn", "node", "npx", "make",
	"install-php-extensions", "artisan",
}

func isPHP(c *conversion) bool { return parseReference(c.stage.Base).official() == "php" }

// convertPHP leaves Composer, development dependencies and compilers with the
// build; the final stage gets the application and the extensions.
func convertPHP(c *conversion) error {
	folder, ok := c.workdir(c.stage, c.stage.End)
	if !ok || folder == "/" {
		return refuse(nil, "the working directory cannot be told, or is the root folder")
	}
	a := &carrying{conversion: c, folders: []string{folder, "/root/.composer", "/usr/bin/composer", "/usr/local/bin/composer", "/usr/bin/install-php-extensions", "/usr/local/bin/install-php-extensions"}, programs: phpTools, tools: []string{"zip", "unzip", "nodejs", "npm", "composer", "mercurial", "subversion", "p7zip-full", "$PHPIZE_DEPS"}, buildEnv: []string{"COMPOSER_ALLOW_SUPERUSER", "COMPOSER_HOME", "COMPOSER_MEMORY_LIMIT", "COMPOSER_NO_INTERACTION"}}
	installed, extensions := -1, false
	var exts []string // that are built, and what else stands there
	for _, r := range c.runs() {
		in := &c.File.Instructions[r.at]
		switch p := r.Program(); {
		case composes(r):
			if r.dir != "" && r.dir != folder {
				return refuse(in, "composer installs in %s, and the container starts in %s", r.dir, folder)
			}
			installed = r.at
			if !r.Has("--no-dev") {
				a.withoutDev(r)
			}
		case strings.HasPrefix(p, "docker-php-ext-"), p == "pecl", p == "install-php-extensions":
			extensions = true
			for _, w := range r.Args() {
				name, _, _ := strings.Cut(w.Text, "-")
				exts = append(exts, strings.ToLower(strings.TrimPrefix(name, "@")))
			}
		}
	}
	if installed < 0 {
		return refuse(nil, "composer installs nothing here: there is no build to be left behind")
	}
	var err error
	if a.base, err = a.runtime(KindPHP, a.stage); err != nil {
		return err
	}
	if err := a.phpClients(folder, exts); err != nil {
		return err
	}
	if err := a.carry(); err != nil {
		return err
	}
	if extensions {
		for _, dir := range []string{"/usr/local/lib/php/extensions", "/usr/local/etc/php/conf.d"} {
			a.copies = append(a.copies, "COPY --from=build "+dir+" "+dir)
		}
		a.note("PHP's extensions are built once, and go along as they are")
		a.undecided("whether the final stage has every library that the extensions load")
	}
	a.folders = []string{folder}
	a.fromBuild()
	a.note("composer stays with the build")
	a.change(path.Join(folder, "vendor"), "development dependencies are not installed")
	a.change("/usr/bin/composer", "composer is needed by the build alone")
	a.change("/usr/local/bin/composer", "composer is needed by the build alone")
	return nil
}

// phpStarts finds what a program in PHP starts.
var phpStarts = lazyregexp.New(`(?:\b(?:exec|shell_exec|system|passthru|popen|proc_open)\s*\(|\bProcess(?:::fromShellCommandline|::run)?\s*\()\s*\[?\s*['"]([\w./-]+)`)

// phpClients has the final stage keep what Composer's packages and the program
// start, and install what its extensions load.
func (a *carrying) phpClients(folder string, extensions []string) error {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(extensions))) {
		if err := a.needed("the extension "+name, phpExtensions[name], true); err != nil {
			return err
		}
	}
	if a.Context == nil {
		return nil
	}
	text, _ := a.read(path.Join(folder, "composer.json"), a.stage.End)
	var m struct{ Require map[string]any }
	if text != "" && json.Unmarshal([]byte(text), &m) != nil {
		a.undecided("what composer.json asks for: it cannot be read")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Require)) {
		if err := a.needed(name, phpClients[name], false); err != nil {
			return err
		}
	}
	from, ok := a.source(folder, a.stage.End)
	if !ok {
		return nil
	}
	found := a.starting(from, phpStarts, ".php")
	for _, p := range slices.Sorted(maps.Keys(found)) {
		if known, ok := programs[p]; ok && known.alpine != "" {
			if err := a.needed(found[p], known, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// composes reports whether a command has Composer install what is asked for.
func composes(r run) bool {
	words := r.Words
	for i, w := range words {
		if base := path.Base(w.Text); base == "composer" || base == "composer.phar" {
			return slices.ContainsFunc(words[i+1:], func(w dockerfile.ShellWord) bool { return w.Text == "install" })
		}
	}
	return false
}

// withoutDev has Composer leave development dependencies out.
func (a *carrying) withoutDev(r run) {
	for _, w := range r.Words {
		if w.Text == "install" && w.Literal {
			a.edit(w.Span.End, w.Span.End, " --no-dev")
			a.note("composer installs no development dependencies any more (--no-dev)")
			return
		}
	}
}
