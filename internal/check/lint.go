package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	goruntime "runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// LintOptions say how Dockerfiles are looked at. The zero value is useful.
type LintOptions struct {
	Context      string   // folder of the build; empty: told from what the file copies, where it can be
	Only         []string // only these rules, by id, alias or glob ("dockerfile/*"); empty: all
	Ignore       []string // not these
	Experimental bool     // rules that are off by default, too
	Trusted      []string // registries that a base may come from; empty: any
	Args         []string // build arguments that a build is given: "NAME=VALUE", or "NAME"

	// Each, where it is set, is given what was found in each file as soon as it and
	// those before it were looked at, as a result of its own. What only a list of
	// findings shows is then not kept: see [Pipeline.Lint].
	Each func(*Result) error

	wanted    []string // rules that run although they are off by default
	hides     bool     // only the rules about secrets
	knownBase string   // a base that is looked at elsewhere
}

// Lint looks at Dockerfiles: files, folders that hold some, or "-" for standard
// input. A file that does not parse is a finding and an unknown; that there is
// none at all is an error. With opt.Each, the findings of the result have neither
// message nor places, evidence and fixes, unless something has to know all of them
// first: then they are as without, and Each is not called.
func (p *Pipeline) Lint(ctx context.Context, names []string, opt LintOptions) (*Result, error) {
	r := newRun(p, Ask{Rules: true})
	if err := KnownRules(opt.Only); err != nil {
		return nil, err
	}
	if opt.Context != "" {
		if info, err := os.Stat(opt.Context); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--context %s: no such folder", opt.Context)
		}
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var files []string
	for _, name := range names {
		more, unread, err := r.lintable(name)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
		r.res.Unknown = append(r.res.Unknown, unread...)
	}
	if opt.Each != nil && r.policy.single() && readTwice(files) {
		return r.lintEach(ctx, files, opt)
	}
	if err := r.lintAll(ctx, files, opt, func(d *linted) error { r.lintedAs(d); return nil }); err != nil {
		return nil, err
	}
	if err := errors.Join(r.finish(), r.policy.suppress(r.res, r.Now())); err != nil {
		return nil, err
	}
	r.filter()
	r.res.Unknown = append(r.res.Unknown, finding.Omitted(r.res.Findings)...)
	return r.res, nil
}

// LintVersion looks at one Dockerfile as it would be with versions of files, by
// name, that are not written yet. It is for fixes: registries may be asked what a
// tag stands for, no edit is withheld, and rules that are off run where wanted
// names them.
func (p *Pipeline) LintVersion(ctx context.Context, name string, versions map[string][]byte, wanted []string, opt LintOptions) (*Result, error) {
	r := newRun(p, Ask{Rules: true})
	r.linter.versions, r.linter.fixing = versions, true
	opt.wanted = wanted
	r.lint(ctx, name, versions[name], opt)
	if err := errors.Join(r.finish(), r.policy.suppress(r.res, r.Now())); err != nil {
		return nil, err
	}
	return r.res, nil
}

// lintAll looks at files, several at a time, and hands over what was found in their
// order, each as soon as those before it are there: none is held twice.
func (r *run) lintAll(ctx context.Context, files []string, opt LintOptions, take func(*linted) error) error {
	workers := min(goruntime.GOMAXPROCS(0), len(files))
	ahead := make(chan struct{}, 4*workers) // a slow file does not leave all the others waiting in memory
	done := make([]chan *linted, len(files))
	for i := range done {
		done[i] = make(chan *linted, 1)
	}
	var next atomic.Int64
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		l := r.linter.another()
		g.Go(func() error {
			for {
				select {
				case ahead <- struct{}{}:
				case <-ctx.Done():
					return errors.Join(ctx.Err(), l.close())
				}
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					<-ahead
					return l.close()
				}
				b, name, err := r.readDockerfile(files[i])
				if err != nil {
					return errors.Join(err, l.close())
				}
				done[i] <- l.look(ctx, name, b, opt)
			}
		})
	}
	for i := range done {
		select {
		case d := <-done[i]:
			done[i] = nil
			<-ahead
			if err := take(d); err != nil {
				stop()
				_ = g.Wait() // they were stopped for err
				return err
			}
		case <-ctx.Done():
			return cmp.Or(g.Wait(), ctx.Err())
		}
	}
	return g.Wait()
}

