package dockerfile

// BaseFacts is what is known of an image that a stage builds on: its
// configuration, and something of its file system. A nil *BaseFacts is an
// image of which nothing is known; an empty field of one whose Config is set
// is empty in the image.
type BaseFacts struct {
	Ref    string // as known: "node:21.6-alpine3.18"
	Source string // who says so, for people: "the local image sha256:…", "the embedded catalogue (2024-01)"
	// Platform of the image that was looked at, "linux/amd64"; empty: not known.
	Platform string

	Config       bool // whether the configuration, from User to OnBuild, is known
	User         string
	Workdir      string
	Shell        []string // of SHELL; nil: the engine's default
	Env          map[string]string
	Entrypoint   []string
	Cmd          []string
	Exposed      []string // "80/tcp"
	Volumes      []string
	Healthcheck  bool
	StopSignal   string
	OnBuild      []string
	Accounts     map[string]int // user name -> uid, of /etc/passwd; nil: not known
	Distribution string         // "alpine", "debian", "ubuntu", "wolfi", "rhel" …; empty: not known
	Release      string         // "3.18", "12"
	Programs     []string       // names in the path that are known to be there: "curl", "bash"; nil: not known
}

// Scratch are the facts of the empty base.
func Scratch() *BaseFacts {
	return &BaseFacts{Ref: "scratch", Source: "the empty base", Config: true, Accounts: map[string]int{}, Programs: []string{}}
}
