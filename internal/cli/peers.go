package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// peerVerbs are the verbs of other tools, with ours that does the same. A verb
// that takes a prefix in its targets has it written out.
func peerVerbs() map[string]string {
	return map[string]string{
		// Trivy
		"image": "cves", "i": "cves", "fs": "cves", "filesystem": "cves", "repo": "cves", "repository": "cves", "rootfs": "cves fs://",
		"config": "lint", "conf": "lint", "misconfig": "lint", "kubernetes": "check", "k8s": "check", "clean": "db",
		// Docker Scout, docker scan
		"scan": "check", "vulnerabilities": "cves", "vulns": "cves", "policy": "check", "cache": "db status",
		// Syft, Grype
		"packages": "sbom", "pkgs": "sbom", "convert": "sbom", "dir": "cves", "file": "cves",
		// dive, hadolint, dockle, docker history
		"dive": "layers", "history": "layers", "analyze": "layers", "hadolint": "lint", "dockle": "check", "inspect": "check",
	}
}

// unknownVerb answers a command line whose first word is no verb: with the verb
// that is meant, typed out with the user's own arguments.
func unknownVerb(name string, root *cobra.Command, args []string) error {
	word := args[0]
	err := fmt.Errorf("unknown command %q for %q", word, name)
	quoted := make([]string, 0, len(args))
	for _, a := range args[1:] {
		quoted = append(quoted, quote(a))
	}
	rest := strings.Join(quoted, " ")
	if verb, ok := peerVerbs()[word]; ok {
		if strings.HasSuffix(verb, "://") {
			return usageError{err, strings.TrimSpace(name + " " + verb + rest)}
		}
		return usageError{err, strings.TrimSpace(name + " " + verb + " " + rest)}
	}
	if near := root.SuggestionsFor(word); len(near) > 0 {
		return usageError{err, strings.TrimSpace(name + " " + near[0] + " " + rest)}
	}
	if _, statErr := os.Stat(word); statErr == nil || strings.ContainsAny(word, ":/.@") {
		return usageError{err, strings.TrimSpace(name + " check " + quote(word) + " " + rest)}
	}
	return usageError{err, name + " --help"}
}

// quote writes a word as a shell takes it.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// firstWord is the first argument that is no flag.
func firstWord(args []string) []string {
	for i, a := range args {
		if !strings.HasPrefix(a, "-") {
			return args[i:]
		}
	}
	return nil
}

// newHelp is help as a word, for those who type "drydock help cves".
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help on a command", Hidden: true, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			on, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("help: no command %q", strings.Join(args, " ")), cmd.Root().CommandPath() + " --help"}
			}
			return on.Help()
		},
	}
}
