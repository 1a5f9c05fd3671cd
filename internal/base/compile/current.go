package main

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// current adds the inventories of today's images: those that were observed, and
// those reconstructed from what their Dockerfiles install, which have no
// digests. An inventory that is another's too is written once.
func current(out *strings.Builder, dir string) error {
	files := map[string][]byte{}
	if err := eachFile(filepath.Join(dir, "current.tar.xz"), func(name string, text []byte) error {
		files[path.Base(name)] = text
		return nil
	}); err != nil {
		return err
	}
	stanzas, err := libraryTags(filepath.Join(dir, "library.tar.xz"))
	if err != nil {
		return err
	}
	rows := rowsOf(files["INDEX.tsv"])
	written, taken := map[string]string{}, map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(rows)) {
		row := rows[file]
		names := tagsOf(row, stanzas)
		repo, _, _ := strings.Cut(row["image"], ":")
		for _, n := range names {
			if taken[repo+":"+n] {
				return fmt.Errorf("%s: %s:%s is another image's name too", file, repo, n)
			}
			taken[repo+":"+n] = true
		}
		fmt.Fprintf(out, "#tags\t%s:%s\n#os\t%s\n#created\t%s\n#kind\t%s\n", repo, strings.Join(names, " "), row["os"], row["date"], row["kind"])
		if id := regexp.MustCompile(`image id (sha256:[0-9a-f]{64})`).FindStringSubmatch(row["note"]); id != nil {
			fmt.Fprintf(out, "#id\t%s\n", id[1])
		}
		if p := programOf(repo, names[0]); p != "" {
			fmt.Fprintf(out, "#programs\t%s\n", p)
		}
		list := string(files[file])
		if ref, ok := written[list]; ok {
			fmt.Fprintf(out, "#packages\t%s\n\n", ref)
			continue
		}
		written[list] = repo + ":" + names[0]
		if err := listed(out, file, files[file]); err != nil {
			return err
		}
		out.WriteString("\n")
	}
	if len(rows) < 90 {
		return fmt.Errorf("only %d current inventories", len(rows))
	}
	return nil
}

var patch = lazyregexp.New(`^(\d+\.\d+)\.\d+`)

// tagsOf are the names of an image, its own first: the index's, and those that
// the list of official images gives the same variant, but for other builds of
// it by their full number.
func tagsOf(row map[string]string, stanzas map[string][]string) []string {
	repo, own, _ := strings.Cut(row["image"], ":")
	names := []string{own}
	add := func(tag string) {
		if tag != "" && !slices.Contains(names, tag) {
			names = append(names, tag)
		}
	}
	for tag := range strings.SplitSeq(row["tag"], ",") {
		add(tag)
	}
	moving := patch.ReplaceAllString(own, "$1")
	version := patch.FindString(own)
	for _, tag := range append(slices.Clone(names), moving) {
		for _, other := range stanzas[repo+":"+tag] {
			if full := patch.FindString(other); full == "" || full == version {
				add(other)
			}
		}
	}
	return names
}

// libraryTags maps each tag of the official images to all of its variant, those
// that several variants share by platform included.
func libraryTags(name string) (map[string][]string, error) {
	out := map[string][]string{}
	err := eachFile(name, func(name string, text []byte) error {
		repo := path.Base(name)
		for stanza := range strings.SplitSeq(strings.ReplaceAll(string(text), "\r", ""), "\n\n") {
			f := stanzaFields(stanza)
			if strings.HasPrefix(f["Architectures"], "windows") {
				continue
			}
			tags := strings.Fields(strings.ReplaceAll(f["Tags"]+" "+f["SharedTags"], ",", " "))
			for _, t := range tags {
				out[repo+":"+t] = tags
			}
		}
		return nil
	})
	return out, err
}

// programOf is the program that the image is of, where its advisories are known
// and the tag is its version.
func programOf(repo, tag string) string {
	full := regexp.MustCompile(`^\d+\.\d+\.\d+`).FindString(tag)
	name := map[string]string{"golang": "go"}[repo]
	if name == "" && slices.Contains([]string{"node", "python", "ruby", "php", "httpd", "haproxy", "nginx"}, repo) {
		name = repo
	}
	if full == "" || name == "" {
		return ""
	}
	return name + "=" + full
}
