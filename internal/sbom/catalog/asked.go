package catalog

import (
	"bytes"
	"context"
	"io/fs"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// askedReader is the name under which it is recorded which packages of a
// distribution somebody asked for, and which came with these.
const askedReader = "asked-for"

const (
	apkWorld  = "etc/apk/world"
	aptStates = "var/lib/apt/extended_states"
)

// askedFor reads what apk was asked for, and what apt installed of its own accord:
// a name a line.
func askedFor() layer.Reader {
	return layer.Reader{
		Name: askedReader, Version: 1, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode.IsRegular() && (p == apkWorld || p == aptStates)
		},
		Read: func(_ context.Context, f layer.Input) ([]byte, error) {
			var out []byte
			name := ""
			err := eachLine(f.Body, maxText, func(line []byte) {
				if len(out) > maxText {
					return
				}
				if f.Path == apkWorld {
					for word := range strings.FieldsSeq(string(line)) {
						out = append(out, apkName(word)+"\n"...)
					}
					return
				}
				key, value, _ := bytes.Cut(line, []byte(":"))
				switch value := strings.TrimSpace(string(value)); string(key) {
				case "Package":
					name = value
				case "Auto-Installed":
					if value == "1" && name != "" {
						out = append(out, name+"\n"...)
					}
				}
			})
			return append(out, '\n'), err
		},
	}
}

// askedFor takes in what the reader above has read.
func (j *join) askedFor(path, text string) {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(text) {
		names[name] = true
	}
	if path == apkWorld {
		j.world = names
	} else {
		j.automatic = names
	}
}

// apkNames adds the names of a list.
func apkNames(to []string, list string) []string {
	for word := range strings.FieldsSeq(list) {
		if name := apkName(word); name != "" && len(to) < maxClauses {
			to = append(to, name)
		}
	}
	return to
}

// apkName is the name in a dependency: "so:libc.musl-x86_64.so.1", "busybox>=1.0",
// "curl@edge". What is not wanted has none.
func apkName(word string) string {
	if word == "" || word[0] == '!' {
		return ""
	}
	if i := strings.IndexAny(word, "<>=~@"); i >= 0 {
		word = word[:i]
	}
	return word
}
