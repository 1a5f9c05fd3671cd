package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/plugin"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Main runs the program and returns its exit code. args[0] is the name it was
// called by: as docker-drydock it is a Docker CLI plugin.
func Main(ctx context.Context, env Env, args ...string) int {
	env = env.withDefaults()
	name := "drydock"
	if len(args) > 0 {
		name = strings.TrimSuffix(filepath.Base(args[0]), ".exe")
		args = args[1:]
	}
	role, called := plugin.Called(name)
	if called {
		env.Name = "docker " + role.Name
		env.Getenv = overlay(role.Environment(args), env.Getenv)
		args = role.Args(args)
	} else {
		role = plugin.Roles()[0]
	}
	root := newRoot(env)
	root.AddCommand(pluginCommands(env, role)...)
	root.SetArgs(append([]string{}, args...)) // nil would be the process's own
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if words := firstWord(args); cmd == root && len(words) > 0 {
			return unknownVerb(env.Name, root, words)
		}
		return usageError{err, strings.Replace(cmd.CommandPath(), root.Name(), env.Name, 1) + " --help"}
	})
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	return explainError(env, err)
}

// overlay is an environment with some variables on top.
func overlay(top map[string]string, below func(string) string) func(string) string {
	return func(name string) string {
		if v, ok := top[name]; ok {
			return v
		}
		return below(name)
	}
}

func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "drydock",
		Short: "From the Dockerfile to the running container, through the six practices",
		Long: `Drydock takes a container image from its Dockerfile to its running container
through the practices of Docker's security guide, offline and without an account.

A target is an image reference, an archive, a folder, an SBOM or one file (a
program, a jar, a lock file). It is found out, or said with a prefix: image://,
local://, registry://, archive://, oci-dir://, fs://, file:, sbom://. Without a target, the most recently built local image is taken.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		Version:           env.Version,
		Args:              cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
	}
	root.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return root.Help()
		}
		return unknownVerb(env.Name, root, args)
	}
	root.SetVersionTemplate(versionLine(env.Version))
	root.SetHelpCommand(newHelp())
	f := &flags{env: env}
	f.global(root.PersistentFlags())
	root.SetGlobalNormalizationFunc(synonyms)
	root.PersistentPreRunE = f.begin
	root.AddCommand(
		newCheck(f), newQuickview(f), newCVEs(f), newLint(f), newLSP(f), newFix(f), newLayers(f), newSBOM(f), newCompare(f), newRecommend(f), newObserve(f), newObserver(f), newConfine(f), newMinify(f), newRun(f), newAudit(f),
		newTrust(f), newGate(f), newServe(f), newAgent(f), newSimulate(f), newWatch(f), newDB(f), newExplain(f), newInit(f), newPlugin(f), newVersion(f),
	)
	return root
}

// exitError carries a code without a message: the report has said it all.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

func (e exitError) ExitCode() int { return int(e) }

// usageError is a command line that cannot be understood.
type usageError struct {
	err  error
	hint string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }
func (e usageError) Hint() string  { return e.hint }

// foreign is text that may hold a stranger's bytes, as a terminal may have it.
func foreign(s string) string {
	lines := strings.Split(secret.Redact(s), "\n")
	for i := range lines {
		lines[i] = report.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// explainError prints err and its hint, and returns its exit code.
func explainError(env Env, err error) int {
	var quiet exitError
	if errors.As(err, &quiet) {
		return int(quiet)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted; nothing was left behind")
	}
	fmt.Fprintf(env.Stderr, "error: %s\n", foreign(err.Error()))
	if hint := finding.HintOf(err); hint != "" {
		fmt.Fprintf(env.Stderr, "hint: %s\n", foreign(hint))
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}
