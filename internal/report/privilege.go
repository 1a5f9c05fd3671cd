package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// Observation writes an observation as text or json; file is where it was kept,
// empty if nowhere.
func Observation(w io.Writer, format string, o *observe.Observation, file string, opt Options) error {
	switch format {
	case "json":
		b, err := o.Marshal()
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	case "text":
		opt.Width = cmp.Or(opt.Width, 120)
		return paged(w, opt, func(p *page) { p.observation(o, file) })
	}
	return fmt.Errorf("observe has no format %q (one of text, json)", format)
}

// Observations writes those of the services of a compose file as text, or json in one
// list; dir is where they were kept, empty if nowhere.
func Observations(w io.Writer, format string, all []*observe.Observation, dir string, opt Options) error {
	switch format {
	case "json":
		b, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	case "text":
		opt.Width = cmp.Or(opt.Width, 120)
		return paged(w, opt, func(p *page) {
			for i, o := range all {
				if i > 0 {
					p.line("")
				}
				file := ""
				if dir != "" {
					file = path.Join(dir, o.Service+".json")
				}
				p.observation(o, file)
			}
		})
	}
	return fmt.Errorf("observe has no format %q (one of text, json)", format)
}

func (p *page) observation(o *observe.Observation, file string) {
	name := clean(o.Image.Name)
	if o.Service != "" {
		name = clean(o.Service) + "  " + name
	}
	by := clean(o.Way)
	if o.Observer != "" {
		by += " from a " + clean(o.Observer)
	}
	p.line("%s  %s", p.paint(heading, name), p.paint(dim, "observed for "+seconds(o.Seconds)+" by "+by+", on "+runtimeName(o.Runtime)))
	switch o.Status {
	case observe.Complete:
		p.line("%s  nothing was lost; the last new thing came %s after the start", p.paint(good, "complete"), seconds(o.LastNew))
	default:
		p.line("%s", p.paint(warn, string(o.Status)))
		for _, r := range o.Reasons {
			p.wrap(2, clean(r))
		}
	}
	if len(o.Unseen) > 0 {
		p.wrap(0, p.paint(warn, "not seen")+" in this way: "+strings.Join(cleanAll(o.Unseen), ", "))
	}
	if x := o.Exit; x != nil && x.Own && x.Code != 0 {
		p.wrap(0, p.paint(warn, fmt.Sprintf("it ended by itself with exit code %d", x.Code))+": what it needs otherwise was not seen")
	}
	p.line("")
	p.facts([][2]string{
		{"System calls", fmt.Sprintf("%d; the Engine allows %d, and %d of i386", len(o.Calls), len(o.Default.Calls), o.Default.I386)},
		{"Capabilities", orNone(granted(o)) + " were asked for; confine finds which are needed"},
		{"Programs", orNone(cleanAll(o.Programs))},
		{"Writes in", orNone(cleanAll(o.Writable))},
		{"Files", files(o.Files)},
		{"Listens on", orNone(addresses(o.Listens))},
		{"Connects to", orNone(addresses(o.Connects))},
		{"Users", orNone(users(o.Users))},
		{"Peaks", peaks(o.Peaks)},
	})
	if n := len(o.Packages); n > 0 {
		by := map[observe.Use]int{}
		for _, q := range o.Packages {
			by[q.Use]++
		}
		p.facts([][2]string{{"Packages", fmt.Sprintf("%d of %d in use, %d unknown", by[observe.Used], n, by[observe.Unknown])}})
	}
	if file != "" && !p.opt.Quiet {
		p.line("")
		p.line("%s", p.paint(heading, "What's next"))
		p.line("  the smallest profile, proved → %s", p.paint(command, p.opt.Program+" confine "+shellWord(file)+" -o profile"))
	}
}

// peaks are the largest values; what was not seen in time is unknown.
func peaks(p observe.Peaks) string {
	memory, pids := "memory unknown", "processes unknown"
	if p.Memory > 0 {
		memory = sizeOf(p.Memory) + " memory"
	}
	if p.PIDs > 0 {
		pids = finding.Count(int(p.PIDs), "process")
	}
	return fmt.Sprintf("%s, %s, %.2f s of CPU, %s", memory, pids, p.CPU, finding.Count(p.OpenFiles, "open file"))
}

// facts are rows of a name and a text that is wrapped beside it.
func (p *page) facts(rows [][2]string) {
	const width = 14
	for _, r := range rows {
		lines := wrapped(r[1], max(20, p.opt.Width-width-1))
		for i, l := range lines {
			name := ""
			if i == 0 {
				name = r[0]
			}
			p.line("%s %s", p.paint(dim, fmt.Sprintf("%-*s", width, name)), l)
		}
	}
}

