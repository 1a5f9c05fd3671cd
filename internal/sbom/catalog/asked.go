package catalog

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// askedReader is the name under which it is recorded which packages of a
// distribution somebody asked for, and which came with these.
const askedReader = "asked-for"

const (
	apkWorld    = "etc/apk/world"
	aptStates   = "var/lib/apt/extended_states"
	zyppAuto    = "var/lib/zypp/AutoInstalled"
	dnfHistory  = "var/lib/dnf/history.sqlite"
	dnf5Reasons = "usr/lib/sysimage/libdnf5/packages.toml"
	yumReasons  = "var/lib/yum/yumdb/" // a folder a package, with a file "reason"
)

func tellsReasons(p string) bool {
	switch p {
	case apkWorld, aptStates, zyppAuto, dnfHistory, dnfHistory + "-wal", dnf5Reasons:
		return true
	}
	return strings.HasPrefix(p, yumReasons) && path.Base(p) == "reason"
}

// askedFor reads what apk was asked for, and what apt, zypp, dnf and yum installed of
// their own accord: a name a line.
func askedFor() layer.Analyzer {
	return layer.Analyzer{
		Name: askedReader, Version: 2, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode.IsRegular() && tellsReasons(p)
		},
		Read: func(_ context.Context, f layer.Input) ([]byte, error) {
			if f.Path != apkWorld && f.Path != aptStates {
				return rpmReasons(f)
			}
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
func (j *join) askedFor(file, text string) {
	to := &j.brought
	switch file {
	case apkWorld:
		to = &j.world
	case aptStates:
		to = &j.automatic
	case dnfHistory + "-wal":
		j.unsaved = true
		return
	case dnfHistory:
		to = &j.history
	}
	if *to == nil {
		*to = map[string]bool{}
	}
	for name := range strings.FieldsSeq(text) {
		(*to)[name] = true
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
