package confine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Logged is a call that was logged and not refused.
type Logged struct {
	Name     string   `json:"name"` // the number where the tables have no name
	Programs []string `json:"programs"`
	Count    int      `json:"count"`
}

// Drift is what became of what was logged under a profile of [ModeLog].
type Drift struct {
	Added  []Logged `json:"added"`  // to the profile
	Beyond []Logged `json:"beyond"` // what the Engine's default refuses, and no reason allows
	Others []Logged `json:"others"` // by programs that were not seen in the workload
}

// maxLine and maxLogged bound what is kept of a log: the bytes of a line, and how many
// different calls of different programs.
const (
	maxLine   = 64 << 10
	maxLogged = 1 << 16
)

// Log is what filters logged: how often each program made each call.
type Log map[seccomp.Record]int

// Read adds the records of a log: of auditd, the journal or the kernel.
func (l Log) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) { // no record is so long
			line = nil
			_, err = in.ReadSlice('\n')
		}
		if rec, ok := seccomp.ParseRecord(string(line)); ok && rec.Action.Kind() == seccomp.Log {
			if l[rec]++; len(l) > maxLogged {
				return fmt.Errorf("more than %d different calls of different programs are logged", maxLogged)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Complete adds to a profile of [ModeLog] what was logged under it, and is then to be
// enforced. The kernel's records do not name containers: what counts are those of
// the programs that the workload was seen to execute, and of more. Nothing that the
// Engine's default refuses is added without a reason.
func (p *Profile) Complete(l Log, more []string, opt Options) (*Profile, *Drift, error) {
	if p.Mode != ModeLog {
		return nil, nil, errors.New("the profile refuses what it does not allow: nothing is logged under it")
	}
	abis := p.Seccomp.ABIs()
	programs := slices.Concat(p.Programs, more)
	var added, beyond, others []Logged
	allowed := p.Seccomp.Allowed()
	for rec, n := range l {
		name, known := rec.ABI.Name(rec.Number)
		if !known {
			name = fmt.Sprint(rec.Number)
		}
		to := &added
		switch {
		case !slices.Contains(programs, rec.Program):
			to = &others
		case !slices.Contains(abis, rec.ABI):
			to, name = &beyond, name+" of "+string(rec.ABI)
		case !known, opt.UnsafeBeyondDefault == "" && p.Default.Refuses(abis, name):
			to = &beyond
		case slices.Contains(allowed, name):
			continue // logged under an earlier filter
		}
		i := slices.IndexFunc(*to, func(x Logged) bool { return x.Name == name })
		if i < 0 {
			i = len(*to)
			*to = append(*to, Logged{Name: name})
		}
		(*to)[i].Count += n
		(*to)[i].Programs = append((*to)[i].Programs, rec.Program)
	}
	q := p.clone()
	var names []string
	for _, a := range added {
		names = append(names, a.Name)
	}
	q.Seccomp = p.wider(names, nil)
	if !opt.Log {
		q.Mode, q.Default, q.Programs = "", nil, nil
	}
	return q, &Drift{sorted(added), sorted(beyond), sorted(others)}, nil
}

func sorted(all []Logged) []Logged {
	for i := range all {
		slices.Sort(all[i].Programs)
		all[i].Programs = slices.Compact(all[i].Programs)
	}
	sorting.By(all, func(a, b Logged) int { return strings.Compare(a.Name, b.Name) })
	return append([]Logged{}, all...)
}
