package cli

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/policy"
)

// flags is what every verb takes, and the surroundings it runs in. Each flag
// has an environment variable: --cache-dir is DRYDOCK_CACHE_DIR.
type flags struct {
	env Env

	formats                                             destinations // of --format and --output
	output, platform, dockerfile, config, baseline      string
	cacheDir, dataDir, failOn, exitCode, maxAge, server string
	severity, vex, insecure, omit                       []string
	onlyFixed, offline, quiet, noColor, noCache, stale  bool
	debug, showSuppressed, all, matchGit                bool

	ledger *ledger.Ledger // of what is made outside of cacheDir and dataDir

	filter policy.Filter // of the verbs that list vulnerabilities
	gate   policy.Gate   // of --fail-on or the configuration
	code   int           // of --exit-code

	places sync.Once // tells of the folders that are not used
	said   sync.Once // makes tell
	tell   func(host string)

	running   *cobra.Command
	inherited map[string]bool // its flags that the environment set
}

// global registers the flags that are the same everywhere.
func (f *flags) global(s *pflag.FlagSet) {
	f.formats.list = []destination{{format: "text"}}
	s.VarP(&f.formats, "format", "f", "output `FORMAT`, or FORMAT=FILE several times: text, json, sarif, markdown, html, gitlab, cyclonedx, spdx, openvex, checkstyle, codeclimate, github as they apply")
	s.VarP(outputFile{f}, "output", "o", "write the report to `FILE` instead of standard output")
	s.StringVar(&f.platform, "platform", "", "`OS/ARCH` of a multi-platform image (default the host's)")
	s.StringSliceVar(&f.severity, "severity", nil, "show and count only these `SEVERITIES`: critical,high,medium,low,negligible,unrated")
	s.BoolVar(&f.onlyFixed, "only-fixed", false, "show and count only vulnerabilities that have a fix")
	s.StringVar(&f.failOn, "fail-on", "", "exit with 2 at `GATE`: severity:high, unrated, kev, unknown, efficiency:0.95, waste:20MB, comma-separated")
	s.StringVarP(&f.exitCode, "exit-code", "e", "", "exit with `CODE` (2) when anything is found; as --exit-code=N to choose")
	s.Lookup("exit-code").NoOptDefVal = "2"
	s.StringVar(&f.baseline, "baseline", "", "report only what is not in `FILE`, an earlier JSON report")
	s.StringVar(&f.dockerfile, "dockerfile", "", "join layers to the lines of this `FILE`")
	s.StringSliceVar(&f.vex, "vex", nil, "apply these VEX `FILES` (OpenVEX, CycloneDX, CSAF)")
	s.StringSliceVar(&f.omit, "omit", nil, "leave out packages of this `KIND`: dev, the development dependencies that a lock file marks")
	s.BoolVar(&f.matchGit, "match-git", false, "match what comes from a repository by its name, as if the registry had published it")
	s.StringVarP(&f.config, "config", "c", "", "configuration `FILE` (default .drydock.yaml)")
	s.BoolVar(&f.offline, "offline", false, "use no network at all (DRYDOCK_OFFLINE=1)")
	s.StringVar(&f.cacheDir, "cache-dir", "", "keep layer records and inventories in `DIR`")
	s.StringVar(&f.dataDir, "data-dir", "", "keep the advisory database, and the list of what is made elsewhere, in `DIR`")
	s.BoolVar(&f.noCache, "no-cache", false, "read every layer anew and keep nothing of them")
	s.StringSliceVar(&f.insecure, "insecure-registry", nil, "speak to these `REGISTRIES` over HTTP or with an unknown certificate")
	s.StringVar(&f.maxAge, "max-db-age", "", "warn when the advisory data of an ecosystem that the target uses is older than `AGE` (fetched 7d, embedded 30d)")
	s.BoolVar(&f.stale, "fail-on-stale-db", false, "make advisory data older than --max-db-age an error")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, no next steps")
	s.BoolVar(&f.noColor, "no-color", false, "no colours (also NO_COLOR)")
	s.BoolVar(&f.debug, "debug", false, "log what is done to standard error")
}

