package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// known says, by inventory file, under which tags an image was to be had and
// which programs it holds that no package manager owns. Versions are those of
// the tag, the image's ENV and its Dockerfile.
var known = []struct {
	file     string
	tags     []string // "repository:tag tag tag"
	programs string   // "name=version name=version"
}{
	{"nginx-1.20.dpkg.tsv", []string{"nginx:1.20 1.20.2"}, "nginx=1.20.2"},
	{"nginx-1.24.dpkg.tsv", []string{"nginx:1.24 1.24.0 1.24-bullseye 1.24.0-bullseye"}, "nginx=1.24.0"},
	{"nginx-1.25.dpkg.tsv", []string{"nginx:1.25.3 1.25.3-bookworm"}, "nginx=1.25.3"},
	{"nginx-1.24-alpine3.17-slim.apk.tsv", []string{"nginx:1.24.0-alpine-slim 1.24.0-alpine3.17-slim 1.24-alpine-slim 1.24-alpine3.17-slim"}, "nginx=1.24.0"},
	{"nginx-1.24-alpine3.17.apk.tsv", []string{"nginx:1.24.0-alpine 1.24.0-alpine3.17 1.24-alpine 1.24-alpine3.17"}, "nginx=1.24.0"},
	{"nginx-1.25.4-alpine3.18-slim.apk.tsv", []string{"nginx:1.25.4-alpine-slim 1.25.4-alpine3.18-slim"}, "nginx=1.25.4"},
	{"nginx-1.25.5-alpine3.19-slim.apk.tsv", []string{"nginx:1.25.5-alpine-slim 1.25.5-alpine3.19-slim 1.25-alpine-slim 1.25-alpine3.19-slim"}, "nginx=1.25.5"},
	{"node-21.6-bookworm-slim.dpkg.tsv", []string{"node:21.6-slim 21.6.1-slim 21.6-bookworm-slim 21.6.1-bookworm-slim"}, "node=21.6.1 yarn=1.22.19"},
	{"node-21.6.1-alpine3.18.apk.tsv", []string{"node:21.6-alpine3.18 21.6.1-alpine3.18"}, "node=21.6.1 yarn=1.22.19"},
	{"node-21.7.2-alpine3.19.apk.tsv", []string{"node:21.7.2-alpine 21.7.2-alpine3.19 21.7-alpine 21.7-alpine3.19 21-alpine 21-alpine3.19"}, "node=21.7.2"},
	{"node-20.9.0-alpine3.18.apk.tsv", []string{"node:20.9.0-alpine 20.9.0-alpine3.18 20.9-alpine 20.9-alpine3.18"}, "node=20.9.0"},
	{"node-20.15.0-alpine3.19.apk.tsv", []string{"node:20.15.0-alpine3.19 20.15-alpine3.19"}, "node=20.15.0"},
	{"python-3.12.1-alpine3.18.apk.tsv", []string{"python:3.12.1-alpine3.18"}, "python=3.12.1"},
	{"python-3.12.5-alpine3.19.apk.tsv", []string{"python:3.12.5-alpine3.19"}, "python=3.12.5"},
}

// remote is an image as the registry served it.
type remote struct {
	Index      string
	Manifest   string `json:"amd64_manifest"`
	Config     string
	Created    string
	Compressed int64
	Layers     [][2]any // digest, bytes
}

// official makes one block an image: lines "name<TAB>value" of its facts, then
// its packages, "binary version source sourceVersion" by tabs, the last two
// left out where they are the same, and an empty line.
func official(dir string) ([]byte, error) {
	rows, err := index(filepath.Join(dir, "INDEX.tsv"))
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, "article-images.remote.amd64.json"))
	if err != nil {
		return nil, err
	}
	remotes := map[string]remote{}
	if err := json.Unmarshal(b, &remotes); err != nil {
		return nil, err
	}
	// INDEX.tsv leaves out the first inventory of all; the folder's README has it.
	rows["nginx-1.20.dpkg.tsv"] = map[string]string{
		"os": "Debian 11", "image_id": "sha256:0bd848d9f7a107ab36d5c05f0c881b3edfc39f9a239f018f8013cb685c54ed5b", "size": "141.45MB", "created": "2022-03-01",
	}
	var out strings.Builder
	for _, k := range known {
		row := rows[k.file]
		if row == nil {
			return nil, fmt.Errorf("INDEX.tsv has no %s", k.file)
		}
		fmt.Fprintf(&out, "#tags\t%s\n#os\t%s\n#id\t%s\n#size\t%s\n#created\t%.10s\n#programs\t%s\n",
			strings.Join(k.tags, " "), row["os"], row["image_id"], strings.ReplaceAll(row["size"], " ", ""), row["created"], k.programs)
		first, _, _ := strings.Cut(k.tags[0], " ")
		if r, ok := remotes[first]; ok {
			fmt.Fprintf(&out, "#index\t%s\n#manifest\t%s\n#config\t%s\n#served\t%s\n#compressed\t%d\n", r.Index, r.Manifest, r.Config, r.Created, r.Compressed)
			for _, l := range r.Layers {
				fmt.Fprintf(&out, "#layer\t%v\t%.0f\n", l[0], l[1])
			}
		}
		if err := packages(&out, filepath.Join(dir, k.file)); err != nil {
			return nil, err
		}
		out.WriteString("\n")
	}
	if err := current(&out, dir); err != nil {
		return nil, err
	}
	return []byte(out.String()), nil
}

func index(name string) (map[string]map[string]string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return rowsOf(b), nil
}

func rowsOf(b []byte) map[string]map[string]string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	heads := strings.Split(lines[0], "\t")
	rows := map[string]map[string]string{}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Split(line, "\t") {
			if i < len(heads) {
				row[heads[i]] = v
			}
		}
		rows[row["file"]] = row
	}
	return rows
}

func packages(out *strings.Builder, name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return listed(out, name, b)
}

func listed(out *strings.Builder, name string, b []byte) error {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if lines[0] != "source\tsource_version\tbinary\tversion" {
		return fmt.Errorf("%s: columns are %q", name, lines[0])
	}
	for n, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return fmt.Errorf("%s:%d: %d columns", name, n+2, len(f))
		}
		source, sourceVersion, binary, version := f[0], f[1], f[2], f[3]
		if source == binary {
			source = ""
		}
		if sourceVersion == version {
			sourceVersion = ""
		}
		out.WriteString(strings.TrimRight(strings.Join([]string{binary, version, source, sourceVersion}, "\t"), "\t") + "\n")
	}
	return nil
}
