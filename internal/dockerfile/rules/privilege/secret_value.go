package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func secretValue() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/secret-value",
				Title:    "A secret is written in the Dockerfile",
				Practice: finding.LeastPrivilege,
				Traits:   finding.Traits{Hides: true},
				Severity: finding.High,
				Aliases:  []string{"DS031", "CIS-4.10", "CIS-DI-0010"},
				Why: "What a Dockerfile says is in its repository for ever, and in the image for everyone who can pull it: ENV and LABEL in its configuration, ARG and RUN " +
					"in its history. Taking it out of a later layer takes nothing back. Give a build its secrets with RUN --mount=type=secret, a container its own when it starts, and " +
					"revoke the one that was written down.",
				Bad:  "FROM debian:13-slim\nENV DB_PASSWORD=correct-horse-battery\n",
				Good: "FROM debian:13-slim\nENV DB_PASSWORD_FILE=/run/secrets/db_password\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Trigger != nil {
						inst = inst.Trigger
					}
					switch inst.Cmd {
					case "ENV", "ARG", "LABEL":
						secretPairs(in, inst, p.Report)
					case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
						s := in.Script(i)
						for n := range s.Commands {
							secretWords(in, inst, s, n, p.Report)
						}
					case "ADD":
						for _, w := range inst.Words {
							for _, m := range secret.Find([]byte(w.Text)) {
								p.Report(secretAt(in, w.Span, inst.Cmd, "the address of ADD", m, w.Text))
							}
						}
					}
					secretHeredocs(in, inst, p.Report)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/6332b1dce20c7873943f3ee539b133ec13c11ad0.Dockerfile",
		Quiet: "docker-library+rabbitmq/4.3/alpine/Dockerfile",
	}
}

// secretAt is the finding of a secret, which it does not show.
func secretAt(in *inspect.Input, span finding.Span, cmd, where string, m secret.Match, text string) finding.Finding {
	f := in.Hide(rule.At(span, cmd+" "+where, "%s holds a secret (%s): %s", where, m.Kind, m.Redacted([]byte(text))), span, text[m.Start:m.End])
	f.Severity = m.Severity
	title := "Pass it to the build with RUN --mount=type=secret, and revoke this one"
	switch cmd {
	case "ENV", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		title = "Pass it when the container starts, and revoke this one"
	case "LABEL":
		title = "Take it out, and revoke it"
	}
	return rule.WithFix(f, finding.NeedsReview, title)
}

// secretPairs looks at the variables of an ENV or ARG, and the labels of a
// LABEL. Of a label, only a format is taken for a secret, not a name.
func secretPairs(in *inspect.Input, inst *dockerfile.Instruction, report func(finding.Finding)) {
	for n, pair := range inst.Pairs() {
		value := inspect.Unquote(pair.Value.Text)
		if !pair.HasValue || strings.HasPrefix(value, "$") {
			continue
		}
		m, ok := secret.Assigned(pair.Key.Text, value)
		if inst.Cmd == "LABEL" {
			ms := secret.Find([]byte(value))
			if ok = len(ms) > 0; ok {
				m = ms[0]
			}
		}
		if !ok || inspect.PublicByName(pair.Key.Text) || inspect.KnownToAll(value) {
			continue
		}
		f := secretAt(in, pair.Value.Span, inst.Cmd, inst.Cmd+" "+pair.Key.Text, m, value)
		if inst.Cmd == "ARG" && pair.Value.Span.Start > pair.Key.Span.End {
			f.Fixes = nil
			f = withoutDefault(in, f, inst, n, pair)
		}
		report(f)
	}
}

// withoutDefault takes the default of a build argument away, and gives its value
// to the commands that use it as a secret. Where these cannot be told, or edited,
// nothing is: without the default they would have no value.
func withoutDefault(in *inspect.Input, f finding.Finding, inst *dockerfile.Instruction, n int, pair dockerfile.Pair) finding.Finding {
	const byHand = "Pass it with RUN --mount=type=secret, take the default away, and revoke this one"
	arg := pair.Key.Text
	if inst.Stage < 0 {
		return rule.WithFix(f, finding.NeedsReview, byHand)
	}
	i := slices.IndexFunc(in.File.Instructions, func(x dockerfile.Instruction) bool { return x.Span.Start == inst.Span.Start })
	s := &in.File.Stages[inst.Stage]
	users, elsewhere := usesOf(in, s).of(arg, i)
	switch {
	case elsewhere || inspect.NameLength(arg) != len(arg):
		return rule.WithFix(f, finding.NeedsReview, byHand)
	case len(users) == 0:
		return rule.WithFix(f, finding.NeedsReview, "Take the default away, which no command is seen to use, and revoke this one",
			in.Edit(in.File.Span(pair.Key.Span.End, pair.Value.Span.End), ""))
	}
	edits, ok := mountSecret(in, s, users, arg)
	if !ok {
		return rule.WithFix(f, finding.NeedsReview, byHand)
	}
	return rule.WithFix(f, finding.NeedsReview, "Mount it as a secret (docker build --secret id="+arg+",env="+arg+"), and revoke this one", append(edits, in.DropPair(inst, n))...)
}

