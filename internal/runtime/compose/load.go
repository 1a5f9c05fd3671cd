package compose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/graph"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Options says what to bring up.
type Options struct {
	Files    []string // the later ones over the earlier
	Dir      string   // that relative paths begin at; empty: the first file's
	Services []string // and what they depend on; empty: all without a profile
	Profiles []string
	Environ  []string // "NAME=value", for the file's variables; a file .env beside it has the rest

	UnsafeUseVolumes string // why volumes, containers and sockets that are somebody else's may be used; empty: they may not
}

// Project is what a compose file describes.
type Project struct {
	Name     string // as Compose would call it
	Services []*Service
	opt      Options
	p        *types.Project
}

// Service is a service of a project.
type Service struct {
	Name      string
	Image     string   // as the file says; empty: it is built
	Otherwise []string // what is not as the file says
	c         types.ServiceConfig
	needs     map[string]string // services that must be started before -> how far they must be
}

// done are the attributes of a service that are brought to the Engine, or that say
// nothing about what runs in its container.
func done() []string {
	return []string{
		"build", "cap_add", "cap_drop", "cgroup", "command", "configs", "container_name", "cpu_count", "cpu_period", "cpu_quota",
		"cpu_shares", "cpus", "cpuset", "depends_on", "deploy", "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search",
		"domainname", "entrypoint", "env_file", "environment", "expose", "extends", "extra_hosts", "group_add", "healthcheck",
		"hostname", "image", "init", "ipc", "links", "mem_limit", "mem_reservation", "memswap_limit", "network_mode", "networks",
		"oom_score_adj", "pid", "pids_limit", "platform", "ports", "privileged", "profiles", "read_only", "runtime", "secrets",
		"security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty",
		"ulimits", "umask", "user", "userns_mode", "uts", "volumes", "volumes_from", "working_dir",

		"annotations", "attach", "develop", "label_file", "labels", "logging", "pull_policy", "restart", "scale",
	}
}

// supported are the paths of a compose file's attributes that are known here.
func supported() []tree.Path {
	var out []tree.Path
	known := done()
	for _, p := range schema.AttributePaths() {
		parts := p.Parts()
		if parts[0] == "services" && len(parts) > 2 && !slices.Contains(known, parts[2]) || parts[0] == "jobs" || parts[0] == "models" {
			continue
		}
		out = append(out, p)
	}
	return out
}

// Load reads compose files as Compose does: variables, env files, extends, includes.
func Load(ctx context.Context, opt Options) (*Project, error) {
	if len(opt.Files) == 0 {
		return nil, errors.New("no compose file")
	}
	dir := opt.Dir
	if dir == "" {
		dir = filepath.Dir(opt.Files[0])
	}
	logrus.SetLevel(logrus.ErrorLevel) // compose-go warns by the process's logger, which Compose does too
	var unknown []loader.UnsupportedAttribute
	o, err := cli.NewProjectOptions(opt.Files,
		cli.WithWorkingDirectory(dir), cli.WithEnv(opt.Environ), cli.WithEnvFiles(), cli.WithDotEnv,
		cli.WithProfiles(opt.Profiles), cli.WithSelectedServices(opt.Services...),
		cli.WithLoadOptions(loader.WithSupportedAttributes(supported(), func(all []loader.UnsupportedAttribute) { unknown = all })),
	)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(opt.Files, ", "), err)
	}
	loaded, err := o.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(opt.Files, ", "), err)
	}
	if len(loaded.Services) == 0 {
		return nil, finding.WithHint(fmt.Errorf("%s: no services", opt.Files[0]), "those with a profile must be named")
	}
	p := &Project{Name: loaded.Name, opt: opt, p: loaded}
	for _, name := range slices.Sorted(maps.Keys(loaded.Services)) {
		s := &Service{Name: name, Image: loaded.Services[name].Image, c: loaded.Services[name]}
		s.needs = s.dependencies(loaded)
		for _, u := range unknown {
			if parts := u.Path.Parts(); len(parts) > 1 && (parts[0] != "services" || parts[1] == name) {
				s.otherwise("%s is not supported here", u.Path)
			}
		}
		p.Services = append(p.Services, s)
	}
	if err := p.refuse(); err != nil {
		return nil, err
	}
	return p, p.order(ctx)
}

