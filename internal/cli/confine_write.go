package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// confined writes a profile into the folder that --output names, and what it comes
// to on standard output.
func (x *confining) confined(p *confine.Profile, proof *confine.Proof, files []observe.File) error {
	dir := x.output
	x.output = ""
	if dir != "" {
		if err := x.put(dir, p, proof, files); err != nil {
			return err
		}
	}
	return x.write(func(to sink) error {
		return report.Confinement(to, to.format, p, proof, dir, x.explain, x.options(to, ""))
	})
}

// put writes the documents of a profile into a folder.
func (x *confining) put(dir string, p *confine.Profile, proof *confine.Proof, files []observe.File) error {
	at, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	docs, err := p.Documents(at, proof, files)
	if err != nil {
		return err
	}
	if proof.Checked, err = x.syntax(docs); err != nil {
		return err
	}
	if docs, err = p.Documents(at, proof, files); err != nil { // with that
		return err
	}
	if err := os.MkdirAll(at, 0o755); err != nil { //nolint:gosec // a profile is no secret
		return usageError{err, "--output names a folder"}
	}
	return confine.Write(at, docs, disk.Options{User: disk.Caller(x.env.Getenv), Record: x.ledger})
}

// syntax has documents checked by the programs for them that are here.
func (x *confining) syntax(docs []confine.Document) ([]confine.Checked, error) {
	dir, err := x.ledger.Folder("syntax")
	if err != nil {
		return nil, err
	}
	all, err := confine.Check(x.running.Context(), dir.Path, docs)
	for _, c := range all {
		if c.Error != "" {
			fmt.Fprintf(x.env.Stderr, "warning: %s: %s: %s\n", c.By, c.Document, foreign(c.Error))
		}
	}
	return all, errors.Join(err, dir.Remove())
}

// tooTight tells of a profile under which the workload fails: with --explain as a
// report, else as an error.
func (x *confining) tooTight(p *confine.Profile, proof *confine.Proof, err error) error {
	var tight *confine.TooTight
	if !x.explain || !errors.As(err, &tight) || tight.Alone || p == nil {
		return failed(err)
	}
	x.output = ""
	proof.Failure = tight.Failure.Error()
	if err := x.write(func(to sink) error { return report.Confinement(to, to.format, p, proof, "", true, x.options(to, "")) }); err != nil {
		return err
	}
	return exitError(2)
}

// readProfile reads a profile from a file or from the folder that confine wrote, with
// the proof that lies beside it, if there is one.
func readProfile(name string) (confine.Given, *confine.Proof, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, "profile.json")
	}
	b, err := readSome(name, confine.MaxBytes)
	if err != nil {
		return confine.Given{}, nil, err
	}
	g, err := confine.ReadGiven(b)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
		return g, nil, finding.WithHint(err, "a profile of confine's (drydock confine OBSERVATION -o DIR), or a seccomp profile as docker run takes it")
	}
	b, err = readSome(filepath.Join(filepath.Dir(name), "proof.json"), confine.MaxBytes)
	if err != nil || g.Profile == nil {
		return g, nil, nil // nothing lies beside it
	}
	proof, err := confine.ReadProof(b)
	return g, proof, err
}
