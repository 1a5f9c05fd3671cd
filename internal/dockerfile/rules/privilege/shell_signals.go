package privilege

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func shellSignals() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/shell-signals",
				Title:    "The server runs below a shell that keeps its signals",
				Practice: finding.LeastPrivilege,
				Traits:   finding.Traits{Remedy: finding.ExecForm},
				Severity: finding.Low,
				Why: "The first process of a container gets the signal to stop. A shell that runs several commands hands it on to none of them: docker stop waits ten seconds and " +
					"kills. exec before the last command puts the program in the shell's place. (Some shells do that by themselves, and not all.)",
				Bad:  "FROM python:3.13-slim\nCMD [\"sh\", \"-c\", \"python manage.py migrate && gunicorn app.wsgi\"]\n",
				Good: "FROM python:3.13-slim\nCMD [\"sh\", \"-c\", \"python manage.py migrate && exec gunicorn app.wsgi\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				last := map[int]int{}
				_, _, serves := exposes(in, in.Final())
				in.EachStarted(func(i int, _ *dockerfile.Command, _ int) { last[i] = len(in.Script(i).Commands) - 1 })
				for i := range in.File.Instructions {
					n, ok := last[i]
					if !ok || n < 1 {
						continue
					}
					c := &in.Script(i).Commands[n]
					if !staysChild(c, serves) {
						continue
					}
					f := rule.At(c.Span, c.Program(), "%s runs below a shell, which does not hand the signal to stop on: exec puts it in the shell's place", c.Program())
					if c.Span.End-c.Span.Start > 0 && len(c.Assigns) == 0 && in.Exactly(c.Words[0]) && c.Words[0].Span.Start == c.Span.Start {
						f = rule.WithFix(f, finding.Behaviour, "Start it with exec", in.Insert(c.Span.Start, "exec "))
					}
					p.Report(f)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/6f5a377c0072f464d027af023235c81e29df37e5.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/d027258f1ebcda1cd730e72cafa2562a8f1a5a93.Dockerfile",
	}
}

// longRunning are programs that serve until they are stopped.
var longRunning = []string{
	"gunicorn", "uvicorn", "uwsgi", "hypercorn", "daphne", "celery", "flask", "node", "nodejs", "nginx", "httpd", "java", "dotnet", "redis-server",
	"mysqld", "mysqld_safe", "postgres", "mongod", "php-fpm", "puma", "unicorn", "rails", "caddy", "traefik", "memcached", "haproxy", "jupyter", "streamlit", "waitress-serve",
	"apache2", "named", "dnsmasq", "cron", "crond", "prometheus", "grafana-server", "etcd", "consul", "vault",
}

// interpreters run servers where something is exposed.
var interpreters = []string{"python", "python3", "perl", "ruby", "php", "bundle", "deno", "bun"}

// staysChild reports whether the last command of a shell's text is a server that
// the shell starts as a child: after others, in the shell itself, without exec.
func staysChild(c *dockerfile.Command, serves bool) bool {
	if !slices.Contains(longRunning, c.Program()) && (!serves || !slices.Contains(interpreters, c.Program())) || slices.Contains(c.Via(), "exec") || c.Has("--daemon", "--daemonize", "-D", "--version", "--help") {
		return false
	}
	if c.After != "&&" && c.After != ";" || c.Input >= 0 {
		return false
	}
	return !slices.ContainsFunc(c.Within, func(w string) bool { return w != "nested" })
}
