package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/policy"
)

// terms reads what the user wants to see and where the gate is, from the flags
// and then the configuration. What makes no sense is said before any work.
func (f *flags) terms(cfg *policy.Config) (err error) {
	f.failOn = cmp.Or(f.failOn, cfg.FailOn)
	if f.gate, err = policy.ParseGate(f.failOn); err != nil {
		return usageError{fmt.Errorf("--fail-on: %w", err), "for example --fail-on severity:high,efficiency:0.95,waste:20MB"}
	}
	if f.exitCode != "" {
		code, err := strconv.ParseUint(f.exitCode, 10, 8)
		if err != nil {
			return usageError{fmt.Errorf("--exit-code=%s is not a code from 0 to 255", f.exitCode), "--exit-code=3"}
		}
		f.code = int(code)
	}
	f.filter.OnlyFixed = f.onlyFixed || cfg.OnlyFixed
	f.filter.IgnoreBase = f.filter.IgnoreBase || cfg.IgnoreBase
	if f.filter.Severities, err = policy.ParseSeverities(f.severity); err != nil {
		return usageError{err, ""}
	}
	if len(f.severity) == 0 {
		f.filter.Severities = cfg.Severities
	}
	for _, kind := range f.omit {
		if kind != "dev" {
			return usageError{fmt.Errorf("--omit %s: not a kind of package that can be left out", kind), "--omit dev"}
		}
	}
	switch {
	case f.filter.OnlyFixed && f.filter.OnlyUnfixed:
		return usageError{errors.New("--only-fixed and --only-unfixed together leave nothing"), ""}
	case f.filter.OnlyBase && f.filter.IgnoreBase:
		return usageError{errors.New("--only-base and --ignore-base together leave nothing"), ""}
	case f.filter.EPSS < 0 || f.filter.EPSS > 1:
		return usageError{fmt.Errorf("--epss-score %g is not between 0 and 1", f.filter.EPSS), ""}
	}
	return nil
}

// notEmpty refuses an argument that is an empty string: it is a variable that is
// not set, and no wish for the image built last.
func notEmpty(args []string) error {
	for _, a := range args {
		if _, rest, prefixed := strings.Cut(a, "://"); strings.TrimSpace(a) == "" || prefixed && strings.TrimSpace(rest) == "" {
			return usageError{fmt.Errorf("the target %q is empty", a), "is the variable set? name an image, an archive, a folder or an SBOM"}
		}
	}
	return nil
}

// target is the one target of a command line, and empty for none.
func target(args []string) (string, error) {
	if len(args) > 1 && slices.ContainsFunc(args, func(a string) bool { _, err := strconv.Atoi(a); return err == nil }) {
		return "", usageError{fmt.Errorf("one target at a time, not %d", len(args)), "a code is given as --exit-code=N"}
	}
	if len(args) > 1 {
		return "", usageError{fmt.Errorf("one target at a time, not %d", len(args)), ""}
	}
	if len(args) == 0 {
		return "", nil
	}
	return args[0], notEmpty(args)
}
