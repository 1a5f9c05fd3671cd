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

func runtimeFlag() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/runtime-flag",
				Title:    "A flag of docker run is given to the process",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Why: "What a container may do is said when it is started: docker run --cap-drop, or cap_drop in a Compose file. The words of CMD and ENTRYPOINT are " +
					"arguments of the process. There such a flag restricts nothing, and the process either ignores it or stops at it. Nothing in a " +
					"Dockerfile can take rights away from the container but USER.",
				Bad:  "FROM nginx:1.28\nCMD [\"nginx\", \"-g\", \"daemon off;\", \"--cap-drop\", \"ALL\"]\n",
				Good: "FROM nginx:1.28\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				engine := startsEngines(in)
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Cmd != "CMD" && inst.Cmd != "ENTRYPOINT" || engine[inst.Stage] {
						continue
					}
					s := in.Script(i)
					for n := range s.Commands {
						if c := &s.Commands[n]; !namesEngine(c) {
							runtimeFlags(in, inst, c, p.Report)
						}
					}
				}
				return nil
			},
		},
	}
}

// startsEngines says of which stages the base or the ENTRYPOINT, whose arguments
// a CMD is, names a program that starts containers.
func startsEngines(in *inspect.Input) []bool {
	out := make([]bool, len(in.File.Stages))
	for n, st := range in.Startings() {
		out[n] = inspect.StartsContainers(inspect.BaseName(&in.File.Stages[n]))
		if st.Entrypoint >= 0 {
			out[n] = out[n] || inspect.StartsContainers(in.File.Instructions[st.Entrypoint].Args...)
		}
	}
	return out
}

// namesEngine reports whether a word of a command that is no flag does.
func namesEngine(c *dockerfile.Command) bool {
	return slices.ContainsFunc(c.Words, func(w dockerfile.ShellWord) bool {
		return !strings.HasPrefix(w.Text, "-") && inspect.StartsContainers(w.Text)
	})
}

// What a flag needs to be taken for one of docker run.
const (
	engineOnly = 1 + iota // no other program has it
	alsoOthers            // some have it: it counts beside one of engineOnly, or for programs that are known to have none
)

// runFlags are docker run's and the daemon's that limit a container or let it
// do more; value: whether the next word is theirs.
var runFlags = map[string]struct {
	sure  int
	value bool
}{
	"--cap-drop": {engineOnly, true}, "--cap-add": {engineOnly, true}, "--security-opt": {engineOnly, true}, "--icc": {engineOnly, false},
	"--no-new-privileges": {alsoOthers, false}, "--pids-limit": {engineOnly, true}, "--cpu-shares": {engineOnly, true}, "--memory-swap": {engineOnly, true},
	"--userns": {alsoOthers, true}, "--userns-remap": {engineOnly, true}, "--ulimit": {alsoOthers, true}, "--tmpfs": {alsoOthers, true}, "--cgroup-parent": {engineOnly, true},
	"--read-only": {alsoOthers, false}, "--privileged": {alsoOthers, false}, "--memory": {alsoOthers, true}, "--cpus": {alsoOthers, true},
	"--net": {alsoOthers, true}, "--network": {alsoOthers, true}, "--restart": {alsoOthers, true}, "--publish": {alsoOthers, true}, "--pid": {alsoOthers, true}, "--ipc": {alsoOthers, true},
}

// noneOfThese are programs that have none of the flags that others may have.
var noneOfThese = []string{"nginx", "httpd", "httpd-foreground", "apache2-foreground", "node", "nodejs", "npm", "python", "python3", "php-fpm", "java", "catalina.sh", "sh", "bash"}

// runtimeFlags reads the arguments of one command up to where its program's end:
// for an interpreter, those after its script are the script's.
func runtimeFlags(in *inspect.Input, inst *dockerfile.Instruction, c *dockerfile.Command, report func(finding.Finding)) {
	sure := slices.Contains(noneOfThese, c.Program()) && !interprets(c)
	for _, w := range c.Words {
		name, _, _ := strings.Cut(w.Text, "=")
		sure = sure || runFlags[name].sure == engineOnly
	}
	for n := 0; n < len(c.Words); n++ {
		name, value, has := strings.Cut(c.Words[n].Text, "=")
		flag, known := runFlags[name]
		if !known || !sure {
			continue
		}
		last := n
		if flag.value && !has && n+1 < len(c.Words) && !strings.HasPrefix(c.Words[n+1].Text, "-") {
			last++
			value = c.Words[last].Text
		}
		f := rule.At(in.File.Span(c.Words[n].Span.Start, c.Words[last].Span.End), name+" "+value,
			"%s in %s is an argument of %s and has no effect on the container: it is a flag of %s", name, inst.Cmd, programOf(c), ownerOf(name))
		if n > 0 && c.Words[n-1].Span.End < c.Words[n].Span.Start {
			f = rule.WithFix(f, finding.Behaviour, "Take it out, and say it to "+ownerOf(name), in.Edit(in.File.Span(c.Words[n-1].Span.End, c.Words[last].Span.End), ""))
		}
		report(f)
		n = last
	}
}

// interprets reports whether a command runs a script, whose own arguments may be
// of any name.
func interprets(c *dockerfile.Command) bool {
	switch c.Program() {
	case "node", "nodejs", "npm", "python", "python3", "java", "sh", "bash":
		return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return !strings.HasPrefix(w.Text, "-") })
	}
	return false
}

func programOf(c *dockerfile.Command) string {
	if p := c.Program(); p != "" && !strings.HasPrefix(p, "-") {
		return p
	}
	return "the process"
}

func ownerOf(flag string) string {
	if flag == "--icc" || flag == "--userns-remap" {
		return "the Docker daemon"
	}
	return "docker run"
}
