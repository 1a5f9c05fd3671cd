package seccomp

import (
	"fmt"
	"slices"
)

// Wants is what a profile asks for a call; see [Profile.Resolve] for one that has
// conditions on machines.
func (p *Profile) Wants(c Call) Action {
	act, _ := p.wants(c)
	return act
}

// wants reports, too, whether a rule asks for it, and not the default.
func (p *Profile) wants(c Call) (act Action, rule bool) {
	if len(p.Architectures) > 0 && !slices.Contains(p.Architectures, c.ABI.profileName()) {
		return KillProcess, false
	}
	name, known := c.ABI.Name(c.Number)
	def, _ := action(p.DefaultAction, p.DefaultErrnoRet) // ReadProfile has seen to it
	for _, r := range p.Rules {
		if !known || !slices.Contains(r.Names, name) {
			continue
		}
		all := true
		for _, a := range r.Args {
			yes, _ := a.holds(c.Args)
			all = all && yes
		}
		if all {
			act, _ := action(r.Action, r.ErrnoRet)
			return act, act != def
		}
	}
	return def, false
}

// Difference is a call that the loaded filters answer otherwise than the profile.
type Difference struct {
	ABI          ABI    `json:"abi"`
	Name         string `json:"name"` // the number where the tables have no name
	Wanted, Got  Action `json:"-"`
	WantedAction string `json:"wanted"`
	GotAction    string `json:"got"`
}

// Passes reports whether the call passes where it should not, or the other way round;
// else it is refused with another errno.
func (d Difference) Passes() bool { return d.Wanted.Passes() != d.Got.Passes() }

// Differences runs loaded filters on every call of every ABI of this machine, with
// arguments that meet each condition of the profile and with some that do not, and
// returns where a call passes that should not, or the other way round, or is refused
// with another errno than its rule asks for. What the default action answers is not
// compared: Engines before 23 ignore its errno, and runtimes choose that of what they
// do not know.
func (p *Profile) Differences(filters []Filter) ([]Difference, error) {
	var out []Difference
	for _, abi := range ABIs() {
		for nr := range maxNumber {
			name, known := abi.Name(nr)
			if !known {
				name = fmt.Sprint(nr)
			}
			for _, args := range p.samples(name) {
				if abi.narrow() {
					for i := range args {
						args[i] &= 0xffffffff
					}
				}
				c := Call{ABI: abi, Number: nr, Args: args}
				got, err := Evaluate(filters, c)
				if err != nil {
					return nil, err
				}
				want, rule := p.wants(c)
				if want.Passes() != got.Passes() || rule && want.Kind() == Errno && want != got {
					out = append(out, Difference{abi, name, want, got, want.String(), got.String()})
					break
				}
			}
		}
	}
	return out, nil
}

// samples are arguments that tell the rules about a call apart.
func (p *Profile) samples(name string) [][6]uint64 {
	all := [][6]uint64{{}}
	for _, r := range p.Rules {
		if len(r.Args) == 0 || !slices.Contains(r.Names, name) {
			continue
		}
		for _, by := range []uint64{0, 1, ^uint64(0), 1 << 32} {
			var args [6]uint64
			for _, c := range r.Args {
				v := c.Value
				if c.Op == CmpMaskedEq {
					v = c.ValueTwo
				}
				args[c.Index] = v + by
			}
			all = append(all, args)
		}
		for bit := range uint64(64) { // of a mask, each bit counts
			if c := r.Args[0]; c.Op == CmpMaskedEq && c.Index < 6 && c.Value>>bit&1 != 0 {
				var args [6]uint64
				args[c.Index] = c.ValueTwo ^ 1<<bit
				all = append(all, args)
			}
		}
	}
	return all
}

// Reachable are the calls of an ABI that the filters let pass with all arguments
// zero, by name; a number stands for a call without a name.
func Reachable(filters []Filter, abi ABI) ([]string, error) {
	var names []string
	for nr := range maxNumber {
		name, known := abi.Name(nr)
		if !known {
			continue // there is no such call
		}
		act, err := Evaluate(filters, Call{ABI: abi, Number: nr})
		if err != nil {
			return nil, err
		}
		if act.Passes() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
