package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Policy is what the user wants counted and shown of what is found. The zero
// value counts and shows everything.
type Policy struct {
	Config   *policy.Config // exceptions, and what to leave out of a folder; nil: none
	Hadolint *policy.Lint   // hadolint's configuration, for Dockerfiles; nil: none
	VEX      []string       // files
	OmitDev  bool           // development dependencies are left out of every inventory
	MatchGit bool           // what comes from a repository is matched as the registry's package of its name
	Filter   policy.Filter  // what of the findings is wanted
	Baseline string         // an earlier report: only what it has not is new
}

// Exceptions is the policy for a run that looks at everything: it keeps what the
// user excepts, and neither filter nor baseline.
func (p Policy) Exceptions() Policy {
	p.Filter, p.Baseline = policy.Filter{}, ""
	return p
}

// Limits on what a user's own files may hold.
const (
	// maxPolicyBytes limits the bytes of a configuration or ignore file that check reads.
	maxPolicyBytes = 4 << 20
	// maxVEXBytes limits the bytes of a VEX document that check reads.
	maxVEXBytes = 64 << 20
	// maxBaselineBytes limits the bytes of a baseline that check reads.
	maxBaselineBytes = 256 << 20
)

// ConfigName is the configuration's file name.
const ConfigName = ".drydock.yaml"

// LoadConfig reads the configuration and the ignore files of other tools where
// they lie in dir (empty: nowhere); name is the configuration's file where the
// user said one, and must then exist.
func LoadConfig(dir, name string) (*policy.Config, error) {
	cfg, said := &policy.Config{}, name != ""
	if !said && dir != "" {
		name = filepath.Join(dir, ConfigName)
	}
	if name != "" {
		read := readFound
		if said {
			read = readLimited
		}
		b, err := read(name, maxPolicyBytes)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !said:
		case err != nil:
			return nil, fmt.Errorf("read configuration: %w", err)
		default:
			if cfg, err = policy.ParseConfig(name, b); err != nil {
				return nil, err
			}
		}
	}
	if dir == "" {
		return cfg, nil
	}
	for _, file := range policy.IgnoreFiles() {
		path := filepath.Join(dir, file)
		b, err := readFound(path, maxPolicyBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		more, err := policy.ParseIgnoreFile(path, b)
		if err != nil {
			return nil, err
		}
		cfg.Exceptions.Add(more)
	}
	return cfg, nil
}

// addFrom adds what a folder's own configuration and ignore files except, where
// the folder is not the one that the user stands in.
func (p *Policy) addFrom(dir string) error {
	if here, err := os.Getwd(); err == nil {
		if abs, err := filepath.Abs(dir); err != nil || abs == here {
			return err
		}
	}
	more, err := LoadConfig(dir, "")
	if err != nil {
		return err
	}
	cfg := policy.Config{}
	if p.Config != nil {
		cfg = *p.Config
	}
	cfg.Exceptions = policy.Exceptions{List: slices.Clone(cfg.Exceptions.List), Warnings: slices.Clone(cfg.Exceptions.Warnings)}
	cfg.Exceptions.Add(&more.Exceptions)
	cfg.Exclude = slices.Concat(cfg.Exclude, more.Exclude)
	p.Config = &cfg
	return nil
}

// vexKnown is what statements may call the targets of a run.
func vexKnown(res *Result) map[finding.Subject]vuln.Known {
	out := map[finding.Subject]vuln.Known{}
	for _, t := range res.Targets {
		k := out[t.Subject]
		if t.Image != nil {
			k.Names = t.Image.Tags
		}
		if t.Subject.Kind == finding.KindFolder {
			k.Names = catalog.Projects(t.Subject.Name)
		}
		if t.Inventory != nil && t.Inventory.Distro != nil {
			k.Distro = t.Inventory.Distro
		}
		out[t.Subject] = k
	}
	return out
}

// suppress gives the findings that do not count their reason: VEX statements,
// exceptions and the baseline, in that order.
func (p *Policy) suppress(res *Result, now time.Time) error {
	var statements []vuln.Statement
	for _, name := range p.VEX {
		b, err := readLimited(name, maxVEXBytes)
		if err != nil {
			return fmt.Errorf("read VEX: %w", err)
		}
		more, err := vuln.ParseVEX(name, b)
		if err != nil {
			return err
		}
		statements = append(statements, more...)
	}
	if len(statements) > 0 {
		res.Findings = vuln.ApplyVEXTo(res.Findings, statements, vexKnown(res))
	}
	if cfg := p.Config; cfg != nil && len(res.Subjects) > 0 {
		res.Warnings = append(res.Warnings, cfg.Exceptions.Warnings...)
		res.Findings = cfg.Exceptions.Apply(res.Findings, res.Subjects[0], now)
	}
	if p.Baseline != "" {
		b, err := readLimited(p.Baseline, maxBaselineBytes)
		if err != nil {
			return fmt.Errorf("read baseline: %w", err)
		}
		base, err := policy.ParseBaseline(p.Baseline, b)
		if err != nil {
			return err
		}
		res.Findings = base.Apply(res.Findings)
	}
	return nil
}

// DiveGate is the gate of a .dive-ci file in dir; the empty gate where there is
// none.
func DiveGate(dir string) (policy.Gate, error) {
	path := filepath.Join(dir, ".dive-ci")
	b, err := readFound(path, maxPolicyBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Gate{}, nil
	}
	if err != nil {
		return policy.Gate{}, err
	}
	return policy.ParseDiveCI(path, b)
}
