package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// Auditing says what is audited. The zero value is the Engine and all that it has.
type Auditing struct {
	Targets []string // compose files, folders that hold one, container://NAME, "-" for lines of docker run; empty: the Engine
	// Engine connects to the Docker Engine, once it is needed. The caller of Audit
	// closes it.
	Engine func(context.Context) (*runtime.Engine, error)
	Only   []string
	Ignore []string
}

// Audit looks at how containers are started.
func (p *Pipeline) Audit(ctx context.Context, a Auditing) (*Result, error) {
	if err := KnownRules(a.Only); err != nil {
		return nil, err
	}
	u := p.auditing(a)
	err := u.all(ctx)
	if err := errors.Join(err, u.finish()); err != nil {
		return nil, err
	}
	if err := u.policy.suppress(u.res, u.Now()); err != nil {
		return nil, err
	}
	u.filter()
	return u.res, nil
}

// AuditVersion looks at a compose file as it would be with other bytes. It is for
// fixes: no edit is withheld.
func (p *Pipeline) AuditVersion(ctx context.Context, name string, b []byte) (*Result, error) {
	u := p.auditing(Auditing{})
	u.fixing = true
	if err := errors.Join(u.compose(ctx, name, b), u.finish()); err != nil {
		return nil, err
	}
	if err := u.policy.suppress(u.res, u.Now()); err != nil {
		return nil, err
	}
	return u.res, nil
}

func (p *Pipeline) auditing(a Auditing) *auditing {
	u := &auditing{run: newRun(p, Ask{Rules: true}), Auditing: a}
	u.res.Sources = map[string][]byte{}
	return u
}

// auditing is one run of it.
type auditing struct {
	*run
	Auditing
	host   *audit.Host
	fixing bool
}

