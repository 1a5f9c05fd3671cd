package cli

import (
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// yielding are the options of a profile without those that docker run would not
// simply take the user's word over: limits that depend on each other, networks, and
// folders that are mounted twice.
func yielding(profile []string, user *pflag.FlagSet) []string {
	mounted := targets(user)
	return slices.DeleteFunc(profile, func(option string) bool {
		name, value, _ := strings.Cut(strings.TrimPrefix(option, "--"), "=")
		switch name {
		case "memory", "network":
			return user.Changed(name)
		case "memory-swap":
			return user.Changed("memory") || user.Changed(name)
		case "tmpfs", "volume":
			dir, _, _ := strings.Cut(value, ":")
			return slices.Contains(mounted, dir)
		}
		return false
	})
}

// targets are the folders of the container that the user mounts something on.
func targets(user *pflag.FlagSet) []string {
	var out []string
	of := func(name string) []string {
		all, _ := user.GetStringArray(name) // they are there
		return all
	}
	for _, v := range of("volume") {
		parts := strings.Split(v, ":")
		out = append(out, path.Clean(parts[min(1, len(parts)-1)]))
	}
	for _, v := range of("tmpfs") {
		dir, _, _ := strings.Cut(v, ":")
		out = append(out, path.Clean(dir))
	}
	for _, v := range of("mount") {
		for field := range strings.SplitSeq(v, ",") {
			name, value, _ := strings.Cut(field, "=")
			if slices.Contains([]string{"target", "destination", "dst"}, name) {
				out = append(out, path.Clean(value))
			}
		}
	}
	return out
}

// handedOn are the options that were given, as docker run takes them.
func handedOn(all, own *pflag.FlagSet) []string {
	var out []string
	all.Visit(func(fl *pflag.Flag) {
		if own.Lookup(fl.Name) == nil {
			return
		}
		if v, ok := fl.Value.(pflag.SliceValue); ok {
			for _, one := range v.GetSlice() {
				out = append(out, "--"+fl.Name+"="+one)
			}
			return
		}
		out = append(out, "--"+fl.Name+"="+fl.Value.String())
	})
	return out
}
