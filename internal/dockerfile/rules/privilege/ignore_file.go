package privilege

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func ignoreFile() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/ignore-file",
				Title:    "A copy of the whole folder takes in what no image should hold",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "COPY . takes all that .dockerignore does not name: the history of the repository with every secret that was ever in it, .env files and keys, modules " +
					"built for another system, yesterday's output. It makes the image larger, changes the layer with each commit, and gives to whoever pulls it what was never " +
					"meant to leave the machine.",
				Bad:  "FROM node:22-slim\nWORKDIR /app\nCOPY . .\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY . .\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				if in.Options.Context == nil {
					return nil
				}
				i, w, ok := wholeCopy(in)
				if !ok {
					return nil
				}
				seen, unknown := unwanted(in, excluded(in, i))
				if unknown != nil {
					p.Unknown(*unknown)
				}
				shipped := chain(in)[in.Stage(i).Index]
				// What the ignore file cannot leave out is a finding of its own: the rest keeps its fix.
				needed, free := byNeed(seen)
				cmd := in.File.Instructions[i].Cmd
				if len(needed) > 0 {
					p.Report(letIn(in, cmd, w, needed, shipped))
				}
				switch {
				case len(free) > 0:
					p.Report(letIn(in, cmd, w, free, shipped))
				case len(needed) == 0 && in.Options.Context.IgnoreFile == "":
					p.Report(noIgnoreFile(in, cmd, w))
				}
				return nil
			},
		},
		BadContext:  map[string]string{"package.json": "{}", ".env": "DB_PASSWORD=correct-horse-battery\n", "node_modules/a/index.js": "", ".git/HEAD": "ref: refs/heads/main\n"},
		GoodContext: map[string]string{"package.json": "{}", ".env": "DB_PASSWORD=correct-horse-battery\n", "node_modules/a/index.js": "", ".dockerignore": ".git\n.env\nnode_modules\n"},
	}
}

// wholeCopy is the first instruction that copies the whole folder: one of the
// final stage before one of another.
func wholeCopy(in *inspect.Input) (int, dockerfile.Word, bool) {
	shipped := chain(in)
	at, word := -1, dockerfile.Word{}
	for i := range in.File.Instructions {
		inst := &in.File.Instructions[i]
		if inst.Cmd != "COPY" && inst.Cmd != "ADD" || inspect.HasFlag(inst, "from") || len(inst.Words) < 2 {
			continue
		}
		for _, w := range inst.Words[:len(inst.Words)-1] {
			if slices.Contains([]string{".", "./", "/", "./.", "*", "./*"}, w.Text) && (at < 0 || shipped[inst.Stage] && !shipped[in.File.Instructions[at].Stage]) {
				at, word = i, w
			}
		}
	}
	return at, word, at >= 0
}

// excluded are the --exclude patterns of a copy.
func excluded(in *inspect.Input, i int) []string {
	var out []string
	for _, f := range in.File.Instructions[i].FlagWords {
		if f.Name == "exclude" {
			out = append(out, strings.Trim(f.Value, "/"))
		}
	}
	return out
}

// unwantedEntry is something in the build context that no image should hold.
type unwantedEntry struct {
	path, pattern, what string
	secret              bool
	needed              string // what would miss it; empty where nothing is seen to
}

// unwantedFolders are known by their name; where the name may mean something
// else, by a file that stands beside them; where the image may need what was
// made outside, by a RUN that makes it anew.
var unwantedFolders = []struct {
	name, what, beside string
	madeBy             func(*dockerfile.Command) bool
}{
	{".git", "the repository's history", "", nil},
	{".svn", "the repository's history", "", nil},
	{".hg", "the repository's history", "", nil},
	{"node_modules", "modules of this machine", "", installsModules},
	{".venv", "a virtual environment of this machine", "", nil},
	{"venv", "a virtual environment of this machine", "requirements.txt", nil},
	{"__pycache__", "compiled files of this machine", "", nil},
	{"target", "build output", "Cargo.toml", runs("cargo")},
	{"target", "build output", "pom.xml", runs("mvn", "mvnw")},
	{"dist", "build output", "package.json", buildsPages},
	{"build", "build output", "build.gradle", runs("gradle", "gradlew")},
	{".terraform", "Terraform's state and plug-ins", "", nil},
	{".aws", "credentials", "", nil},
	{".ssh", "keys", "", nil},
}