func (s *Service) otherwise(format string, args ...any) {
	if why := fmt.Sprintf(format, args...); !slices.Contains(s.Otherwise, why) {
		s.Otherwise = append(s.Otherwise, why)
	}
}

// dependencies are the services that must be started before a service, and how far
// they must be: types.ServiceCondition….
func (s *Service) dependencies(p *types.Project) map[string]string {
	needs := map[string]string{}
	for name, d := range s.c.DependsOn {
		if _, there := p.Services[name]; there {
			needs[name] = d.Condition
		}
	}
	for _, name := range s.c.GetDependencies() {
		if _, there := p.Services[name]; there && needs[name] == "" {
			needs[name] = types.ServiceConditionStarted
		}
	}
	return needs
}

// order puts every service behind those that it needs.
func (p *Project) order(ctx context.Context) error {
	var names []string
	err := graph.InDependencyOrder(ctx, p.p, func(_ context.Context, name string, _ types.ServiceConfig) error {
		names = append(names, name)
		return nil
	}, graph.WithMaxConcurrency(1))
	if err != nil {
		return fmt.Errorf("compose: %w", err)
	}
	slices.SortStableFunc(p.Services, func(a, b *Service) int { return slices.Index(names, a.Name) - slices.Index(names, b.Name) })
	return nil
}

// Variables are what the services' environment says, "NAME=value".
func (p *Project) Variables() []string {
	var out []string
	for _, s := range p.Services {
		for name, v := range s.c.Environment {
			if v != nil {
				out = append(out, name+"="+*v)
			}
		}
	}
	return out
}

// Service is a project's service by its name.
func (p *Project) Service(name string) (*Service, bool) {
	i := slices.IndexFunc(p.Services, func(s *Service) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Services[i], true
}

// refuse is an error for what cannot be brought up without touching what is not the
// project's own.
func (p *Project) refuse() error {
	var why []string
	say := func(s *Service, format string, args ...any) {
		why = append(why, fmt.Sprintf("service %s: ", s.Name)+fmt.Sprintf(format, args...))
	}
	for _, s := range p.Services {
		for _, v := range s.c.Volumes {
			if v.Type == types.VolumeTypeVolume && v.Source != "" && bool(p.p.Volumes[v.Source].External) {
				say(s, "the volume %s is external", v.Source)
			}
			if info, err := os.Stat(v.Source); v.Type == types.VolumeTypeBind && err == nil && !info.Mode().IsRegular() && !info.IsDir() {
				say(s, "%s is a socket or a device", v.Source)
			}
		}
		for _, from := range s.c.VolumesFrom {
			if strings.HasPrefix(from, types.ContainerPrefix) {
				say(s, "it takes the volumes of the %s", strings.Replace(from, ":", " ", 1))
			}
		}
		for _, mode := range []string{s.c.NetworkMode, s.c.Pid, s.c.Ipc} {
			if strings.HasPrefix(mode, types.ContainerPrefix) {
				say(s, "it joins the %s", strings.Replace(mode, ":", " ", 1))
			}
		}
		if s.c.UseAPISocket {
			say(s, "it uses the Engine's socket")
		}
	}
	if len(why) == 0 || p.opt.UnsafeUseVolumes != "" {
		return nil
	}
	return &ForeignError{why}
}

// ForeignError is a project that uses what is somebody else's.
type ForeignError struct{ What []string }

func (e *ForeignError) Error() string {
	return "the project uses what is not its own: " + strings.Join(e.What, "; ")
}

// Hint says what to do.
func (e *ForeignError) Hint() string {
	return "write a compose file without it, or say why it may be used and changed: --unsafe-use-volumes REASON"
}
