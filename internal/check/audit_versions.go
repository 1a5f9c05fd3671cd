package check

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// versions finds out what is known of the versions of an Engine and of the programs
// that it runs containers with.
func (u *auditing) versions(ctx context.Context, e *runtime.Engine, d *audit.Daemon) error {
	if len(wanted(u, audit.VersionChecks())) == 0 {
		return nil
	}
	stack, err := feed.Open(u.DataDir, disk.Caller(u.Getenv))
	defer func() { _ = stack.Close() }() // only read from
	if err != nil {
		return err
	}
	var installed map[string]string
	if u.here {
		installed = installedPrograms("/var/lib/dpkg/status")
	}
	for _, c := range e.Components {
		p := audit.Program{Name: c.Name, Version: c.Version}
		inv, why := inventoryOf(c, installed, distribution("/etc/os-release"))
		if inv == nil && why == "" {
			continue
		}
		if inv != nil {
			if vuln.Matchable(ctx, inv, stack) == 0 {
				why = "the database has no advisories of it (drydock db update)"
			} else {
				found, unknown, err := vuln.Match(ctx, inv, stack, vuln.Options{Now: u.Now(), EndOfLife: base.DistroEnds})
				if err != nil {
					return err
				}
				for _, f := range found {
					p.Known = append(p.Known, audit.Vulnerability{ID: f.Vuln.ID, Severity: f.Severity, Exploited: f.Vuln.KEV, FixedIn: f.Vuln.FixedIn})
				}
				if len(unknown) > 0 {
					why = unknown[0].Why
				}
			}
		}
		p.Unread = why
		d.Programs = append(d.Programs, p)
	}
	return nil
}

// programs are the programs of an Engine: how its API names them, what they are called
// in Debian and as modules of Go.
var programs = []struct {
	component string
	packages  []string
	module    string
}{
	{"Engine", []string{"docker.io", "docker-ce"}, ""},
	{"containerd", []string{"containerd", "containerd.io"}, "github.com/containerd/containerd"},
	{"runc", []string{"runc"}, "github.com/opencontainers/runc"},
}

// patched tells a version that a distribution counts, with fixes of its own.
var patched = lazyregexp.New(`(dfsg|\+ds|ubuntu|[~+]deb|~|\.el\d|\.fc\d|amzn)`)

// debian is the release of Debian that a version is for.
var debian = lazyregexp.New(`[+~]deb(\d+)u`)

// inventoryOf is what the advisories of a program are looked up by: its distribution's
// package, its module, or, for an Engine, which counts its modules otherwise, the
// package of a distribution that takes it as it is. Nil without a reason: it is none of
// the programs that matter.
func inventoryOf(c runtime.Component, installed map[string]string, here *sbom.Distro) (inv *sbom.Inventory, why string) {
	i := slices.IndexFunc(programs, func(p struct {
		component string
		packages  []string
		module    string
	},
	) bool {
		return p.component == c.Name
	})
	if i < 0 {
		return nil, ""
	}
	p := programs[i]
	one := func(distro *sbom.Distro, pkg sbom.Package) (*sbom.Inventory, string) {
		pkg.LayerIndex = -1
		return &sbom.Inventory{Subject: finding.Subject{Kind: finding.KindEngine, Name: c.Name}, Distro: distro, Packages: []sbom.Package{pkg}}, ""
	}
	plain := strings.TrimSuffix(strings.TrimPrefix(c.Version, "v"), "+unknown")
	if patched.MatchString(plain + c.Commit) {
		for _, name := range p.packages {
			version := installed[name]
			if here != nil && strings.HasPrefix(version[strings.LastIndexByte(version, ':')+1:], plain) {
				return one(here, sbom.Package{Type: "deb", Namespace: here.ID, Name: name, Version: version})
			}
		}
		if m := debian.FindStringSubmatch(c.Commit); m != nil {
			return one(&sbom.Distro{ID: "debian", VersionID: m[1]}, sbom.Package{Type: "deb", Namespace: "debian", Name: p.packages[0], Version: c.Commit})
		}
		return nil, "a distribution built it, and with which fixes is not known here"
	}
	module, version := p.module, "v"+plain
	if m, v, ok := strings.Cut(c.Module, "@"); ok {
		module, version = m, v
	}
	if module == "" {
		return one(&sbom.Distro{ID: "alpine", VersionID: "edge"}, sbom.Package{Type: "apk", Namespace: "alpine", Name: "docker", Version: plain + "-r0"})
	}
	if p.component == "containerd" && !strings.HasPrefix(plain, "1.") {
		module += "/v2"
	}
	at := strings.LastIndexByte(module, '/')
	return one(nil, sbom.Package{Type: "golang", Namespace: module[:at], Name: module[at+1:], Version: version})
}

// installedPrograms are the versions of the programs' packages in dpkg's database.
func installedPrograms(file string) map[string]string {
	b, err := readLimited(file, 64<<20)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for entry := range strings.SplitSeq(string(b), "\n\n") {
		fields := map[string]string{}
		for l := range strings.Lines(entry) {
			if k, v, ok := strings.Cut(l, ": "); ok && !strings.HasPrefix(l, " ") {
				fields[k] = strings.TrimSpace(v)
			}
		}
		for _, p := range programs {
			if slices.Contains(p.packages, fields["Package"]) && strings.HasSuffix(fields["Status"], " installed") {
				out[fields["Package"]] = fields["Version"]
			}
		}
	}
	return out
}

// distribution is the one that this machine runs; nil: not known.
func distribution(file string) *sbom.Distro {
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil
	}
	d := &sbom.Distro{}
	for l := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimSpace(l), "=")
		switch v = strings.Trim(v, `"'`); k {
		case "ID":
			d.ID = v
		case "VERSION_ID":
			d.VersionID = v
		case "VERSION_CODENAME":
			d.Codename = v
		}
	}
	if d.ID == "" {
		return nil
	}
	return d
}