const (
	maxDepth   = 3
	maxEntries = 5000
)

// unwanted looks for such entries in the folders of the context down to three
// levels, without those that are unwanted themselves.
func unwanted(in *inspect.Input, excluded []string) ([]unwantedEntry, *finding.Unknown) {
	c := in.Options.Context
	var out []unwantedEntry
	entries := 0
	var look func(dir string, depth int) error
	look = func(dir string, depth int) error {
		list, err := fs.ReadDir(c.FS, dir)
		if err != nil {
			return err
		}
		if entries += len(list); entries > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		here := map[string]bool{}
		for _, e := range list {
			here[e.Name()] = true
		}
		for _, e := range list {
			name := path.Join(dir, e.Name())
			if c.Ignored(name) || letInOnPurpose(in, name) || slices.Contains(excluded, name) || slices.Contains(excluded, e.Name()) {
				continue
			}
			if e.IsDir() {
				if u, ok := unwantedFolder(in, name, here); ok {
					out = append(out, u)
				} else if depth < maxDepth {
					if err := look(name, depth+1); err != nil {
						return err
					}
				}
				continue
			}
			if u, ok := unwantedFile(in, name); ok {
				out = append(out, u)
			}
		}
		return nil
	}
	if err := look(".", 1); err != nil {
		return out, &finding.Unknown{What: "what COPY takes from the build context", Why: err.Error()}
	}
	return out, nil
}

func unwantedFolder(in *inspect.Input, name string, beside map[string]bool) (unwantedEntry, bool) {
	for _, u := range unwantedFolders {
		if path.Base(name) == u.name && (u.beside == "" || beside[u.beside]) && (u.madeBy == nil || madeAgain(in, name, u.madeBy)) {
			out := unwantedEntry{path: name, pattern: name, what: u.what, secret: u.name == ".aws" || u.name == ".ssh", needed: neededFor(in, name, true)}
			if u.beside == "" {
				out.pattern = "**/" + u.name
			}
			return out, true
		}
	}
	return unwantedEntry{}, false
}

// unwantedFile reports whether a file holds secrets, by its content.
func unwantedFile(in *inspect.Input, name string) (unwantedEntry, bool) {
	if _, ok := secret.Path(name); !ok || secret.ForShow(name) {
		return unwantedEntry{}, false
	}
	b, err := in.Options.Context.Read(name, inspect.MaxReadme)
	if err != nil {
		return unwantedEntry{}, false
	}
	ms := secret.File(name, b)
	if strings.HasPrefix(path.Base(name), ".env") && readsVariables(in) {
		// What a bundler puts into its pages is for everyone: VITE_API_KEY.
		ms = slices.DeleteFunc(ms, func(m secret.Match) bool { return bundled(string(b), m.Start) })
	}
	if len(ms) == 0 {
		return unwantedEntry{}, false
	}
	return unwantedEntry{path: name, pattern: name, what: "a secret (" + ms[0].Kind + ")", secret: true, needed: neededFor(in, name, false)}, true
}

