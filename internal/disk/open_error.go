package disk

// OpenError is a folder or file that others could have written, so that what is
// in it is nobody's word.
type OpenError struct {
	Path  string // which of those on the way
	why   string
	owner bool // it is another's
	file  bool
}

func (e *OpenError) Error() string { return e.Path + " " + e.why }

// Hint says what makes it private.
func (e *OpenError) Hint() string {
	switch {
	case e.owner && e.file:
		return "remove it, or take another folder"
	case e.owner:
		return "take a folder of your own"
	case e.file:
		return "if what is in it is yours: chmod go-w " + e.Path
	}
	return "if what is in it is yours: chmod go-w " + e.Path + "; else take another folder"
}
