package privilege

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func secretFile() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/secret-file",
				Title:    "A file of secrets is copied into the image",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Aliases:  []string{"DS031", "CIS-4.10", "CIS-DI-0010"},
				Why: "A copied file is in a layer of its own. RUN rm in a later one hides it and removes nothing: whoever pulls the image has the layer. " +
					"RUN --mount=type=secret shows a file to one command and leaves nothing behind; what the running container needs is mounted when it starts.",
				Bad:  "FROM node:22-slim\nWORKDIR /app\nCOPY .npmrc ./\nCOPY package*.json ./\nRUN npm ci\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN --mount=type=secret,id=npmrc,target=/app/.npmrc npm ci\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				used, offered := chain(in), map[string]bool{}
				looked := map[string]bool{} // folders
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Cmd != "COPY" && inst.Cmd != "ADD" || len(inst.Words) < 2 {
						continue
					}
					fromStage := slices.ContainsFunc(inst.FlagWords, func(f dockerfile.Flag) bool { return f.Name == "from" })
					for n, w := range inst.Words[:len(inst.Words)-1] {
						source, _ := in.Scopes.Expand(in.Stage(i), i, w.Text)
						if !fromStage && used[in.Stage(i).Index] {
							secretsWithin(in, inst, w, source, looked, p)
						}
						kind, severity, ok := secretSource(in, source, fromStage)
						if !ok {
							continue
						}
						f := rule.At(w.Span, inst.Cmd+" "+source, "%s puts %s (%s) into a layer, where it stays whatever is removed later", inst.Cmd, source, kind)
						f.Severity = severity
						if !used[in.Stage(i).Index] {
							f.Message = inst.Cmd + " puts " + source + " (" + kind + ") into a layer of " + inspect.StageName(in.Stage(i)) + ", which the build cache keeps and may export"
							f.Severity = finding.Low
						}
						// The edits of a fix go over the whole stage: one a stage and name is enough.
						if key := inspect.StageName(in.Stage(i)) + " " + path.Base(source); !offered[key] {
							offered[key] = true
							f = mountInstead(in, f, i, n, source)
						}
						p.Report(f)
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/dc59eb337a57d97e222d487b4e8b3e8e0d7b7c84.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/4f1104f3f2f0bac8429dbf958f7bd3427dbcdc14.Dockerfile",
	}
}

// maxLooked is how many folders are looked into for one file.
const maxLooked = 20

// secretsWithin reports the secrets in a folder that is copied, where the build
// context is known. The whole folder of the build is ignore-file's.
func secretsWithin(in *inspect.Input, inst *dockerfile.Instruction, w dockerfile.Word, source string, looked map[string]bool, p *rule.Pass) {
	c, dir := in.Options.Context, strings.Trim(path.Clean("/"+source), "/")
	if c == nil || dir == "" || strings.Contains(source, "://") || !fs.ValidPath(dir) || looked[dir] || len(looked) >= maxLooked {
		return
	}
	looked[dir] = true
	if info, err := fs.Stat(c.FS, dir); err != nil || !info.IsDir() || c.Ignored(dir) {
		return
	}
	seen := 0
	err := fs.WalkDir(c.FS, dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		if d.IsDir() {
			if file != dir && (d.Name() == "node_modules" || d.Name() == ".git") {
				return fs.SkipDir
			}
			return nil
		}
		if u, ok := unwantedFile(in, file); ok && !c.Ignored(file) {
			f := rule.At(w.Span, inst.Cmd+" "+file, "%s of %s puts %s (%s) into a layer, where it stays whatever is removed later", inst.Cmd, source, file, u.what)
			p.Report(rule.WithFix(f, finding.NeedsReview, "Have the ignore file leave it out, and give it to the container when it starts"))
		}
		return nil
	})
	if err != nil {
		p.Unknown(finding.Unknown{What: "what " + inst.Cmd + " takes from " + dir, Why: err.Error()})
	}
}

// chain says which stages the final one stands on, itself included.
func chain(in *inspect.Input) []bool {
	out := make([]bool, len(in.File.Stages))
	for _, s := range in.File.Chain(in.Final()) {
		out[s.Index] = true
	}
	return out
}

// secretSource reports whether a source of COPY is a file of secrets: by its
// content where the context is known, else by its name.
func secretSource(in *inspect.Input, source string, fromStage bool) (kind string, severity finding.Severity, ok bool) {
	base := path.Base(source)
	if strings.ContainsAny(base, "*?$") || strings.Contains(source, "://") {
		if base != "*.pem" && base != "*.key" || fromStage {
			return "", 0, false
		}
		return "key-file", finding.Low, true
	}
	kind, ok = secret.Path(source)
	if !ok || secret.ForShow(source) {
		return "", 0, false
	}
	if c := in.Options.Context; c != nil && !fromStage {
		if b, err := c.Read(source, inspect.MaxReadme); err == nil {
			ms := secret.File(source, b)
			if len(ms) == 0 {
				return "", 0, false
			}
			return ms[0].Kind, ms[0].Severity, true
		}
	}
	return kind, nameSeverity(kind, source, fromStage), nameSeverity(kind, source, fromStage) > 0
}

