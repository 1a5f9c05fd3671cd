package plugin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Role is what Drydock is for docker: itself, or a command that Docker's own
// command line has no more, or never had without an account.
type Role struct {
	Name    string   // docker NAME …
	Verb    []string // what of the program's own that means
	Short   string
	Example string // to try
	hooks   bool
	builtin int // Docker's command line had the command itself before this version
}

// Roles are those that there are; the first is the usual one.
func Roles() []Role {
	return []Role{
		{Name: name, Short: "Check images through the six practices, offline", Example: "docker drydock quickview", hooks: true},
		{
			Name: "trust", Verb: []string{"trust", "--begin"}, Short: "Sign and verify images, in the registry itself (Drydock)",
			Example: "docker trust inspect --pretty IMAGE", builtin: 29,
		},
		{Name: "scout", Short: "Vulnerabilities of images and what to do, without an account (Drydock)", Example: "docker scout quickview"},
	}
}

// File is what the role's program is called, in a cli-plugins folder, without the
// .exe of Windows.
func (r Role) File() string { return "docker-" + r.Name }

// Called is the role of a program that is called so; false: it is none of a plugin.
func Called(file string) (Role, bool) {
	i := slices.IndexFunc(Roles(), func(r Role) bool { return r.File() == file })
	if i < 0 {
		return Role{}, false
	}
	return Roles()[i], true
}

// Names that docker knows.
const (
	name            = "drydock"
	MetadataCommand = "docker-cli-plugin-metadata"
	HookCommand     = "docker-cli-plugin-hooks"
	// What docker calls a build, with and without its buildx plugin.
	hooks = "build,image build,builder build,buildx build,buildx bake,compose build"
)

// Metadata is the answer to MetadataCommand, as JSON.
func (r Role) Metadata(version string) []byte {
	b, _ := json.Marshal(struct{ SchemaVersion, Vendor, Version, ShortDescription, URL string }{
		"0.1.0", "The Drydock authors", version, r.Short,
		"https://github.com/drydock-dev/drydock",
	}) // strings cannot fail to marshal
	return b
}

// Hook is the answer to HookCommand: what docker prints under "What's next"
// after a build, as JSON. After a build that failed it is empty, which docker
// takes for nothing to say.
func Hook(request string) ([]byte, error) {
	var in struct {
		RootCmd      string
		CommandError string
	}
	if err := json.Unmarshal([]byte(request), &in); err != nil {
		return nil, fmt.Errorf("read the hook request: %w", err)
	}
	var out struct {
		Type     int // 0: next steps
		Template string
	}
	if in.CommandError == "" && slices.Contains(strings.Split(hooks, ","), in.RootCmd) {
		out.Template = "View a summary of image vulnerabilities and what to do → docker drydock quickview"
	}
	return json.Marshal(out)
}

// Args gives the program's own arguments out of those that docker passes,
// where docker's global flags and the plugin's name come first:
//
//	docker --debug drydock cves app      → --debug drydock cves app         → cves app
//	docker help drydock cves             → help drydock cves                → cves --help
//	docker drydock cv<Tab>               → __complete drydock cv            → __complete cv
func (r Role) Args(args []string) []string {
	words, _, own, ok := split(args, r.Name)
	if !ok {
		return args
	}
	if len(words) > 0 && words[0] == "help" {
		return append(append(slices.Clone(r.Verb), own...), "--help")
	}
	return append(append(words, r.Verb...), own...)
}

// Environment is what docker's global flags mean as the variables that say the
// same: docker --host H drydock … is DOCKER_HOST=H drydock …
func (r Role) Environment(args []string) map[string]string {
	out := map[string]string{}
	_, flags, _, ok := split(args, r.Name)
	if !ok {
		return out
	}
	for _, f := range flags {
		switch f.name {
		case "--config":
			out["DOCKER_CONFIG"] = f.value
		case "--context", "-c":
			out["DOCKER_CONTEXT"] = f.value
		case "--host", "-H":
			out["DOCKER_HOST"] = f.value
		case "--tlsverify":
			if f.value != "false" {
				out["DOCKER_TLS_VERIFY"] = "1"
			}
		}
	}
	return out
}

type flag struct{ name, value string }

// split parts what docker passes at the plugin's name; ok is false without one.
func split(args []string, name string) (words []string, flags []flag, own []string, ok bool) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == name:
			return words, flags, args[i+1:], true
		case !strings.HasPrefix(a, "-"):
			words = append(words, a)
		case strings.Contains(a, "="):
			k, v, _ := strings.Cut(a, "=")
			flags = append(flags, flag{k, v})
		case slices.Contains([]string{"--config", "--context", "-c", "--host", "-H", "--log-level", "-l", "--tlscacert", "--tlscert", "--tlskey"}, a) && i+1 < len(args):
			i++
			flags = append(flags, flag{a, args[i]})
		case !strings.HasPrefix(a, "--") && len(a) > 2: // -Htcp://h
			flags = append(flags, flag{a[:2], a[2:]})
		default:
			flags = append(flags, flag{a, ""})
		}
	}
	return nil, nil, nil, false
}
