package db

import (
	"iter"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// link gives records without other names those that others know of the same id.
func (c *compiler) link(more iter.Seq2[vuln.Advisory, error]) error {
	wanted := map[string][]string{}
	for _, b := range c.bases {
		for i := range b.records {
			if nameless(&b.records[i].a) {
				wanted[b.records[i].a.ID] = nil
			}
		}
	}
	learn := func(a *vuln.Advisory) {
		if have, ok := wanted[a.ID]; ok {
			for _, n := range a.Aliases {
				if !slices.Contains(have, n) {
					have = append(have, n)
				}
			}
			wanted[a.ID] = have
		}
	}
	for _, b := range c.bases {
		for i := range b.records {
			learn(&b.records[i].a)
		}
	}
	for a, err := range more {
		if err != nil {
			return err
		}
		learn(&a)
	}
	for _, b := range c.bases {
		for i := range b.records {
			r := &b.records[i]
			if !nameless(&r.a) || len(wanted[r.a.ID]) == 0 {
				continue
			}
			r.a.Aliases = slices.Sorted(slices.Values(wanted[r.a.ID]))
			r.key = string(recordKey(nil, &r.a))
		}
	}
	return nil
}

func nameless(a *vuln.Advisory) bool {
	return len(a.Aliases) == 0 && !strings.HasPrefix(a.ID, "CVE-")
}
