package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func sshPort() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/ssh-port",
				Title:    "Port 22 is exposed",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{"DS004"},
				Why: "Port 22 is for logging in over SSH, and a container has docker exec for that, which asks the engine for permission. " +
					"A daemon beside the application is one more thing with passwords and vulnerabilities of its own.",
				Bad:  "FROM debian:13-slim\nEXPOSE 22 80\n",
				Good: "FROM debian:13-slim\nEXPOSE 80\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachExposed(func(i int, w dockerfile.Word, text string) {
					if port, _, _ := strings.Cut(text, "/"); port != "22" {
						return
					}
					f := rule.At(w.Span, text, "port 22 is exposed, where one logs in over SSH")
					inst := &p.Input.File.Instructions[i]
					if text != w.Text {
						f.Aliases = []string{} // Trivy reads no variables here
					}
					if servesSSH(p.Input) {
						p.Report(f) // it is there for the sake of that port
						return
					}
					edit := p.Input.Remove(inst)
					if n := len(inst.Words); n > 1 {
						edit = p.Input.Edit(dropped(inst, w), "")
					}
					p.Report(rule.WithFix(f, finding.Behaviour, "Do not expose it", edit))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/8961e85cdda4901ae8f637d8a1211cf5648cdabe.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/bf5506d2533a02bf4e854ec754c328187c27a25e.Dockerfile",
	}
}

// servesSSH reports whether the file installs or starts an SSH server: then the port
// is not left over, and only who wrote the file can do without it.
func servesSSH(in *inspect.Input) bool {
	servers := []string{"openssh-server", "openssh", "openssh-server-pam", "ssh", "dropbear", "dropbear-run", "dropbear-bin", "sshd", "tinysshd"}
	serves := false
	in.EachRun(func(_ int, c *dockerfile.Command) {
		switch c.Program() {
		case "sshd", "dropbear":
			serves = true
		case "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper", "pacman":
			serves = serves || slices.ContainsFunc(c.Operands(), func(w dockerfile.ShellWord) bool {
				name, _, _ := strings.Cut(w.Text, "=")
				return slices.Contains(servers, name)
			})
		}
	})
	for i := range in.File.Instructions {
		if inst := &in.File.Instructions[i]; inst.Cmd == "CMD" || inst.Cmd == "ENTRYPOINT" {
			serves = serves || strings.Contains(inst.Raw, "sshd") || strings.Contains(inst.Raw, "dropbear")
		}
	}
	return serves
}

// dropped is a word of an instruction with the blank that parts it from its
// neighbour.
func dropped(inst *dockerfile.Instruction, w dockerfile.Word) finding.Span {
	s := w.Span
	for i, other := range inst.Words {
		if other.Span == w.Span {
			if i > 0 {
				s.Start = inst.Words[i-1].Span.End
			} else {
				s.End = inst.Words[1].Span.Start
			}
		}
	}
	return s
}
