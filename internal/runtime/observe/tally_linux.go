package observe

import (
	"cmp"
	"fmt"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// tally counts calls, for ways of seeing by which each comes to this program.
type tally struct {
	calls map[tallied]uint64
	args  map[Argument]uint64 // without their counts
	lost  uint64
}

type tallied struct {
	abi    seccomp.ABI
	number int
	phase  Phase
}

func newTally() *tally { return &tally{calls: map[tallied]uint64{}, args: map[Argument]uint64{}} }

// call counts a call, and reports whether it was the first of its kind.
func (t *tally) call(abi seccomp.ABI, number int, in Phase) bool {
	k := tallied{abi, number, in}
	n := t.calls[k]
	if n == 0 && len(t.calls) >= maxCalls {
		t.lost++
		return false
	}
	t.calls[k] = n + 1
	return n == 0
}

// uncall takes a call back that turned out not to be made.
func (t *tally) uncall(abi seccomp.ABI, number int, in Phase) {
	k := tallied{abi, number, in}
	if t.calls[k]--; t.calls[k] == 0 {
		delete(t.calls, k)
	}
}

func (t *tally) argument(a Argument) bool {
	n := t.args[a]
	if n == 0 && len(t.args) >= maxArgs {
		t.lost++
		return false
	}
	t.args[a] = n + 1
	return n == 0
}

// into adds what was counted to an observation.
func (t *tally) into(o *Observation) {
	var calls []Call
	for k, n := range t.calls {
		c := Call{ABI: k.abi, Number: k.number, Count: n, Phases: []Phase{k.phase}}
		c.Name, _ = k.abi.Name(k.number)
		calls = append(calls, c)
	}
	o.Calls = joined(o.Calls, calls, callKeyOf, addCalls)
	for a, n := range t.args {
		a.Count = n
		o.Arguments = append(o.Arguments, a)
	}
	sorting.By(o.Arguments, func(a, b Argument) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Value, b.Value))
	})
	if t.lost > 0 {
		o.lack(Truncated, fmt.Sprintf("%d calls were not counted: there are too many kinds", t.lost))
	}
}
