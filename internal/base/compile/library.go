package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// library makes one line a repository and one an image: "=node", then
// "tag tag tag|architecture architecture". Tags are those of the list and its
// shared ones.
func library(name string) ([]byte, error) {
	repos := map[string][]string{}
	err := eachFile(name, func(name string, text []byte) error {
		if path.Base(path.Dir(name)) != "library" {
			return nil
		}
		repo := path.Base(name)
		var arches string
		for stanza := range strings.SplitSeq(strings.ReplaceAll(string(text), "\r", ""), "\n\n") {
			fields := stanzaFields(stanza)
			tags := strings.Fields(strings.ReplaceAll(fields["Tags"]+" "+fields["SharedTags"], ",", " "))
			here := strings.Join(strings.Fields(strings.ReplaceAll(fields["Architectures"], ",", " ")), " ")
			if len(tags) == 0 {
				if here != "" {
					arches = here // the file's default
				}
				continue
			}
			if here == "" {
				here = arches
			}
			if here == "" {
				here = "amd64" // the list's own default
			}
			repos[repo] = append(repos[repo], strings.Join(tags, " ")+"|"+here)
		}
		if len(repos[repo]) == 0 {
			repos[repo] = []string{} // a repository without images any more
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(repos) < 50 {
		return nil, fmt.Errorf("only %d repositories", len(repos))
	}
	names := make([]string, 0, len(repos))
	for n := range repos {
		names = append(names, n)
	}
	slices.Sort(names)
	var out strings.Builder
	out.WriteString("@2026-08\n")
	for _, n := range names {
		out.WriteString("=" + n + "\n")
		for _, line := range repos[n] {
			out.WriteString(line + "\n")
		}
	}
	return []byte(out.String()), nil
}

// stanzaFields reads RFC 2822 fields, continued lines included; comments are
// left out.
func stanzaFields(s string) map[string]string {
	fields := map[string]string{}
	last := ""
	for line := range strings.SplitSeq(s, "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " "):
			fields[last] += " " + strings.TrimSpace(line)
		default:
			if name, value, ok := strings.Cut(line, ":"); ok {
				last = name
				fields[last] = strings.TrimSpace(value)
			}
		}
	}
	return fields
}
