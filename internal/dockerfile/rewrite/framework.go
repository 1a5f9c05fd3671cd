package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// writers are frameworks that write into folders of the application while it runs.
var writers = []struct {
	name    string
	signs   []string // files of the application, all of which are there
	starts  []string // first words of what starts it
	folders []string
}{
	{"Rails", []string{"config/application.rb", "config/environment.rb"}, []string{"rails", "bin/rails", "./bin/rails"}, []string{"log", "tmp", "storage"}},
	{"Laravel", []string{"artisan", "bootstrap/app.php"}, []string{"php artisan"}, []string{"storage", "bootstrap/cache"}},
	{"Symfony", []string{"bin/console", "config/bundles.php"}, nil, []string{"var"}},
	{"CakePHP", []string{"bin/cake", "config/app.php"}, nil, []string{"logs", "tmp"}},
	{"CodeIgniter", []string{"spark", "app/Config/App.php"}, nil, []string{"writable"}},
	{"Drupal", []string{"web/index.php", "web/sites/default"}, nil, []string{"web/sites/default/files"}},
	{"Magento", []string{"bin/magento", "pub/index.php"}, nil, []string{"var", "generated", "pub/static", "pub/media"}},
	{"ThinkPHP", []string{"think", "config/app.php"}, []string{"php think"}, []string{"runtime"}},
	{"Hanami", []string{"config/app.rb", "config.ru"}, []string{"hanami"}, []string{"log", "tmp"}},
	{"Yii", []string{"yii", "config/web.php"}, nil, []string{"runtime", "web/assets"}},
}

// framework gives the user the folders that the application's framework writes
// into, with what is in them.
func (n *unprivileged) framework() {
	dir, ok := n.workdir(n.stage, n.stage.End)
	if !ok || dir == "/" || plainPath(dir) == "" {
		return
	}
	c := &conversion{draft: n.draft, stage: n.stage}
	if what, p := n.buildsAtStart(c, dir); what != "" {
		n.note("%s, which writes into %s", what, p)
		n.trees = append(n.trees, p)
		made := ""
		if p != dir {
			made = "mkdir -p " + p + " && "
		} else {
			n.unknown = slices.DeleteFunc(n.unknown, func(s string) bool { return s == fmt.Sprintf(staysRoots, dir) })
		}
		n.run = append(n.run, made+"chown -R "+n.owner+" "+p)
		return
	}
	for _, f := range writers {
		missing := slices.ContainsFunc(f.signs, func(sign string) bool { _, ok := c.source(path.Join(dir, sign), n.stage.End); return !ok })
		if missing && !n.startsWith(f.starts) {
			continue
		}
		folders := slices.Clone(f.folders)
		if text, ok := c.read(path.Join(dir, "config/database.yml"), n.stage.End); ok && f.name == "Rails" && strings.Contains(text, "sqlite3") {
			folders = append(folders, "db")
		}
		for _, folder := range folders {
			p := path.Join(dir, folder)
			n.note("%s writes into %s", f.name, p)
			if n.inVolume(p) {
				n.add(p)
			} else if !slices.Contains(n.own, p) {
				n.trees = append(n.trees, p)
			}
		}
		if all := strings.Join(n.trees, " "); all != "" {
			n.run = append(n.run, "mkdir -p "+all+" && chown -R "+n.owner+" "+all)
		}
		return
	}
}

// builders are programs of Node that fill a folder of the application.
var builders = []string{
	"webpack", "webpack-cli", "tsc", "parcel", "rollup", "esbuild", "tsup", "ng", "gulp", "grunt", "gatsby", "strapi", "docusaurus", "vue-cli-service", "react-scripts",
	"nest", "remix", "astro", "prisma", "nuxt", "nuxi", "next", "vite", "turbo", "nx", "bower", "swc", "babel", "hexo", "eleventy",
}

// buildsAtStart says what of the start builds the application, or keeps its data
// in the application's folder, and where; empty: nothing is seen to.
func (n *unprivileged) buildsAtStart(c *conversion, dir string) (what, into string) {
	if c.Context == nil {
		return "", ""
	}
	if text, ok := c.read(path.Join(dir, "package.json"), n.stage.End); ok {
		m, err := parseManifest(text)
		if err != nil {
			return "", ""
		}
		for i := n.stage.From + 1; i < n.stage.End; i++ {
			if in := &n.File.Instructions[i]; in.Cmd != "CMD" && in.Cmd != "ENTRYPOINT" {
				continue
			}
			tools, _ := m.tools(n.script(i).Commands, 0)
			for _, t := range tools {
				switch {
				case t.name == "next" && t.operand() == "start":
					return "Next.js keeps a cache", path.Join(dir, ".next")
				case slices.Contains(builders, t.name) && t.operand() != "preview":
					return t.name + " is run at the start", dir
				}
			}
		}
		return "", ""
	}
	if _, ok := c.source(path.Join(dir, "manage.py"), n.stage.End); ok {
		for _, name := range c.filesOf(".", "settings.py") {
			if b, err := c.Context.Read(name, maxText); err == nil && strings.Contains(string(b), "django.db.backends.sqlite3") {
				return "Django keeps its database in the application's folder", dir
			}
		}
	}
	return "", ""
}

// startsWith reports whether the image's start begins with one of some words, what
// bundle exec starts included.
func (n *unprivileged) startsWith(starts []string) bool {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		if in := &n.File.Instructions[i]; in.Cmd != "CMD" && in.Cmd != "ENTRYPOINT" {
			continue
		}
		for _, cmd := range n.script(i).Commands {
			var words []string
			for _, w := range cmd.Words {
				words = append(words, w.Text)
			}
			line := strings.TrimPrefix(strings.TrimPrefix(strings.Join(words, " "), "exec "), "bundle exec ") + " "
			if slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(line, s+" ") }) {
				return true
			}
		}
	}
	return false
}