func (u *auditing) all(ctx context.Context) error {
	if len(u.Targets) == 0 {
		return u.engine(ctx)
	}
	for _, t := range u.Targets {
		if err := u.target(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (u *auditing) target(ctx context.Context, target string) error {
	if name, ok := strings.CutPrefix(target, "container://"); ok {
		e, err := u.connect(ctx)
		if err != nil {
			return err
		}
		in, err := e.InspectContainer(ctx, name)
		if err != nil {
			return err
		}
		u.container(ctx, audit.Inspect(in, u.host))
		return nil
	}
	if target == "-" {
		b, err := u.stdin()
		if err != nil {
			return err
		}
		return u.read(ctx, "<stdin>", b, audit.ReadCommands)
	}
	file, err := composeFile(target)
	if err != nil {
		return err
	}
	b, err := readLimited(file, audit.MaxBytes)
	if err != nil {
		return err
	}
	return u.compose(ctx, file, b)
}

// compose looks at a compose file, with its variables filled in.
func (u *auditing) compose(ctx context.Context, file string, b []byte) error {
	vars, err := u.variables(filepath.Join(filepath.Dir(file), ".env"))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return u.read(ctx, file, b, func(name string, b []byte) (*audit.Read, error) {
		return audit.ReadCompose(name, b, func(value string) (string, []string, error) {
			x, err := vars.expand(value)
			return x.text, x.missing, err
		})
	})
}

// composeFiles are the names that Compose looks for, in its order.
func composeFiles() []string {
	return []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
}

// composeFile is the compose file that a target stands for.
func composeFile(target string) (string, error) {
	file := strings.TrimPrefix(target, "compose://")
	const hint = "a compose file, a folder that holds one, container://NAME, or - for lines of docker run"
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", finding.WithHint(fmt.Errorf("%s: no such file or folder", target), hint)
	case !info.IsDir():
		return file, nil
	}
	for _, name := range composeFiles() {
		if _, err := os.Stat(filepath.Join(file, name)); err == nil {
			return filepath.Join(file, name), nil
		}
	}
	return "", finding.WithHint(fmt.Errorf("%s: no compose file found", target), hint)
}

// besideCompose is the file that Compose merges into one that it finds by itself;
// empty: there is none.
func besideCompose(name string) string {
	if !slices.Contains(composeFiles(), filepath.Base(name)) {
		return ""
	}
	ext := filepath.Ext(name)
	for _, e := range []string{".yaml", ".yml"} {
		over := strings.TrimSuffix(name, ext) + ".override" + e
		if _, err := os.Stat(over); err == nil {
			return over
		}
	}
	return ""
}

func (u *auditing) stdin() ([]byte, error) {
	if u.Stdin == nil {
		return nil, errors.New("there is no standard input")
	}
	return io.ReadAll(io.LimitReader(u.Stdin, audit.MaxBytes+1))
}

// read looks at the containers that a text describes.
func (u *auditing) read(ctx context.Context, name string, b []byte, read func(string, []byte) (*audit.Read, error)) error {
	got, err := read(name, b)
	if err != nil {
		return err
	}
	u.res.Sources[name] = b
	if over := besideCompose(name); over != "" {
		got.Unknown = append(got.Unknown, finding.Unknown{What: "what " + over + " changes", Why: "Compose merges it into " + name + ", and it is not read", Beyond: true})
	}
	for _, c := range got.Containers {
		if f := u.linter.bases.facts(ctx, c.Image); f != nil && f.Config && !c.Built {
			c.ImageUser = &f.User
		}
		u.container(ctx, c)
	}
	u.res.Unknown = append(u.res.Unknown, got.Unknown...)
	return nil
}

// container runs the rules over one.
func (u *auditing) container(ctx context.Context, c *audit.Container) {
	var checks []audit.Check
	for _, k := range audit.Checks() {
		if u.wants(k.Rule) {
			checks = append(checks, k)
		}
	}
	found, unknown := audit.Run(ctx, c, checks)
	u.subject(c.Subject, found, unknown)
}

func (u *auditing) wants(r finding.Rule) bool {
	return (len(u.Only) == 0 || r.Matches(u.Only...)) && !r.Matches(u.Ignore...)
}

// subject takes in what was found of a subject.
func (u *auditing) subject(s finding.Subject, found []finding.Finding, unknown []finding.Unknown) {
	secrets := rules.SecretValues(found)
	if !u.fixing {
		withhold(found, secrets)
	}
	u.res.Secrets = append(u.res.Secrets, secrets...)
	u.add(Target{Subject: s}, Found{Findings: found, Unknown: unknown})
}

// connect asks the Engine what it is, once.
func (u *auditing) connect(ctx context.Context) (*runtime.Engine, error) {
	e, err := u.Engine(ctx)
	if err != nil || u.host != nil {
		return e, err
	}
	info, err := e.Info(ctx)
	if err != nil {
		return nil, err
	}
	u.host = audit.HostOf(info)
	if v, ok := e.Option(ctx, "bridge", "com.docker.network.bridge.enable_icc"); ok && v != "" {
		icc := v != "false"
		u.host.ICC = &icc
	}
	return e, nil
}

// configFile is where the Engine's configuration lies.
func (u *auditing) configFile() string {
	if !u.host.Rootless {
		return "/etc/docker/daemon.json"
	}
	getenv := u.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "docker", "daemon.json")
	}
	return filepath.Join(getenv("HOME"), ".config", "docker", "daemon.json")
}

// engine looks at the Engine and every container that it has.
func (u *auditing) engine(ctx context.Context) error {
	e, err := u.connect(ctx)
	if err != nil {
		return err
	}
	info, err := e.Info(ctx)
	if err != nil {
		return err
	}
	d := audit.DaemonOf(info)
	d.ICC = u.host.ICC
	u.res.Titles = map[string]string{d.Subject.Name: d.Subject.Name + " " + d.Version}
	// An Engine in a machine of its own (Docker Desktop, Colima) may well answer at
	// a socket of this one.
	here, err := os.Hostname()
	if d.Remote = e.Socket() == "" || err != nil || here != info.Name; d.Remote {
		d.Unread = append(d.Unread, finding.Unknown{What: "who may change the Engine's files", Why: "it runs on another machine (" + info.Name + ")"})
	} else {
		d.ReadArguments("/proc", e.Socket())
		d.ReadFiles("/", e.Socket(), u.configFile())
	}
	var checks []audit.DaemonCheck
	for _, k := range audit.DaemonChecks() {
		if u.wants(k.Rule) {
			checks = append(checks, k)
		}
	}
	found, unknown := audit.RunDaemon(ctx, d, checks)
	u.subject(d.Subject, found, unknown)
	ids, err := e.Containers(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		in, err := e.InspectContainer(ctx, id)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			u.res.Unknown = append(u.res.Unknown, finding.Unknown{Subject: d.Subject, What: "the container " + id[:min(12, len(id))], Why: err.Error()})
			continue
		}
		u.container(ctx, audit.Inspect(in, u.host))
	}
	return nil
}
