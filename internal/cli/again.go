package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// again are the flags of the command that runs, as typed, that a next one by
// another verb needs to look at the same thing: "fix", "db update". The same verb
// needs all but those that say where and how a report is printed. What the
// environment says it says to the next one too, and what is among but is left to
// the caller.
func (f *flags) again(verb string, but ...string) []string {
	if f.running == nil {
		return nil
	}
	to, _, err := f.running.Root().Find(strings.Fields(verb))
	if err != nil {
		return nil
	}
	var words []string
	f.running.Flags().Visit(func(fl *pflag.Flag) {
		switch {
		case slices.Contains(but, fl.Name):
		case fl.Name == "offline" && !f.offline: // against what the environment says
			words = append(words, typed(fl)...)
		case f.inherited[fl.Name], to == f.running && slices.Contains(printing(verb), fl.Name):
		case to != f.running && !slices.Contains(needed(verb), fl.Name), !takes(to, fl.Name):
		default:
			words = append(words, typed(fl)...)
		}
	})
	return words
}

// offlineHere reports whether the environment forbids the network, to the next
// command too.
func (f *flags) offlineHere() bool {
	on, err := strconv.ParseBool(f.env.Getenv("DRYDOCK_OFFLINE"))
	return on && err == nil
}

// needed are the flags without which a verb would look at something else, or not
// at all.
func needed(verb string) []string {
	switch verb {
	case "explain", "db update":
		return []string{"data-dir"}
	case "compare":
		return []string{"data-dir", "platform", "insecure-registry"}
	}
	return []string{"data-dir", "platform", "insecure-registry", "dockerfile", "config", "omit", "vex", "context", "only"}
}

// printing are the flags that say where and how a report is printed, whether
// anything is written, and what the next command is meant to do otherwise.
func printing(verb string) []string {
	all := []string{"format", "output", "quiet", "no-color", "debug", "write", "branch", "per-fix", "interactive", "fail-on", "exit-code"}
	if verb == "recommend" {
		all = append(all, "offline")
	}
	return all
}

func takes(c *cobra.Command, name string) bool {
	return c.Flags().Lookup(name) != nil || c.InheritedFlags().Lookup(name) != nil
}

// typed is a flag with its value, as words of a command line.
func typed(fl *pflag.Flag) []string {
	if fl.Value.Type() == "bool" {
		if fl.Value.String() == "true" {
			return []string{"--" + fl.Name}
		}
		return []string{"--" + fl.Name + "=" + fl.Value.String()}
	}
	values := []string{fl.Value.String()}
	if list, ok := fl.Value.(pflag.SliceValue); ok {
		values = list.GetSlice()
		joined := strings.Join(values, ",")
		if fl.Value.Type() == "stringSlice" && strings.Count(joined, ",") == len(values)-1 && !strings.Contains(joined, `"`) {
			values = []string{joined}
		}
	}
	var words []string
	for _, v := range values {
		if fl.NoOptDefVal != "" || strings.HasPrefix(v, "-") {
			words = append(words, "--"+fl.Name+"="+v)
		} else {
			words = append(words, "--"+fl.Name, v)
		}
	}
	return words
}
