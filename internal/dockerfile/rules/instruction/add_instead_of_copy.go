package instruction

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func addInsteadOfCopy() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/add-instead-of-copy",
				Title:    "ADD where COPY does the same",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3020", "DS005", "CIS-4.9"},
				Why: "ADD also fetches URLs and unpacks archives. A reader of one that does neither must find out that it does not, and a file that " +
					"happens to be an archive one day is unpacked where nobody asked for it. COPY copies.",
				Bad:  "FROM debian:13-slim\nADD app.py /app/\n",
				Good: "FROM debian:13-slim\nCOPY app.py /app/\nADD rootfs.tar.xz /\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachTransferAnywhere("ADD", func(t inspect.Transfer) {
					plain, sure := false, true
					for _, w := range t.Sources {
						source, known := in.Value(t.At, w)
						if inspect.IsArchive(source) || inspect.IsRemote(source) || inspect.IsArchive(strings.Trim(w.Text, `"'`)) {
							sure = false // ADD does more for this one
							continue
						}
						plain = true
						sure = sure && (isHeredoc(t.Instruction, w) || known && onlyCopied(in, source))
					}
					if !plain {
						return
					}
					f := rule.At(t.Span, strings.Join(t.Args, " "), "ADD of %s does what COPY does", t.Sources[0].Text)
					f.Aliases = addAliases(t)
					if all := !t.Has("checksum", "keep-git-dir", "unpack"); all && !mixed(in, t) {
						safety := finding.Behaviour
						if sure {
							safety = finding.Safe
						}
						f = rule.WithFix(f, safety, "Use COPY", in.Edit(t.Keyword.Span, sameCase(t.Keyword.Text, "COPY")))
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/c1348ddfd80eb8f888418805005066c230fc6ad2.Dockerfile",
		Quiet: "docker-library+busybox/latest-1/glibc/Dockerfile",
	}
}

// addAliases are the tools that would say so: Trivy does not where an archive,
// a URL or a Git address is among the words.
func addAliases(t inspect.Transfer) []string {
	out := []string{"DL3020", "CIS-4.9"}
	line := strings.Join(t.Args, " ")
	for _, s := range []string{".tar", "http://", "https://", "git@"} {
		if strings.Contains(line, s) {
			return out
		}
	}
	return append(out, "DS005")
}

// mixed reports whether some of the sources need ADD.
func mixed(in *inspect.Input, t inspect.Transfer) bool {
	for _, w := range t.Sources {
		if source, _ := in.Value(t.At, w); inspect.IsArchive(source) || inspect.IsRemote(source) {
			return true
		}
	}
	return false
}

// onlyCopied reports whether a source of the build context is for sure nothing that
// ADD would unpack: a folder, a name with an ending that is no archive's, or by
// its first bytes where the context is known.
func onlyCopied(in *inspect.Input, source string) bool {
	base := path.Base(source)
	switch {
	case strings.HasSuffix(source, "/"), base == ".", base == "..":
		return true
	case strings.ContainsAny(base, "*?["):
		return path.Ext(base) != "" && !strings.ContainsAny(path.Ext(base), "*?[")
	case path.Ext(base) != "":
		return !slices.Contains([]string{".gem", ".apk", ".crate", ".box", ".ova", ".oci", ".conda"}, path.Ext(base)) // archives by other names
	}
	return in.Options.Context != nil && in.Options.Context.Exists(source) && plainFile(in, source)
}

// maxMagic is how much of a file tells whether it is an archive.
const maxMagic = 512

func plainFile(in *inspect.Input, source string) bool {
	f, err := in.Options.Context.FS.Open(path.Clean("./" + path.Clean("/"+source)))
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return false
	}
	if info.IsDir() {
		return true
	}
	head := make([]byte, maxMagic)
	n, err := io.ReadFull(f, head)
	if n == 0 && err != nil {
		return errors.Is(err, io.EOF)
	}
	head = head[:n]
	for _, magic := range []string{"\x1f\x8b", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "\x1f\x9d", "]\x00\x00"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return false
		}
	}
	return !bytes.Contains(head, []byte("ustar"))
}

func isHeredoc(inst *dockerfile.Instruction, w dockerfile.Word) bool {
	return len(inst.Heredocs) > 0 && strings.HasPrefix(w.Text, "<<")
}

// sameCase writes a keyword as another is written.
func sameCase(like, keyword string) string {
	if like == strings.ToLower(like) {
		return strings.ToLower(keyword)
	}
	return keyword
}
