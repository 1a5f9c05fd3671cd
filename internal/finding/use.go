package finding

// Use is whether a package was in use while a container of its image was watched.
// The zero value: nobody watched.
type Use struct {
	Status   UseStatus
	Path     string // a file of it that was used
	Why      string // it is unknown
	How      string // it was watched: "for 63 s by bpf"
	Complete bool   // nothing was lost while it was
}

// UseStatus is what is known of a package's use.
type UseStatus string

// What is known of a package of which files are its own. The others are unknown.
const (
	Used       UseStatus = "used"
	Untouched  UseStatus = "untouched"
	UseUnknown UseStatus = "unknown"
)

// String says it to people; empty: nobody watched.
func (u Use) String() string {
	switch u.Status {
	case Used:
		return "in use: " + u.Path
	case Untouched:
		return "never used"
	case UseUnknown:
		return "use unknown: " + u.Why
	}
	return ""
}
