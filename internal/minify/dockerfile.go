package minify

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// databasesTar is the file beside the Dockerfile that holds the package databases as they
// were rewritten.
const databasesTar = "databases.tar"

// recipe is what a Dockerfile says that makes the smaller image of the one that it was
// made of.
type recipe struct {
	from      string
	config    v1.Config
	places    []place // all paths of the image's merged file system
	rewritten bool    // databasesTar holds some
}

// place is a path of the image, relative to its root.
type place struct {
	path string
	dir  bool
	keep bool // as it is: it is neither removed nor rewritten
}

// describe writes the Dockerfile that makes the same image, and what it needs beside it.
func (j *job) describe() error {
	if j.Recipe == "" {
		return nil
	}
	changed := j.rewritten()
	r := recipe{from: j.Image, config: j.im.Config.Config, rewritten: len(changed) > 0}
	var databases bytes.Buffer
	t := tar.NewWriter(&databases)
	var failed error
	j.scan.Tree.Walk(func(p string, n image.Node) bool {
		b, other := changed[p]
		other = other && j.set.Keeps(p)
		r.places = append(r.places, place{path: p, dir: n.Entry.Kind == layer.Dir, keep: j.set.Keeps(p) && !other})
		if other && failed == nil {
			h := &tar.Header{
				Typeflag: tar.TypeReg, Name: p, Size: int64(len(b)), Mode: int64(n.Entry.Mode.Perm()),
				Uid: n.Entry.UID, Gid: n.Entry.GID, ModTime: j.im.Config.Created.Time,
			}
			if failed = t.WriteHeader(h); failed == nil {
				_, failed = t.Write(b)
			}
		}
		return failed == nil
	})
	if err := errors.Join(failed, t.Close()); err != nil {
		return err
	}
	b, err := r.dockerfile()
	if err != nil {
		return &Refusal{Why: err.Error(), What: "leave out --dockerfile; the image itself can be made"}
	}
	if err := os.MkdirAll(j.Recipe, 0o755); err != nil { //nolint:gosec // a Dockerfile is no secret
		return err
	}
	if r.rewritten {
		beside := filepath.Join(j.Recipe, databasesTar)
		if err := disk.WriteFile(beside, databases.Bytes(), disk.Options{Record: j.Ledger}); err != nil {
			return err
		}
	}
	file := filepath.Join(j.Recipe, "Dockerfile")
	if err := disk.WriteFile(file, b, disk.Options{Record: j.Ledger}); err != nil {
		return err
	}
	j.res.Recipe = file
	return nil
}

// dockerfile writes it. An error is what a Dockerfile cannot say.
func (r recipe) dockerfile() ([]byte, error) {
	whole, emptied := r.sources()
	if err := errors.Join(r.distinct(whole, true), r.distinct(emptied, false)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# syntax=docker/dockerfile:1.20\n")
	b.WriteString("# Made by drydock minify. COPY --parents keeps symbolic links, owners, modes and file\n")
	b.WriteString("# capabilities. Hard links become files of their own.\n")
	fmt.Fprintf(&b, "FROM %s AS full\n\nFROM scratch\n", r.from)
	copyFrom(&b, "", whole)
	if len(emptied) > 0 {
		b.WriteString("# Folders that stay while all that was in them does not.\n")
		var without strings.Builder
		for _, p := range emptied {
			without.WriteString(" --exclude=" + excluded(p) + "/*")
		}
		copyFrom(&b, without.String(), emptied)
	}
	if r.rewritten {
		b.WriteString("# The package databases without what was removed.\n")
		fmt.Fprintf(&b, "ADD [%q, \"/\"]\n", databasesTar)
	}
	b.WriteByte('\n')
	if err := configured(&b, r.config); err != nil {
		return nil, err
	}
	if b.Len() > dockerfile.MaxBytes {
		n := len(whole) + len(emptied)
		return nil, fmt.Errorf("a Dockerfile of %d paths has %d bytes, over the limit of %d", n, b.Len(), dockerfile.MaxBytes)
	}
	return b.Bytes(), nil
}

// sources are the paths that are copied, each with all that is below it, and the folders of
// which only the folder is.
func (r recipe) sources() (whole, emptied []string) {
	kept := map[string]int{} // below each folder
	lost := map[string]int{}
	for _, p := range r.places {
		count := lost
		if p.keep {
			count = kept
		}
		for dir := path.Dir(p.path); dir != "."; dir = path.Dir(dir) {
			count[dir]++
		}
	}
	covered := map[string]bool{}
	places := slices.Clone(r.places)
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.path, b.path) })
	for _, p := range places {
		if !p.keep || p.path == "." || p.path == "" {
			continue
		}
		above := false
		for dir := path.Dir(p.path); dir != "." && !above; dir = path.Dir(dir) {
			above = covered[dir]
		}
		switch {
		case above:
		case !p.dir || lost[p.path] == 0:
			covered[p.path] = true
			whole = append(whole, p.path)
		case kept[p.path] == 0:
			emptied = append(emptied, p.path)
		}
	}
	return whole, emptied
}