// synonyms takes the names that users of other tools have in their fingers.
func synonyms(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "only-severity":
		name = "severity"
	case "ignore-unfixed":
		name = "only-fixed"
	case "net": // docker run's, of old
		name = "network"
	case "net-alias":
		name = "network-alias"
	case "dns-opt":
		name = "dns-option"
	}
	return pflag.NormalizedName(name)
}

// vulnerabilities registers the flags of the verbs that list them.
func (f *flags) vulnerabilities(s *pflag.FlagSet) {
	s.BoolVar(&f.filter.OnlyUnfixed, "only-unfixed", false, "only vulnerabilities without a fix")
	s.StringSliceVar(&f.filter.Packages, "only-package", nil, "only these packages, by `NAME` or purl")
	s.StringSliceVar(&f.filter.PackageTypes, "only-package-type", nil, "only these package `TYPES`: deb, apk, npm, golang …")
	s.StringSliceVar(&f.filter.IDs, "only-cve-id", nil, "only these vulnerability `IDS`")
	s.BoolVar(&f.filter.OnlyKEV, "only-kev", false, "only vulnerabilities known to be exploited")
	s.Float64Var(&f.filter.EPSS, "epss-score", 0, "only vulnerabilities with at least this EPSS `SCORE` (0 to 1), or with none")
	s.BoolVar(&f.filter.IgnoreBase, "ignore-base", false, "leave out what the base image brings")
	s.BoolVar(&f.filter.OnlyBase, "only-base", false, "only what the base image brings")
	s.BoolVar(&f.showSuppressed, "show-suppressed", false, "list what does not count, with the reason")
}

func (f *flags) color() bool {
	return f.env.Terminal && !f.noColor && f.env.Getenv("NO_COLOR") == "" && f.env.Getenv("TERM") != "dumb"
}

func (f *flags) logger() *slog.Logger {
	if !f.debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(f.env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// pipeline is the surroundings of a run: from the flags, and where a flag was
// not given, from the configuration.
func (f *flags) pipeline() (*check.Pipeline, error) { return f.pipelineIn(".") }

// pipelineIn is the same for a user who stands in a folder.
func (f *flags) pipelineIn(dir string) (*check.Pipeline, error) {
	cfg, err := check.LoadConfig(dir, f.config)
	if err != nil {
		return nil, err
	}
	p := &check.Pipeline{
		Surroundings: check.Surroundings{
			DataDir: f.database(), CacheDir: f.cache(), Platform: f.platform, Offline: f.offline, Insecure: f.insecure, NoCache: f.noCache,
			MaxAge: cfg.MaxDBAge, StaleFails: f.stale,
			Now: f.env.Now, Getenv: f.env.Getenv, Log: f.logger(), Ledger: f.ledger,
			Dial: f.env.Dial, Notice: f.notice(),
		},
		Policy: check.Policy{Config: cfg, VEX: append(cfg.VEX, f.vex...), OmitDev: len(f.omit) > 0, MatchGit: f.matchGit, Baseline: cmp.Or(f.baseline, cfg.Baseline)},
	}
	if p.Service, err = f.fromServer(); err != nil {
		return nil, err
	}
	if p.Hadolint, err = check.LoadHadolint(dir, f.env.Getenv); err != nil {
		return nil, err
	}
	if f.maxAge != "" {
		if p.MaxAge, err = policy.ParseAge(f.maxAge); err != nil {
			return nil, usageError{fmt.Errorf("--max-db-age: %w", err), "days or hours: 7d, 36h"}
		}
	}
	if err := f.terms(cfg); err != nil {
		return nil, err
	}
	p.Filter = f.filter
	return p, nil
}
