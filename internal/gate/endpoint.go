package gate

import "strings"

// Kind is a class of calls that are decided alike.
type Kind string

// The classes.
const (
	Read          Kind = "read"
	Pull          Kind = "pull" // and import, which is the same call
	Push          Kind = "push"
	Tag           Kind = "tag"
	RemoveImage   Kind = "remove-image"
	Load          Kind = "load"
	Build         Kind = "build"
	Session       Kind = "build-session" // BuildKit's, in which nothing can be seen
	Commit        Kind = "commit"
	Create        Kind = "create"
	StartCall     Kind = "start"
	Exec          Kind = "exec"
	ExecStart     Kind = "exec-start"
	Update        Kind = "update"
	Rename        Kind = "rename"
	Remove        Kind = "remove"
	Archive       Kind = "archive"
	VolumeCreate  Kind = "volume-create"
	VolumeUpdate  Kind = "volume-update"
	NetworkCreate Kind = "network-create"
	NetworkJoin   Kind = "network-connect"
	Plugins       Kind = "plugins"
	Swarm         Kind = "swarm"
	ServiceCall   Kind = "service"
	Harmless      Kind = "other" // it starts nothing and moves no name
	Login         Kind = "login"
)

type bodyKind int

const (
	noBody bodyKind = iota
	jsonBody
	maybeJSON
	anyBody
)

// body says which body a kind of call takes.
func (k Kind) body() bodyKind {
	switch k {
	case Create, Exec, Update, VolumeCreate, NetworkCreate, NetworkJoin, ServiceCall:
		return jsonBody
	case Commit, ExecStart, Harmless, Swarm, Plugins, VolumeUpdate, Login:
		return maybeJSON
	case Load, Build, Session, Archive, Push:
		return anyBody
	case Pull:
		return anyBody // a tar where fromSrc is "-"; decided there
	}
	return noBody
}

type endpoint struct {
	method string
	prefix string // up to the name
	suffix string // after the name; "=" as prefix of a path without one
	slash  bool   // the name may have slashes
	kind   Kind
}

// match reports whether a path is the endpoint's, and the name in it.
func (e endpoint) match(path string) (string, bool) {
	if e.suffix == exact {
		return "", path == e.prefix
	}
	rest, ok := strings.CutPrefix(path, e.prefix)
	if !ok {
		return "", false
	}
	name, ok := strings.CutSuffix(rest, e.suffix)
	if !ok || name == "" || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") {
		return "", false
	}
	if !e.slash && !plainName.MatchString(name) {
		return "", false
	}
	return name, true
}

const exact = "="

// endpoints are the calls of the Engine's API, versions 1.24 to 1.56. What has no name
// comes first, as the Engine looks for it.
func endpoints() []endpoint {
	var all []endpoint
	add := func(method string, kind Kind, paths ...string) {
		for _, p := range paths {
			e := endpoint{method: method, prefix: p, suffix: exact, kind: kind}
			if at := strings.IndexByte(p, '*'); at >= 0 {
				e.prefix, e.suffix = p[:at], strings.TrimPrefix(p[at+1:], "*")
				e.slash = strings.HasPrefix(p[at+1:], "*")
			}
			all = append(all, e)
		}
	}
	add("GET", Read,
		"/_ping", "/events", "/info", "/version", "/system/df", "/containers/json", "/images/json", "/images/search", "/images/get", "/networks",
		"/plugins", "/plugins/privileges", "/swarm", "/swarm/unlockkey", "/services", "/nodes", "/tasks", "/secrets", "/configs", "/volumes",
		"/containers/*/json", "/containers/*/export", "/containers/*/changes", "/containers/*/top", "/containers/*/logs", "/containers/*/stats",
		"/containers/*/attach/ws", "/containers/*/archive", "/containers/*/checkpoints", "/exec/*/json",
		"/images/**/get", "/images/**/history", "/images/**/json", "/images/**/attestations", "/distribution/**/json",
		"/networks/*", "/plugins/**/json", "/services/*", "/services/*/logs", "/nodes/*", "/tasks/*", "/tasks/*/logs",
		"/secrets/*", "/configs/*", "/volumes/*", "/debug/vars", "/debug/pprof/*",
	)
	add("HEAD", Read, "/_ping", "/containers/*/archive")
	add("POST", Create, "/containers/create")
	add("POST", Harmless,
		"/containers/prune", "/networks/prune", "/volumes/prune", "/build/prune", "/build/cancel",
		"/containers/*/kill", "/containers/*/pause", "/containers/*/stop", "/containers/*/wait", "/containers/*/resize", "/containers/*/attach",
		"/containers/*/checkpoints", "/exec/*/resize", "/networks/*/disconnect",
	)
	add("POST", Pull, "/images/create")
	add("POST", Load, "/images/load")
	add("POST", RemoveImage, "/images/prune")
	add("POST", Push, "/images/**/push")
	add("POST", Tag, "/images/**/tag")
	add("POST", Build, "/build")
	add("POST", Session, "/session", "/grpc")
	add("POST", Commit, "/commit")
	add("POST", StartCall, "/containers/*/start", "/containers/*/restart", "/containers/*/unpause")
	add("POST", Exec, "/containers/*/exec")
	add("POST", ExecStart, "/exec/*/start")
	add("POST", Update, "/containers/*/update")
	add("POST", Rename, "/containers/*/rename")
	add("PUT", Archive, "/containers/*/archive")
	add("POST", VolumeCreate, "/volumes/create")
	add("PUT", VolumeUpdate, "/volumes/*")
	add("POST", NetworkCreate, "/networks/create")
	add("POST", NetworkJoin, "/networks/*/connect")
	add("POST", Login, "/auth")
	add("POST", Plugins, "/plugins/pull", "/plugins/create", "/plugins/**/enable", "/plugins/**/disable", "/plugins/**/push", "/plugins/**/upgrade", "/plugins/**/set")
	add("DELETE", Plugins, "/plugins/**")
	add("POST", ServiceCall, "/services/create", "/services/*/update")
	add("POST", Swarm,
		"/swarm/init", "/swarm/join", "/swarm/leave", "/swarm/update", "/swarm/unlock", "/nodes/*/update",
		"/secrets/create", "/secrets/*/update", "/configs/create", "/configs/*/update",
	)
	add("DELETE", Swarm, "/nodes/*", "/services/*", "/secrets/*", "/configs/*")
	add("DELETE", Remove, "/containers/*")
	add("DELETE", RemoveImage, "/images/**")
	add("DELETE", Harmless, "/networks/*", "/volumes/*")
	add("DELETE", Harmless, "/containers/**") // a checkpoint: a container has no slash in its name
	return all
}
