package check

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Changed is what a build makes anew after files of its context have changed.
type Changed struct {
	Dockerfile string
	Paths      []string // that changed, as the build sees them
	Ignored    []string // that changed and the ignore file leaves out
	Missing    []string // that are not there: they were removed, or are misspelt
	Steps      []ChangedStep
	Image      string // whose layers tell the bytes of steps; empty: none
}

// ChangedStep is a step of the build.
type ChangedStep struct {
	dockerfile.Redone
	Line  int
	Text  string // the instruction's first line
	Stage string // its name or number
	Final bool   // the stage is the one that is shipped
	Bytes int64  // that it makes or copies; -1: not known
}

// Anew counts the steps that are made anew, and their bytes as far as they are known.
func (c *Changed) Anew() (steps int, bytes int64, all bool) {
	all = true
	for _, s := range c.Steps {
		if !s.Anew {
			continue
		}
		steps++
		if s.Bytes < 0 {
			all = false
			continue
		}
		bytes += s.Bytes
	}
	return steps, bytes, all
}

// Changed tells what a build of a Dockerfile makes anew after files have changed. res,
// if it is not nil, is a look at the image that the file made, with its layers: they
// tell the bytes of steps.
func (p *Pipeline) Changed(name string, paths []string, buildContext string, res *Result) (*Changed, error) {
	f, err := ReadDockerfile(name)
	if err != nil {
		return nil, err
	}
	stage, err := f.Target("")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	around := p.Around(f, buildContext)
	if around.Context == nil { // what it copies is not all there
		around = p.Around(f, filepath.Dir(name))
	}
	if around.Context == nil {
		return nil, finding.WithHint(fmt.Errorf("the folder that %s is built with cannot be read", name), "--context DIR says which it is")
	}
	out := &Changed{Dockerfile: name}
	for _, said := range paths {
		if err := out.path(said, around.Folder, around.Context); err != nil {
			return nil, err
		}
	}
	sizes := out.layers(res)
	sc := f.Scopes(nil)
	for _, r := range f.Rebuilt(stage, out.Paths, sc) {
		in := &f.Instructions[r.At]
		st := &f.Stages[r.Stage]
		line, _, more := strings.Cut(in.Raw, "\n")
		if line = strings.TrimSpace(line); more {
			line = strings.TrimRight(line, " \\`") + " …"
		}
		step := ChangedStep{Redone: r, Line: in.Span.Line, Text: line, Stage: cmp.Or(st.Name, fmt.Sprint(st.Index)), Final: st == stage, Bytes: -1}
		if n, ok := sizes[in.Span.Start]; ok {
			step.Bytes = n
		} else if n, ok := f.Copied(st, r.At, sc, around.Context, 0); ok {
			step.Bytes = n
		}
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}

// path takes in one that changed.
func (c *Changed) path(said, folder string, in *dockerfile.Context) error {
	root, err := filepath.Abs(filepath.FromSlash(folder))
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(said)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return finding.WithHint(fmt.Errorf("%s is not in %s, which the image is built with", said, folder), "--context DIR names another folder")
	}
	if rel = filepath.ToSlash(rel); in.Ignored(rel) && rel != "." {
		c.Ignored = append(c.Ignored, rel)
		return nil
	}
	if _, err := os.Lstat(abs); errors.Is(err, os.ErrNotExist) {
		c.Missing = append(c.Missing, rel)
	}
	if !slices.Contains(c.Paths, rel) {
		c.Paths = append(c.Paths, rel)
	}
	return nil
}

// layers are the bytes of the image's layers, by where the instruction begins that made
// each.
func (c *Changed) layers(res *Result) map[int]int64 {
	out := map[int]int64{}
	if res == nil {
		return out
	}
	for _, t := range res.Targets {
		if t.Scan == nil || t.Image == nil {
			continue
		}
		c.Image = t.Subject.Name
		st := t.Scan.Stats()
		for i, l := range t.Image.Layers {
			if span := t.Spans[l.DiffID]; span != nil && i < len(st.Layers) {
				out[span.Start] += st.Layers[i].Bytes
			}
		}
	}
	return out
}
