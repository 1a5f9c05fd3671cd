package rules

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/secret"
)

const (
	secretsName  = "secrets"
	secretsLimit = 1 << 20
	maxPerFile   = 20
)

// secretsReader looks for secrets in files: in every one whose name says that
// it holds some, and in the text files of up to 1 MiB that are the image's own
// and not a distribution's or a package's. Its facts are lines "kind severity
// line redacted" by tabs; no secret is in them.
func secretsReader() layer.Analyzer {
	return layer.Analyzer{
		Name: secretsName, Version: 1, Limit: secretsLimit,
		Wants: func(path string, mode fs.FileMode, size int64) bool {
			if size == 0 || mode&fs.ModeSymlink != 0 || packaged(path) {
				return false
			}
			if size <= secretsLimit && !system(path) && !binaryName(path) {
				return true
			}
			_, named := secret.Path(path)
			return named
		},
		Read: readSecrets,
	}
}

func readSecrets(_ context.Context, f layer.Input) ([]byte, error) {
	var head [512]byte
	n, err := io.ReadFull(f.Body, head[:])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	kind, named := secret.Path(f.Path)
	if bytes.IndexByte(head[:n], 0) >= 0 && kind != "keystore" {
		return nil, nil // not text
	}
	var body bytes.Buffer
	body.Grow(int(min(f.Size, secretsLimit)) + bytes.MinRead)
	body.Write(head[:n])
	if _, err := body.ReadFrom(f.Body); err != nil {
		return nil, err
	}
	b := body.Bytes()
	var out bytes.Buffer
	found := 0
	for _, m := range secret.File(f.Path, b) {
		if found++; found > maxPerFile {
			break
		}
		if !named && m.Severity < finding.Medium {
			continue // a test's JWT in a program's text
		}
		fmt.Fprintf(&out, "%s\t%s\t%d\t%s\n", m.Kind, m.Severity, m.Line(b), oneLine(m.Redacted(b)))
	}
	return out.Bytes(), nil
}

func oneLine(s string) string { return strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(s) }

// system reports whether a path is the distribution's, where text is not searched:
// only files with a secret's name are.
func system(path string) bool {
	top, rest, _ := strings.Cut(path, "/")
	switch top {
	case "bin", "sbin", "lib", "lib64", "lib32", "libx32", "boot", "dev", "proc", "sys", "run":
		return true
	case "usr":
		next, deeper, _ := strings.Cut(rest, "/")
		if next != "local" {
			return next != "src" && next != "app"
		}
		below, _, _ := strings.Cut(deeper, "/")
		return below == "lib" || below == "include" || below == "share" || below == "go" || below == "bin"
	case "var":
		next, deeper, _ := strings.Cut(rest, "/")
		return next == "cache" || next == "lib" && (strings.HasPrefix(deeper, "dpkg/") || strings.HasPrefix(deeper, "apt/") || strings.HasPrefix(deeper, "rpm/")) || next == "log"
	case "etc":
		return strings.HasPrefix(rest, "ssl/certs/") || strings.HasPrefix(rest, "pki/") || strings.HasPrefix(rest, "ca-certificates/") || strings.HasPrefix(rest, "apk/keys/") ||
			strings.HasPrefix(rest, "apt/trusted.gpg") || strings.HasPrefix(rest, "alternatives/")
	}
	return false
}

// packaged reports whether a path lies in an installed package of some language,
// or among a distribution's tests and documentation: keys there are their
// tests' and known to everyone.
func packaged(path string) bool {
	for _, s := range packageDirs {
		if strings.Contains(path, s) {
			return true
		}
	}
	return strings.HasPrefix(path, "usr/share/doc/") || system(path) && secret.ForShow(path)
}

var packageDirs = []string{
	"node_modules/", "site-packages/", "dist-packages/", "/gems/", "go/pkg/mod/", ".cargo/registry/", ".m2/repository/", ".nuget/packages/", "/vendor/bundle/", "_cacache/",
	"usr/lib/python", "usr/local/lib/python", "usr/local/go/",
}

// binaryName reports whether a file's name says that it is no text.
func binaryName(path string) bool {
	i := strings.LastIndexByte(path, '.')
	if i < 0 || len(path)-i > 8 {
		return false
	}
	switch path[i+1:] {
	case "so", "a", "o", "png", "jpg", "jpeg", "gif", "ico", "webp", "gz", "xz", "bz2", "zst", "zip", "tar", "jar", "war", "class", "pyc", "wasm",
		"woff", "woff2", "ttf", "otf", "eot", "mo", "gmo", "pdf", "mp3", "mp4", "deb", "rpm", "apk", "db", "sqlite", "dll", "exe", "node", "svg", "css", "map":
		return true
	}
	return false
}