// lint looks at one Dockerfile as a subject of its own.
func (r *run) lint(ctx context.Context, name string, b []byte, opt LintOptions) {
	r.lintedAs(r.linter.look(ctx, name, b, opt))
}

// lintedAs takes in what was found in a Dockerfile as a subject of its own.
func (r *run) lintedAs(d *linted) {
	r.add(Target{Subject: finding.Subject{Kind: finding.KindDockerfile, Name: d.name}}, Found{})
	r.linted(d)
}

// linted takes in what was found in a Dockerfile.
func (r *run) linted(d *linted) {
	if r.res.Sources == nil {
		r.res.Sources = map[string][]byte{}
	}
	r.res.Sources[d.name] = d.b
	r.res.Secrets = append(r.res.Secrets, d.secrets...)
	r.take(finding.Subject{Kind: finding.KindDockerfile, Name: d.name}, d.Found)
}

// Dockerfiles are those of a folder, without what its configuration excludes, and
// what of their names could not be read. A [NoDockerfileError] says that there is
// neither.
func (p *Pipeline) Dockerfiles(dir string) ([]string, []finding.Unknown, error) {
	return newRun(p, Ask{}).lintable(dir)
}

// lintable are the Dockerfiles that a name stands for, and what of them could not
// be read.
func (r *run) lintable(name string) ([]string, []finding.Unknown, error) {
	if name == "-" {
		return []string{name}, nil, nil
	}
	what := Resolve(name)
	switch {
	case errors.Is(what.Err, fs.ErrNotExist), what.Said && !what.Dir:
		return nil, nil, finding.WithHint(errors.New(name+": no such file or folder"), "a Dockerfile, a folder that holds some, or - for standard input")
	case what.Err != nil:
		return nil, nil, what.Err
	case !what.Dir:
		return []string{name}, nil, nil
	}
	if err := r.policy.addFrom(what.Path); err != nil {
		return nil, nil, err
	}
	b, err := buildFilesOf(what.Path, r.policy.Config.Excludes)
	if err != nil {
		return nil, nil, err
	}
	unread := slices.DeleteFunc(b.unread, func(u finding.Unknown) bool { return !IsDockerfile(u.What) })
	if len(b.dockerfiles)+len(unread) == 0 {
		return nil, nil, &NoDockerfileError{what.Path}
	}
	return b.dockerfiles, unread, nil
}

// NoDockerfileError is a folder without a Dockerfile.
type NoDockerfileError struct{ dir string }

func (e *NoDockerfileError) Error() string { return e.dir + ": no Dockerfile found" }

// Hint says which names are found.
func (e *NoDockerfileError) Hint() string {
	return "files named Dockerfile, Dockerfile.*, Dockerfile-*, *.Dockerfile or Containerfile are; name any other"
}

// readDockerfile returns a file's bytes and what messages call it.
func (r *run) readDockerfile(name string) ([]byte, string, error) {
	if name != "-" {
		b, err := readLimited(name, dockerfile.MaxBytes)
		return b, name, err
	}
	if r.Stdin == nil {
		return nil, "", errors.New("there is no standard input")
	}
	b, err := io.ReadAll(io.LimitReader(r.Stdin, dockerfile.MaxBytes+1))
	if err == nil && len(b) > dockerfile.MaxBytes {
		err = fmt.Errorf("standard input: larger than %d bytes", dockerfile.MaxBytes)
	}
	return b, "<stdin>", err
}
