package dockerfile

// Use is what a file beside a Dockerfile says of how its image is built or run:
// a service of a compose file, a command of a README, another Dockerfile, a
// GitHub action, the configuration of a plugin.
type Use struct {
	File       string   // as messages name it: "compose.yaml"
	Service    string   // of a compose file; empty: none
	Entrypoint []string // given in place of the file's; nil: none is
	Command    []string // likewise
	Shell      bool     // the command is a text for a shell
	User       string   // that it is run as; empty: the image's
	Ports      []string // of the container, that are published: "80"
	Mounts     []string // of the container, on which folders of the host are mounted for writing
	Volumes    []string // of the container, on which named volumes are mounted
	Args       []string // build arguments that it gives, or may give: "NODE_VERSION"
	Stage      string   // that it builds; empty: the last
	WorkedIn   bool     // it is the description of a container to work in: a devcontainer.json
	BuiltOn    bool     // it is an image that is built on this one
	Action     bool     // it is the description of a GitHub action that runs the image
	Plugin     bool     // it is the configuration of a plugin of the Engine that the image is
}