// distinct refuses a pattern that selects what does not stay: one of a name that holds
// what patterns and JSON have no way to say. Of a folder, deep says whether what is below
// it is selected, too.
func (r recipe) distinct(sources []string, deep bool) error {
	for _, s := range sources {
		at := pattern(s)
		if !strings.Contains(at, "?") {
			continue
		}
		depth := strings.Count(s, "/") + 1
		for _, p := range r.places {
			parts := strings.Split(p.path, "/")
			if len(parts) < depth || len(parts) > depth && !deep || p.keep {
				continue
			}
			if ok, err := path.Match(at, strings.Join(parts[:depth], "/")); ok || err != nil {
				return fmt.Errorf("a Dockerfile cannot tell the paths %q, which stays, and %q, which does not, apart", s, p.path)
			}
		}
	}
	return nil
}

// pattern is a path as a pattern of BuildKit's: what is special in one, or cannot stand in
// JSON, is a "?".
func pattern(p string) string {
	var b strings.Builder
	for at, r := range p {
		_, size := utf8.DecodeRuneInString(p[at:])
		edge := unicode.IsSpace(r) && (at == 0 || at+size == len(p))
		if strings.ContainsRune(`*?[]\^`, r) || r == 0 || r == utf8.RuneError || edge || at == 0 && r == '!' {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// excluded is a folder as the value of a flag: whatever a flag would have to quote is a "?".
func excluded(p string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("/._-+:@,", r) {
			return r
		}
		return '?'
	}, p)
}

func copyFrom(b *bytes.Buffer, flags string, paths []string) {
	if len(paths) == 0 {
		return
	}
	b.WriteString("COPY --parents --from=full" + flags + " [ \\\n")
	for _, p := range paths {
		fmt.Fprintf(b, "  %s, \\\n", text(word("/"+pattern(p))))
	}
	b.WriteString("  \"/\"]\n")
}

// word is a text of which BuildKit's expansion of variables makes that text again.
func word(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, `$`, `\$`).Replace(s)
}

// text is a text as JSON has it.
func text(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string and a buffer: neither fails
	return strings.TrimSuffix(b.String(), "\n")
}

func array(all []string, of func(string) string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = text(of(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func same(s string) string { return s }

// configured writes an image's configuration as instructions.
func configured(b *bytes.Buffer, c v1.Config) error {
	var bad []string
	line := func(format string, args ...string) {
		all := make([]any, len(args))
		for i, a := range args {
			if strings.ContainsFunc(a, unicode.IsControl) || !utf8.ValidString(a) {
				bad = append(bad, a)
			}
			all[i] = a
		}
		fmt.Fprintf(b, format+"\n", all...)
	}
	quoted := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`
	}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		odd := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'$\`, r) }
		if name == "" || strings.ContainsFunc(name, odd) {
			bad = append(bad, e)
		}
		line("ENV %s=%s", name, quoted(value))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		line("LABEL %s=%s", quoted(name), quoted(c.Labels[name]))
	}
	for _, p := range slices.Sorted(maps.Keys(c.ExposedPorts)) {
		line("EXPOSE %s", word(p))
	}
	if v := slices.Sorted(maps.Keys(c.Volumes)); len(v) > 0 {
		line("VOLUME %s", array(v, word))
	}
	if c.WorkingDir != "" {
		line("WORKDIR %s", word(c.WorkingDir))
	}
	if c.User != "" {
		line("USER %s", word(c.User))
	}
	if len(c.Shell) > 0 {
		line("SHELL %s", array(c.Shell, same))
	}
	if c.StopSignal != "" {
		line("STOPSIGNAL %s", word(c.StopSignal))
	}
	if h := c.Healthcheck; h != nil && len(h.Test) > 0 {
		health(line, *h, c.Shell)
	}
	if c.Entrypoint != nil {
		line("ENTRYPOINT %s", array(c.Entrypoint, same))
	}
	if c.Cmd != nil {
		line("CMD %s", array(c.Cmd, same))
	}
	for _, t := range c.OnBuild {
		line("ONBUILD %s", t)
	}
	if len(bad) > 0 {
		return fmt.Errorf("a Dockerfile cannot say %q of the image's configuration", bad[0])
	}
	return nil
}

// health writes a health check. One for the shell says which.
func health(line func(string, ...string), h v1.HealthConfig, shell []string) {
	var flags strings.Builder
	for _, f := range []struct {
		name string
		is   time.Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"start-period", h.StartPeriod}} {
		if f.is > 0 {
			fmt.Fprintf(&flags, " --%s=%s", f.name, f.is)
		}
	}
	if h.Retries > 0 {
		fmt.Fprintf(&flags, " --retries=%d", h.Retries)
	}
	switch test := h.Test; {
	case test[0] == "NONE":
		line("HEALTHCHECK NONE")
	case test[0] == "CMD-SHELL" && len(test) == 2:
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		line("HEALTHCHECK%s CMD %s", flags.String(), array(append(slices.Clone(shell), test[1]), same))
	default:
		line("HEALTHCHECK%s CMD %s", flags.String(), array(test[1:], same))
	}
}
