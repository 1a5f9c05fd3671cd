package fix

// Choice is what the user says of one fix.
type Choice int

// The choices.
const (
	No   Choice = iota
	Yes         // this one
	All         // this one and all that follow, but for what is an offer of its own
	Quit        // neither this one nor any that follows
)

// Asker asks the user about fixes, about each of them once.
type Asker struct {
	Choose func(Item, []Hunk) (Choice, error)

	said map[string]Choice // by fix
	all  bool
	quit bool
}

// ask asks about a fix; hunks is what it does by itself. Without anybody to ask,
// the answer is yes.
func (a *Asker) ask(it Item, hunks func(Item) []Hunk) (bool, error) {
	if a == nil || a.Choose == nil {
		return true, nil
	}
	if c, ok := a.said[it.id()]; ok || a.quit {
		return c == Yes, nil
	}
	if a.all && it.Fix.Offer == "" {
		return true, nil
	}
	c, err := a.Choose(it, hunks(it))
	if err != nil {
		return false, err
	}
	switch c {
	case All:
		a.all, c = true, Yes
	case Quit:
		a.quit, c = true, No
	}
	if a.said == nil {
		a.said = map[string]Choice{}
	}
	a.said[it.id()] = c
	return c == Yes, nil
}
