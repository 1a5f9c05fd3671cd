package layer

import "strings"

// arena keeps many small strings in few allocations.
type arena struct{ block strings.Builder }

// join keeps head and tail as one string.
func (a *arena) join(head string, tail []byte) string {
	const size = 64 << 10
	n := len(head) + len(tail)
	if n == 0 {
		return ""
	}
	if n > size/8 {
		return string(append([]byte(head), tail...)) // never head itself, which may be part of something large
	}
	if a.block.Cap()-a.block.Len() < n {
		a.block = strings.Builder{}
		a.block.Grow(size)
	}
	start := a.block.Len()
	a.block.WriteString(head)
	a.block.Write(tail)
	return a.block.String()[start:]
}