// nameSeverity is how sure a name alone is; 0: not enough to speak.
func nameSeverity(kind, source string, fromStage bool) finding.Severity {
	low := strings.ToLower(path.Base(source))
	if strings.Contains(low, "sample") || strings.Contains(low, "example") || strings.Contains(low, "template") {
		return 0
	}
	switch kind {
	case "ssh-key", "aws-credentials", "git-credentials", "netrc", "pgpass", "vault-token-file", "azure-tokens", "gcp-credentials", "kubeconfig", "rails-master-key":
		return finding.High
	case "dotenv": // "versions.env" is one too
		if strings.HasPrefix(low, ".env") || strings.Contains(low, "secret") || strings.Contains(low, "prod") || strings.Contains(low, "cred") {
			return finding.Medium
		}
	case "docker-config", "pypi-config", "gcp-service-account", "htpasswd", "cargo-credentials", "composer-auth", "gem-credentials", "github-cli":
		return finding.Medium
	case "npm-config": // of which most name a registry, and some a token
		if low == ".npmrc" {
			return finding.Low
		}
	case "key-file":
		for _, public := range []string{"cert", "ca.", "ca-", "chain", "bundle", "pub", "root", "crt", "trust"} {
			if strings.Contains(low, public) {
				return 0
			}
		}
		if !fromStage {
			return finding.Low
		}
	case "keystore":
		return finding.Low
	}
	return 0
}

// mountInstead offers a secret mount for a package manager's configuration: the
// copy goes, and each later command that installs gets it.
func mountInstead(in *inspect.Input, f finding.Finding, i, n int, source string) finding.Finding {
	users := map[string][]string{".npmrc": {"npm", "yarn", "pnpm", "npx"}, ".pypirc": {"pip", "pip3", "twine"}, ".netrc": {"pip", "pip3", "git", "go", "curl"}}
	s, inst := in.Stage(i), &in.File.Instructions[i]
	programs, known := users[path.Base(source)]
	if !known || s == nil {
		return rule.WithFix(f, finding.NeedsReview, "Give it to the command that needs it with RUN --mount=type=secret, or to the container when it starts")
	}
	target := in.Destination(i, inst)
	if to := inst.Words[len(inst.Words)-1].Text; strings.HasSuffix(to, "/") || to == "." || len(inst.Words) > 2 {
		target = path.Join(target, path.Base(source))
	}
	if !path.IsAbs(target) {
		return rule.WithFix(f, finding.NeedsReview, "Give it to the command that needs it with RUN --mount=type=secret")
	}
	edits := []finding.Edit{dropSource(in, inst, n)}
	for k := i + 1; k < s.End; k++ {
		sc := in.Script(k)
		if in.File.Instructions[k].Cmd == "RUN" && slices.ContainsFunc(sc.Commands, func(c dockerfile.Command) bool { return slices.Contains(programs, c.Program()) }) {
			if pos, ok := afterRun(&in.File.Instructions[k]); ok {
				edits = append(edits, in.Insert(pos, "--mount=type=secret,id="+strings.TrimPrefix(path.Base(source), ".")+",target="+target+" "))
			}
		}
	}
	if len(edits) == 1 {
		return rule.WithFix(f, finding.NeedsReview, "Give it to the command that needs it with RUN --mount=type=secret")
	}
	return rule.WithFix(f, finding.NeedsReview, "Mount it as a secret instead: docker build --secret id="+strings.TrimPrefix(path.Base(source), ".")+",src="+source, edits...)
}

// afterRun is where a flag of RUN may be put: before all that follows the
// keyword.
func afterRun(inst *dockerfile.Instruction) (int, bool) {
	switch {
	case len(inst.FlagWords) > 0:
		return inst.FlagWords[0].Span.Start, true
	case len(inst.Words) > 0:
		return inst.Words[0].Span.Start, true
	}
	return 0, false
}

// dropSource takes a source of COPY away, or the instruction with its last.
func dropSource(in *inspect.Input, inst *dockerfile.Instruction, n int) finding.Edit {
	if len(inst.Words) == 2 {
		return in.Remove(inst)
	}
	return in.Edit(in.File.Span(inst.Words[n].Span.Start, inst.Words[n+1].Span.Start), "")
}