// found is one secret that the reader saw.
type found struct {
	kind, redacted string
	severity       finding.Severity
	line           int
}

func parseFound(data []byte) []found {
	var out []found
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		f := strings.SplitN(line, "\t", 4)
		if len(f) != 4 {
			continue
		}
		severity, err := finding.ParseSeverity(f[1])
		number, err2 := strconv.Atoi(f[2])
		if err == nil && err2 == nil {
			out = append(out, found{f[0], f[3], severity, number})
		}
	}
	return out
}

func secretFile() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/secret-file",
			Title:    "A secret lies in the image",
			Practice: finding.LeastPrivilege,
			Severity: finding.High,
			Aliases:  []string{"CIS-4.10", "CIS-DI-0010"},
			Why: "Everybody who can pull an image can read every file of it. A key or token in it is no secret any more; take it out, and revoke " +
				"it. What a build needs goes in as RUN --mount=type=secret, what a program needs comes from its environment at run time.",
			Bad:  "FROM debian:13-slim\nCOPY <<EOF /app/.env\nDB_PASSWORD=correct-horse-battery\nEOF\n",
			Good: "FROM debian:13-slim\nCOPY <<EOF /app/.env\nDB_PASSWORD=${DB_PASSWORD}\nEOF\n",
		},
		Run: func(_ context.Context, p *pass) error { return reportSecrets(p, false) },
	}
}

func secretInLayer() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/secret-in-layer",
			Title:    "A deleted secret is still in the image",
			Practice: finding.LeastPrivilege,
			Severity: finding.High,
			Aliases:  []string{"CIS-4.10", "CIS-DI-0010"},
			Why: "A layer is never changed by the next one. A file that a later step removes is hidden from the container and not from those who " +
				"pull the image: docker save and tar bring it back. The step that brings the secret in must not keep it.",
			Bad:  "FROM debian:13-slim\nCOPY <<EOF /root/.netrc\nmachine git.internal login ci password tr0ub4dor-3\nEOF\nRUN rm /root/.netrc\n",
			Good: "FROM debian:13-slim\nRUN --mount=type=secret,id=netrc,target=/root/.netrc git fetch\n",
		},
		Run: func(_ context.Context, p *pass) error { return reportSecrets(p, true) },
	}
}

// reportSecrets reports the secrets in files, hidden ones or those seen, one
// finding for each kind in each file of each layer.
func reportSecrets(p *pass, hidden bool) error {
	s := p.Input
	for i, r := range s.Records {
		for _, fact := range r.Facts {
			if fact.Analyzer != secretsName {
				continue
			}
			until, ok := hiddenBy(s, i, fact.Path)
			if !ok || (until < len(s.Records)) != hidden {
				continue
			}
			if fact.Err != "" {
				p.Unknown(finding.Unknown{What: "secrets in /" + fact.Path, Why: fact.Err})
				continue
			}
			reportFile(p, i, until, fact)
		}
	}
	return nil
}

// hiddenBy is the layer that removed or replaced a path of layer i; the number
// of layers where none did.
func hiddenBy(s *scan, i int, path string) (until int, ok bool) {
	for _, n := range s.Tree.Versions(path) {
		if n.Layer == i {
			return n.Until, true
		}
	}
	return 0, false
}

func reportFile(p *pass, index, until int, fact layer.Fact) {
	s := p.Input
	byKind := map[string]bool{}
	for _, m := range parseFound(fact.Data) {
		if byKind[m.kind] {
			continue
		}
		byKind[m.kind] = true
		f := finding.Finding{
			Key:      m.kind,
			Severity: m.severity,
			Message:  fmt.Sprintf("%s in /%s, line %d: %s", m.kind, fact.Path, m.line, m.redacted),
			At:       []finding.Location{at(s, index, fact.Path)},
		}
		if until < len(s.Records) {
			f.Key = fmt.Sprintf("%s layer %d", m.kind, index)
			what := "deleted"
			if n, ok := s.Tree.At(until, fact.Path); ok && n.Layer == until {
				what = "replaced"
			}
			f.Message += fmt.Sprintf("; %s in layer %d, but still in the bytes of layer %d", what, until+1, index+1)
		}
		f.Evidence = []finding.Evidence{{Kind: "file", Text: fmt.Sprintf("/%s:%d: %s", fact.Path, m.line, m.redacted)}}
		if strings.Contains(fact.Path, "snakeoil") {
			f.Message += " (made by ssl-cert when it was installed: the same in every container of this image)"
		}
		p.Report(f)
	}
}
