package cli

import (
	"cmp"
	"fmt"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
)

// database is where the advisory database lies; empty: there is only what came
// with the program.
func (f *flags) database() string { return cmp.Or(f.dataDir, f.env.dataDir()) }

// cache is where layer records are kept; empty: nowhere. A folder that others
// could have written is not used: what is in it would be their word.
func (f *flags) cache() string {
	dir := cmp.Or(f.cacheDir, f.env.cacheDir())
	var err error
	if dir != "" {
		err = disk.Caller(f.env.Getenv).Private(dir)
	}
	f.places.Do(func() {
		const unset = "HOME is not set: "
		const nothing, embedded = "nothing is kept of what is read", "only the advisories that came with the program are used"
		switch forgetful, bare := dir == "" && !f.noCache, f.database() == ""; {
		case forgetful && bare:
			f.warn(unset+nothing+", and "+embedded+" (--cache-dir DIR, --data-dir DIR)", nil)
		case forgetful:
			f.warn(unset+nothing+" (--cache-dir DIR)", nil)
		case bare:
			f.warn(unset+embedded+" (--data-dir DIR)", nil)
		}
		if err != nil && !f.noCache {
			f.warn("nothing is kept in "+dir+", and what is there is not used: "+err.Error(), err)
		}
	})
	if err != nil {
		return ""
	}
	return dir
}

// warn says something of the run's surroundings on standard error.
func (f *flags) warn(what string, err error) {
	fmt.Fprintf(f.env.Stderr, "warning: %s\n", foreign(what))
	if h := finding.HintOf(err); h != "" {
		fmt.Fprintf(f.env.Stderr, "hint: %s\n", foreign(h))
	}
}

// errNowhere is the want of a folder to keep something in.
func errNowhere(what string) error {
	return usageError{fmt.Errorf("there is no folder to keep %s in: HOME is not set", what), "--data-dir DIR names one"}
}
