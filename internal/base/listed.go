package base

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Repositories are the official images that are built, by name.
func Repositories() []string {
	var out []string
	for name, images := range official().repos {
		if len(images) > 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TagsOf are the tags of an official image that are built, as the list has them: the
// newest versions first. More are the user's own images, whose tags come first.
func TagsOf(repository string, more []*Entry) []string {
	var out []string
	r, err := ParseRef(repository)
	if err != nil {
		return nil
	}
	own := map[string]bool{}
	for _, e := range more {
		for _, name := range e.Names {
			if n, err := ParseRef(name); err == nil && n.Name() == r.Name() && n.Tag != "" {
				own[n.Tag] = true
			}
		}
	}
	out = append(out, slices.Sorted(maps.Keys(own))...)
	if name := r.official(); name != "" {
		var listed []string
		for _, im := range official().repos[name] {
			listed = append(listed, im.tags...)
		}
		slices.SortStableFunc(listed, func(a, b string) int {
			va, vb := ParseTag(name, a), ParseTag(name, b)
			return cmp.Or(compareBools(va.Pre, vb.Pre), compareVersions(vb.Version, va.Version), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
		})
		for _, t := range listed {
			if !own[t] {
				out = append(out, t)
			}
		}
	}
	return out
}
