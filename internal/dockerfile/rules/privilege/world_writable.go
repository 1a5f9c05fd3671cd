package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func worldWritable() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/world-writable",
				Title:    "Everyone in the container may change a file",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Why: "chmod 777 lets every process of the container, whoever it runs as, replace the program that others run or the configuration that they read. It is " +
					"mostly written because a file belongs to the wrong user: give it to the right one, with COPY --chown or chown.",
				Bad:  "FROM debian:13-slim\nCOPY run.sh /run.sh\nRUN chmod 777 /run.sh\n",
				Good: "FROM debian:13-slim\nCOPY --chmod=755 run.sh /run.sh\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(i int, c *dockerfile.Command) {
					if !c.Is("chmod") {
						return
					}
					mode, files, ok := chmodWords(c)
					if !ok || !openToAll(mode.Text) || len(files) == 0 || forEveryone(files) {
						return
					}
					f := rule.At(mode.Span, "chmod "+files[0].Text, "chmod %s lets everyone in the container change %s", mode.Text, files[0].Text)
					if tight, ok := tighter(mode.Text); ok && in.Exactly(mode) && givenIn(in, i, files) {
						p.Report(rule.WithFix(f, finding.NeedsReview, "Say "+tight+", and give the files to the user who writes them", in.Edit(mode.Span, tight)))
						return
					}
					p.Report(rule.WithFix(f, finding.NeedsReview, "Give the files to the user who writes them"))
				})
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					for _, fl := range inst.FlagWords {
						if fl.Name == "chmod" && openToAll(fl.Value) && (inst.Cmd == "COPY" || inst.Cmd == "ADD") {
							f := rule.At(fl.Span, inst.Cmd+" --chmod", "%s --chmod=%s lets everyone in the container change what is copied", inst.Cmd, fl.Value)
							owned := slices.ContainsFunc(inst.FlagWords, func(o dockerfile.Flag) bool { return o.Name == "chown" })
							if tight, ok := tighter(fl.Value); ok && owned {
								f = rule.WithFix(f, finding.NeedsReview, "Say "+tight+", and give the files to the user who writes them", in.Edit(fl.Span, "--chmod="+tight))
							}
							p.Report(f)
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/791c87191bb756a12edd67d657023f9215d86736.Dockerfile",
		Quiet: "docker-library+rabbitmq/4.3/alpine/Dockerfile",
	}
}

// givenIn reports whether RUN i gives each of the files to a user: only then may
// that user still write them when others may not.
func givenIn(in *inspect.Input, i int, files []dockerfile.ShellWord) bool {
	for _, f := range files {
		if !slices.ContainsFunc(in.Script(i).Commands, func(c dockerfile.Command) bool {
			return c.Is("chown") && slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return w.Text == f.Text })
		}) {
			return false
		}
	}
	return true
}

// chmodWords are the mode and the files of a chmod.
func chmodWords(c *dockerfile.Command) (mode dockerfile.ShellWord, files []dockerfile.ShellWord, ok bool) {
	for i, w := range c.Args() {
		switch {
		case strings.HasPrefix(w.Text, "--reference"):
			return mode, nil, false
		case strings.HasPrefix(w.Text, "-") && len(w.Text) > 1 && strings.Trim(w.Text[1:], "RfvcHLP") == "", strings.HasPrefix(w.Text, "--"):
		case !ok:
			mode, ok = c.Args()[i], w.Literal
		default:
			files = append(files, w)
		}
	}
	return mode, files, ok
}

// openToAll reports whether a mode lets others write, without the sticky bit that
// makes a folder like /tmp of it.
func openToAll(mode string) bool {
	if mode == "" {
		return false
	}
	if strings.Trim(mode, "01234567") == "" {
		n := len(mode)
		if n < 3 || n > 5 {
			return false
		}
		sticky := n >= 4 && (mode[n-4]-'0')&1 != 0
		return (mode[n-1]-'0')&2 != 0 && !sticky
	}
	for clause := range strings.SplitSeq(mode, ",") {
		n := strings.IndexAny(clause, "+=")
		if n < 0 || strings.Trim(clause, "ugoarwxXst+=-") != "" {
			continue
		}
		if strings.ContainsAny(clause[:n], "oa") && strings.Contains(clause[n:], "w") && !strings.Contains(mode, "t") {
			return true
		}
	}
	return false
}

// tighter is a numeric mode without the right of others to write, and, where
// all had every right, of the group.
func tighter(mode string) (string, bool) {
	if strings.Trim(mode, "01234567") != "" || len(mode) < 3 {
		return "", false
	}
	n := len(mode)
	group, others := (mode[n-2]-'0')&^2, (mode[n-1]-'0')&^2
	return mode[:n-2] + string([]byte{'0' + group, '0' + others}), true
}

// forEveryone reports whether all files are meant for everyone: devices, sockets and
// temporary folders.
func forEveryone(files []dockerfile.ShellWord) bool {
	for _, f := range files {
		if !strings.HasPrefix(f.Text, "/tmp") && !strings.HasPrefix(f.Text, "/var/tmp") && !strings.HasPrefix(f.Text, "/dev/") {
			return false
		}
	}
	return true
}