func runtimeName(r observe.Engine) string {
	s := clean(r.Name)
	if r.Version != "" {
		s += " " + clean(r.Version)
	}
	return s + ", Engine " + clean(r.Engine)
}

func seconds(s float64) string {
	if s < 10 {
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}

// granted are the capabilities that the workload had when the kernel asked.
func granted(o *observe.Observation) []string {
	var names []string
	for _, c := range o.Capabilities {
		if c.Count > c.Refused {
			names = append(names, c.Name)
		}
	}
	return names
}

func files(all []observe.File) string {
	var read, wrote, missing int
	for _, f := range all {
		switch {
		case f.Missing:
			missing++
		case f.Write:
			wrote++
		default:
			read++
		}
	}
	return fmt.Sprintf("%d read or looked at, %d written, %d looked for and not there", read, wrote, missing)
}

func addresses(all []observe.Socket) []string {
	var out []string
	for _, s := range all {
		at := clean(s.Address)
		switch s.Family {
		case "inet":
			at = fmt.Sprintf("%s:%d", at, s.Port)
		case "inet6":
			at = fmt.Sprintf("[%s]:%d", at, s.Port)
		default:
			at = strings.TrimSpace(s.Family + " " + at)
		}
		if s.Refused != "" {
			at += " (" + s.Refused + ")"
		}
		out = append(out, at)
	}
	return out
}

func users(all []observe.User) []string {
	var out []string
	for _, u := range all {
		out = append(out, fmt.Sprintf("%d:%d", u.UID, u.GID))
	}
	return out
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// Confinement writes what came of a profile as text or json; dir is where it lies,
// empty if nowhere. With explain, what it refused and nobody missed is told, too.
func Confinement(
	w io.Writer, format string, c *confine.Profile, proof *confine.Proof, dir string, explain bool, opt Options,
) error {
	switch format {
	case "json":
		b, err := json.MarshalIndent(struct {
			Profile *confine.Profile `json:"profile"`
			Proof   *confine.Proof   `json:"proof"`
		}{c, proof}, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	case "text":
		opt.Width = cmp.Or(opt.Width, 120)
		return paged(w, opt, func(p *page) { p.confinement(c, proof, dir, explain) })
	}
	return fmt.Errorf("confine has no format %q (one of text, json)", format)
}

func (p *page) confinement(c *confine.Profile, proof *confine.Proof, dir string, explain bool) {
	how := p.paint(warn, "not proved: nothing was run under this profile")
	switch {
	case proof.Level == "ran":
		on := c.Runtime
		if proof.Runtime != nil {
			on = *proof.Runtime
		}
		how = p.paint(good, fmt.Sprintf("proved by %s in %s, on %s", finding.Count(proof.Runs, "run"), seconds(proof.Seconds), runtimeName(on)))
	case proof.Failure != "":
		how = p.paint(bad, "the profile is too tight")
	}
	p.line("%s  %s", p.paint(heading, clean(c.Image.Name)), how)
	if proof.Failure != "" {
		p.wrap(2, clean(proof.Failure))
		p.missing(proof.Missing)
		return
	}
	p.line("")
	user := c.User
	if user == "" {
		user = "the image's"
		if c.Image.User == "" {
			user = "root, as the image has it"
		}
	}
	writable := slices.Concat(cleanAll(c.Tmpfs), cleanAll(c.Volumes))
	root := "read-only; writable are " + orNone(writable)
	if !c.ReadOnly {
		root = "writable"
	}
	capabilities := orNone(c.Capabilities)
	if c.Capabilities == nil {
		capabilities = "the Engine's own"
	}
	limits := limitsOf(c)
	calls := fmt.Sprintf("%d of the %d that the Engine allows", proof.Syscalls.Allowed, proof.Syscalls.EngineDefault)
	if proof.Syscalls.Allowed > proof.Syscalls.EngineDefault {
		calls = fmt.Sprintf("%d, and the Engine's default allows %d", proof.Syscalls.Allowed, proof.Syscalls.EngineDefault)
	}
	i386 := fmt.Sprint(proof.Enforced.I386Reachable)
	if proof.Level != "ran" {
		i386 = "0 by the profile"
	}
	p.facts([][2]string{
		{"System calls", fmt.Sprintf("%s; of i386 %s of %d", calls, i386, proof.Syscalls.DefaultI386)},
		{"Kernel CVEs", fmt.Sprintf("%d of %d out of reach; %d by the Engine's default", len(proof.KernelCVEs.Blocked), proof.KernelCVEs.Known, len(proof.KernelCVEs.EngineDefault))},
		{"Capabilities", capabilities},
		{"User", user},
		{"Root", root},
		{"Network", network(c)},
		{"Limits", orNone(limits)},
	})
	p.kept(proof)
	if explain && proof.Level == "ran" {
		p.line("")
		p.line("%s", p.paint(heading, "Refused, and not missed"))
		p.wrap(2, clean(orNone(proof.Tolerated)))
	}
	if len(proof.NotEnforced) > 0 {
		p.line("")
		p.line("%s", p.paint(warn, "Not enforced on this machine"))
		for _, n := range proof.NotEnforced {
			p.wrap(2, clean(n.What+": "+n.Why))
		}
	}
	if dir != "" && !p.opt.Quiet {
		p.line("")
		p.line("%s", p.paint(heading, "What's next"))
		p.line("  how to start it → %s", p.paint(command, "cat "+shellWord(dir+"/README.md")))
	}
}

// limitsOf are the limits that a profile sets.
func limitsOf(c *confine.Profile) []string {
	var out []string
	if c.Memory > 0 {
		out = append(out, sizeOf(c.Memory)+" memory")
	}
	if c.PIDs > 0 {
		out = append(out, fmt.Sprintf("%d pids", c.PIDs))
	}
	if c.CPUs > 0 {
		out = append(out, fmt.Sprintf("%g CPUs", c.CPUs))
	}
	if c.Nofile > 0 {
		out = append(out, fmt.Sprintf("%d open files", c.Nofile))
	}
	if c.Nproc > 0 {
		out = append(out, fmt.Sprintf("%d processes of its user", c.Nproc))
	}
	return out
}

// missing is what a profile lacks, a line each.
func (p *page) missing(all []confine.Missing) {
	p.line("")
	if len(all) == 0 {
		p.line("%s", p.paint(warn, "What it lacks could not be found out: nobody could watch"))
		return
	}
	p.line("%s", p.paint(heading, "What it lacks"))
	var rows [][2]string
	for _, m := range all {
		name := clean(m.Name)
		if m.Where != "" {
			name += ": " + clean(m.Where)
		}
		rows = append(rows, [2]string{m.Kind, name})
	}
	p.facts(rows)
}

// kept are the privileges that stay, each with why.
func (p *page) kept(proof *confine.Proof) {
	all := slices.Concat(proof.Users, proof.Capabilities, proof.Writable)
	if len(all) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.paint(heading, "What was tried without, and why it stays"))
	for _, k := range all {
		p.wrap(2, clean(k.Name+k.Path+": "+k.Failure))
	}
}

func network(c *confine.Profile) string {
	switch c.Network {
	case "none":
		return "none"
	case "":
		return "as it is started"
	}
	if len(c.Ports) == 0 {
		return "of its own; other containers do not reach it"
	}
	var ports []string
	for _, n := range c.Ports {
		ports = append(ports, fmt.Sprint(n))
	}
	return "of its own, port " + strings.Join(ports, ", ") + "; other containers do not reach it"
}

// Drift writes what a profile was completed with from a log, as text or json; dir is
// where it lies then, empty if nowhere.
func Drift(w io.Writer, format string, c *confine.Profile, d *confine.Drift, dir string, opt Options) error {
	switch format {
	case "json":
		b, err := json.MarshalIndent(struct {
			Profile *confine.Profile `json:"profile"`
			Drift   *confine.Drift   `json:"drift"`
		}{c, d}, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	case "text":
		opt.Width = cmp.Or(opt.Width, 120)
		return paged(w, opt, func(p *page) { p.drift(c, d, dir) })
	}
	return fmt.Errorf("confine has no format %q (one of text, json)", format)
}

func (p *page) drift(c *confine.Profile, d *confine.Drift, dir string) {
	p.line("%s  %s", p.paint(heading, clean(c.Image.Name)), p.paint(good, "completed with "+finding.Count(len(d.Added), "logged call")))
	for _, part := range []struct {
		title string
		all   []confine.Logged
	}{
		{"Now allowed", d.Added},
		{"Beyond the Engine's default, and not added", d.Beyond},
		{"Logged for other programs, and not added (--program PATH)", d.Others},
	} {
		if len(part.all) == 0 {
			continue
		}
		p.line("")
		p.line("%s", p.paint(heading, part.title))
		for _, l := range part.all {
			p.wrap(2, clean(fmt.Sprintf("%s: %s by %s", l.Name, finding.Count(l.Count, "time"), strings.Join(l.Programs, ", "))))
		}
	}
	if dir != "" && !p.opt.Quiet {
		p.line("")
		p.line("%s", p.paint(heading, "What's next"))
		p.line("  prove it → %s", p.paint(command, p.opt.Program+" confine --profile "+shellWord(dir)+" --prove "+shellWord(c.Image.Name)))
	}
}
