package db

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// link finds, for records without other names, those that others know of the same id.
func (c *compiler) link(more iter.Seq2[vuln.Advisory, error]) error {
	if err := c.setAside(); err != nil {
		return err
	}
	wanted := map[string][]string{}
	err := c.eachRecord(func(a *vuln.Advisory) {
		if nameless(a) {
			wanted[strings.Clone(a.ID)] = nil
		}
	})
	if err != nil {
		return err
	}
	learn := func(a *vuln.Advisory) {
		have, ok := wanted[a.ID]
		if !ok {
			return
		}
		n := len(have)
		for _, name := range a.Aliases {
			if !slices.Contains(have, name) {
				have = append(have, strings.Clone(name))
			}
		}
		if len(have) > n {
			wanted[strings.Clone(a.ID)] = have
		}
	}
	if err := c.eachRecord(learn); err != nil {
		return err
	}
	for a, err := range more {
		if err != nil {
			return err
		}
		learn(&a)
	}
	for id, names := range wanted {
		if len(names) == 0 {
			delete(wanted, id)
		}
		slices.Sort(names)
	}
	c.names = wanted
	return nil
}

// eachRecord calls use with every record; it is good until the next.
func (c *compiler) eachRecord(use func(*vuln.Advisory)) error {
	for _, runs := range c.runs {
		for _, r := range runs {
			r = r.again()
			for {
				key, err := r.record()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return err
				}
				use(c.scratch.record(key))
			}
		}
	}
	return nil
}

func nameless(a *vuln.Advisory) bool {
	return len(a.Aliases) == 0 && !strings.HasPrefix(a.ID, "CVE-")
}
