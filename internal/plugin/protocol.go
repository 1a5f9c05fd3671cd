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
	hooks           = "build,buildx build,compose build"
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

// Args gives the program's own arguments out of those that docker passes: its
// global flags and the plugin's name come first.
func Args(args []string) []string {
	if i := slices.Index(args, name); i >= 0 {
		return args[i+1:]
	}
	return args
}
