package plugin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Names that docker knows.
const (
	FileName        = "docker-drydock" // in a cli-plugins folder, plus .exe on Windows
	name            = "drydock"
	MetadataCommand = "docker-cli-plugin-metadata"
	HookCommand     = "docker-cli-plugin-hooks"
	// What docker calls a build, with and without its buildx plugin.
	hooks = "build,image build,builder build,buildx build,buildx bake,compose build"
)

// Metadata is the answer to MetadataCommand, as JSON.
func Metadata(version string) []byte {
	b, _ := json.Marshal(struct{ SchemaVersion, Vendor, Version, ShortDescription, URL string }{
		"0.1.0", "The Drydock authors", version, "Check images through the six practices, offline",
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
func Args(args []string) []string {
	words, _, own, ok := split(args)
	if !ok {
		return args
	}
	if len(words) > 0 && words[0] == "help" {
		return append(slices.Clip(own), "--help")
	}
	return append(words, own...)
}

// Environment is what docker's global flags mean as the variables that say the
// same: docker --host H drydock … is DOCKER_HOST=H drydock …
func Environment(args []string) map[string]string {
	out := map[string]string{}
	_, flags, _, ok := split(args)
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
func split(args []string) (words []string, flags []flag, own []string, ok bool) {
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