// bundled reports whether the line at a byte assigns a variable that bundlers put
// into what they make.
func bundled(text string, at int) bool {
	line := text[strings.LastIndexByte(text[:at], '\n')+1:]
	line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
	for _, prefix := range []string{"VITE_", "REACT_APP_", "NEXT_PUBLIC_", "NUXT_PUBLIC_", "PUBLIC_", "VUE_APP_", "GATSBY_", "EXPO_PUBLIC_"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// letInOnPurpose reports whether the ignore file makes an exception for a path: that
// is a decision.
func letInOnPurpose(in *inspect.Input, name string) bool {
	for line := range strings.Lines(string(in.Options.Context.Ignore)) {
		pattern, ok := strings.CutPrefix(strings.TrimSpace(line), "!")
		if !ok {
			continue
		}
		pattern = strings.TrimPrefix(strings.Trim(strings.TrimSpace(pattern), "/"), "**/")
		if match, err := path.Match(pattern, name); err == nil && match || pattern == name || pattern == path.Base(name) || strings.HasPrefix(pattern, name+"/") {
			return true
		}
	}
	return false
}

// usualPatterns are what an ignore file leaves out first: the history, unless the
// build reads it, variables, unless it or the program does, and the Dockerfile.
func usualPatterns(in *inspect.Input) []string {
	var out []string
	if !in.ReadsHistory() {
		out = append(out, ".git")
	}
	if !readsVariables(in) {
		out = append(out, "**/.env")
	}
	return append(out, "Dockerfile*", ".dockerignore")
}

// ofVariables are programs and modules that read .env themselves, as they build
// or as they run.
var ofVariables = []string{"vite", "react-scripts", "next build", `"next"`, "nuxt", "astro", "dotenv", "godotenv", "@nestjs/config", "environ.Env", "python-decouple", "decouple", "pydantic-settings", "pydantic_settings", "phpdotenv", "laravel/framework", "symfony/dotenv", "vue-cli-service", "gatsby", "expo"}

// readsVariables reports whether something is seen to read .env.
func readsVariables(in *inspect.Input) bool {
	return in.AnyMentions(ofVariables, "package.json", "go.mod", "requirements.txt", "pyproject.toml", "Pipfile", "composer.json", "Gemfile", "Cargo.toml")
}

// noIgnoreFile is the finding of a copy of the whole folder, in which nothing
// unwanted was seen, where no ignore file keeps it so.
func noIgnoreFile(in *inspect.Input, cmd string, w dockerfile.Word) finding.Finding {
	f := rule.At(w.Span, "no .dockerignore", "%s %s takes the whole folder, and there is no .dockerignore", cmd, w.Text)
	f.Severity = finding.Low
	return rule.WithFix(f, finding.NeedsReview, "Write a .dockerignore", ignoreEdit(in, usualPatterns(in)))
}

// letIn is the finding of a copy that takes in what was seen: all of it something
// that the ignore file can leave out, or all of it something that is needed.
func letIn(in *inspect.Input, cmd string, w dockerfile.Word, seen []unwantedEntry, shipped bool) finding.Finding {
	where := "the image"
	if !shipped {
		where = "a build stage"
	}
	var names, patterns []string
	bad := finding.Low
	for _, u := range seen {
		names = append(names, u.path)
		if u.needed == "" && !slices.Contains(patterns, u.pattern) {
			patterns = append(patterns, u.pattern)
		}
		switch {
		case u.secret && shipped:
			bad = finding.High
		case shipped || u.secret:
			bad = max(bad, finding.Medium)
		}
	}
	more := ""
	if len(names) > 5 {
		more = fmt.Sprintf(" and %d more", len(names)-5)
		names = names[:5]
	}
	key := "context"
	if seen[0].needed != "" {
		key = "context, needed"
	}
	f := rule.At(w.Span, key, "%s %s takes %s%s into %s", cmd, w.Text, strings.Join(names, ", "), more, where)
	f.Severity = bad
	for _, u := range seen[:min(len(seen), 20)] {
		f = rule.WithEvidence(f, "context", "%s: %s", u.path, u.what)
		if u.needed != "" {
			f = rule.WithEvidence(f, finding.EvidenceNotRewritten, "the ignore file cannot leave out %s: %s", u.path, u.needed)
		}
	}
	if len(patterns) == 0 {
		return f
	}
	title := "Have the ignore file leave them out"
	if readsVariables(in) && slices.ContainsFunc(patterns, func(p string) bool { return strings.HasPrefix(path.Base(p), ".env") }) {
		title += ", and give the variables where the container starts"
	}
	return rule.WithFix(f, finding.NeedsReview, title, ignoreEdit(in, patterns))
}

// ignoreEdit appends patterns to the ignore file, or makes one.
func ignoreEdit(in *inspect.Input, patterns []string) finding.Edit {
	c := in.Options.Context
	file := c.IgnoreFile
	if file == "" {
		file = ".dockerignore"
	}
	text := strings.Join(patterns, "\n") + "\n"
	if len(c.Ignore) > 0 && c.Ignore[len(c.Ignore)-1] != '\n' {
		text = "\n" + text
	}
	folder := in.Options.Folder
	if folder == "" {
		folder, file = path.Dir(in.File.Name), path.Base(file)
	}
	return finding.Edit{File: path.Join(folder, file), Base: finding.DigestOf(c.Ignore), Start: len(c.Ignore), End: len(c.Ignore), New: text}
}