// replacement is sed's s/old/new/ with blanks for what it takes away.
func replacement(word string) string {
	if len(word) < 4 || word[0] != 's' || !strings.ContainsAny(word[1:2], "/|,#@:!") {
		return word
	}
	n := strings.IndexByte(word[2:], word[1])
	if n < 0 {
		return word
	}
	return word[:2] + strings.Repeat(" ", n) + word[2+n:]
}

// secretWords looks at one command as a line: what is assigned, given to a flag
// or known by its format.
func secretWords(in *inspect.Input, inst *dockerfile.Instruction, s *dockerfile.Script, n int, report func(finding.Finding)) {
	c := &s.Commands[n]
	for _, a := range c.Assigns {
		if m, ok := secret.Assigned(a.Name, a.Value.Text); ok && a.Value.Literal && !inspect.PublicByName(a.Name) {
			report(secretAt(in, a.Value.Span, inst.Cmd, inst.Cmd+" "+a.Name, m, a.Value.Text))
		}
	}
	var line strings.Builder
	starts := make([]int, len(c.Words))
	for k, w := range c.Words {
		if k > 0 {
			line.WriteByte(' ')
		}
		starts[k] = line.Len()
		if c.Is("sed") {
			w.Text = replacement(w.Text)
		}
		line.WriteString(w.Text)
	}
	text := line.String()
	for _, m := range secret.FindCommand([]byte(text)) {
		k := 0
		for k+1 < len(starts) && starts[k+1] <= m.Start {
			k++
		}
		if keyIsPublic(text[:m.Start]) || inspect.KnownToAll(text[m.Start:m.End]) {
			continue
		}
		report(secretAt(in, c.Words[k].Span, inst.Cmd, programOf(c), m, text))
	}
	if w, value, ok := login(c); ok && !secret.Placeholder(value) && len(secret.FindCommand([]byte(text))) == 0 {
		report(secretAt(in, w.Span, inst.Cmd, programOf(c), secret.Match{Kind: "password", Severity: finding.High, End: len(value)}, value))
	}
}

// keyIsPublic reports whether the name before a value is of what everyone may know.
func keyIsPublic(before string) bool {
	before = strings.TrimRight(before, "= \"'")
	if i := strings.LastIndexAny(before, " \"'"); i >= 0 {
		before = before[i+1:]
	}
	return inspect.PublicByName(before)
}

// login is the password that a command of a known program is given in its own
// way.
func login(c *dockerfile.Command) (dockerfile.ShellWord, string, bool) {
	var w dockerfile.ShellWord
	var ok bool
	switch c.Program() {
	case "curl":
		if w, ok = c.Value("-u", "--user", "-U", "--proxy-user"); ok {
			_, value, has := strings.Cut(w.Text, ":")
			return w, value, has && w.Literal && len(value) > 2
		}
		return w, "", false
	case "git": // https://token@host/
		for _, a := range c.Args() {
			_, rest, has := strings.Cut(a.Text, "://")
			user, _, at := strings.Cut(rest, "@")
			if has && at && a.Literal && len(user) >= 20 && !strings.ContainsAny(user, "/:") {
				return a, user, true
			}
		}
		return w, "", false
	case "wget":
		w, ok = c.Value("--http-passwd", "--ftp-password", "--proxy-password")
	case "docker", "podman", "helm", "skopeo", "buildah":
		if w, ok = c.Value("-p", "--password"); ok && !c.Is(c.Program(), "login") {
			ok = false
		}
	case "sshpass":
		w, ok = c.Value("-p")
	case "mysql", "mysqladmin", "mysqldump", "mariadb":
		for _, a := range c.Args() {
			if v, has := strings.CutPrefix(a.Text, "-p"); has && len(v) > 2 && a.Literal {
				return a, v, true
			}
		}
	}
	return w, w.Text, ok && w.Literal && len(w.Text) > 2 && !strings.HasPrefix(w.Text, "-")
}

// secretHeredocs looks at what here-documents hold.
func secretHeredocs(in *inspect.Input, inst *dockerfile.Instruction, report func(finding.Finding)) {
	for _, h := range inst.Heredocs {
		body := []byte(in.Text(h.Body))
		for _, m := range secret.Find(body) {
			report(secretAt(in, in.File.Span(h.Body.Start+m.Start, h.Body.Start+m.End), inst.Cmd, "the here-document "+h.Name, m, string(body)))
		}
	}
}
