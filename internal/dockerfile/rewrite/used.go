package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// testers are programs that test what they are given: an image that starts one
// is for nothing else.
var testers = []string{
	"cypress", "playwright", "jest", "mocha", "vitest", "karma", "ava", "testcafe", "nightwatch", "pytest", "py.test", "nose2", "tox", "nox", "robot",
	"behave", "rspec", "cucumber", "phpunit", "codecept", "bats", "newman", "k6", "locust", "molecule", "ginkgo", "gotestsum", "ctest",
}

// tests is what of the image's start tests something; empty: nothing is seen.
func (d *draft) tests(st *dockerfile.Stage) string {
	var all [][]string
	for _, s := range d.File.Chain(st) {
		for i := s.From + 1; i < s.End; i++ {
			if in := &d.File.Instructions[i]; in.Cmd == "CMD" || in.Cmd == "ENTRYPOINT" {
				for _, cmd := range d.script(i).Commands {
					var words []string
					for _, w := range cmd.Words {
						words = append(words, w.Text)
					}
					all = append(all, words)
				}
			}
		}
	}
	for _, u := range d.Uses {
		all = append(all, u.Entrypoint, u.Command)
	}
	for _, words := range all {
		if what := testsWith(words); what != "" {
			return what
		}
	}
	return ""
}

// testsWith is the command of words that tests; empty: they do not.
func testsWith(words []string) string {
	for i, w := range words {
		name := path.Base(w)
		if i < 3 && slices.Contains(testers, name) {
			return name
		}
	}
	text := strings.Join(words, " ")
	for _, t := range []string{"npm test", "npm run test", "npm t", "yarn test", "yarn run test", "pnpm test", "go test", "cargo test", "mvn test", "gradle test", "make test", "rake test", "manage.py test", "dotnet test", "mix test"} {
		if text == t || strings.HasPrefix(text, t+" ") || strings.HasPrefix(text, t+":") {
			return t
		}
	}
	return ""
}

// usedOtherwise refuses a rewrite of an image that others build on or that tests,
// as far as the files beside the Dockerfile say so.
func (d *draft) usedOtherwise(st *dockerfile.Stage) error {
	from := &d.File.Instructions[st.From]
	for _, u := range d.Uses {
		if u.BuiltOn {
			return refuse(from, "%s builds on this image, and what it needs of it is not known", u.File)
		}
		if u.WorkedIn && d.builds(u, st) {
			return refuse(from, "%s makes a container to work in of it, which keeps its user and its tools", u.File)
		}
	}
	if what := d.tests(st); what != "" {
		return refuse(from, "%s is started: an image that tests keeps its user and its tools", what)
	}
	return nil
}

// builds reports whether a use builds a stage, or one that stands on it.
func (d *draft) builds(u dockerfile.Use, st *dockerfile.Stage) bool {
	built, err := d.File.Target(u.Stage)
	return err != nil || slices.Contains(d.File.Chain(built), st)
}

// said is where a use stands: "the service web of compose.yaml".
func said(u dockerfile.Use) string {
	if u.Service != "" {
		return "the service " + u.Service + " of " + u.File
	}
	return u.File
}

// startedElsewhere refuses a conversion where a compose file starts something
// else than the Dockerfile says, or mounts a folder of the host over what is
// built: what is needed then is not what the file says.
func (c *conversion) startedElsewhere() error {
	dir, _ := c.workdir(c.stage, c.stage.End)
	for _, u := range c.Uses {
		if len(u.Entrypoint)+len(u.Command) > 0 && !c.starts(u) {
			return refuse(c.from(), "%s starts %q, and what that needs of the image is not known", said(u), strings.Join(append(slices.Clone(u.Entrypoint), u.Command...), " "))
		}
		for _, m := range u.Mounts {
			if _, over := below(dir, path.Clean(m)); over && dir != "/" {
				return refuse(c.from(), "%s mounts a folder of the host on %s: what is built there is covered, and its tools are needed", said(u), m)
			}
		}
	}
	return nil
}

// starts reports whether a use starts what the Dockerfile does.
func (c *conversion) starts(u dockerfile.Use) bool {
	own := c.start().words
	words := append(slices.Clone(u.Entrypoint), u.Command...)
	return len(own) > 0 && (slices.Equal(own, words) || len(own) > len(words) && slices.Equal(own[len(own)-len(words):], words))
}

// publishes is where a port of the container is published; empty: nowhere that
// is known.
func (d *draft) publishes(port string) string {
	for _, u := range d.Uses {
		if slices.Contains(u.Ports, port) {
			return said(u)
		}
	}
	return ""
}

// hostFolder is a folder of the host that is mounted for writing, and where that
// is said; empty: none is.
func (d *draft) hostFolder() (folder, where string) {
	for _, u := range d.Uses {
		for _, m := range u.Mounts {
			if p := path.Clean(m); path.Ext(p) == "" && !strings.HasPrefix(p, "/etc/") && !strings.HasSuffix(p, ".sock") && !strings.HasPrefix(p, "/var/run") {
				return p, said(u)
			}
		}
	}
	return "", ""
}
