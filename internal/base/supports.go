package base

import (
	"fmt"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Supports lists how long what an inventory stands on is supported, as far as dates
// are known: the release of its distribution, then those of programs that no
// package of the distribution's owns.
func Supports(inv *sbom.Inventory) []Support {
	if inv == nil {
		return nil
	}
	var out []Support
	if inv.Distro != nil {
		if s, ok := DistroSupport(*inv.Distro); ok {
			out = append(out, s)
		}
	}
	seen := map[string]bool{}
	for i := range inv.Packages {
		if s, ok := programSupport(&inv.Packages[i]); ok && !seen[s.key()] {
			seen[s.key()] = true
			out = append(out, s)
		}
	}
	return out
}

// SupportsOf lists what a reference's tag alone tells of it: of the distribution
// and of the program that it names.
func SupportsOf(ref string) []Support {
	r, err := ParseRef(ref)
	if err != nil {
		return nil
	}
	var out []Support
	distro, program := releases(r)
	for _, of := range []func() (Support, bool){distro, program} {
		if s, ok := of(); ok {
			out = append(out, s)
		}
	}
	return out
}

// programSupport is the support of a program that the distribution does not fix.
func programSupport(p *sbom.Package) (Support, bool) {
	if version, ok := dotnetRuntime(p); ok {
		return EndOfLife("dotnet", version)
	}
	product := programs[p.Name]
	if p.Type != "generic" || product == "" || p.Owner != "" || p.Removed {
		return Support{}, false
	}
	return EndOfLife(product, releaseOf(product, p.Version))
}

// dotnetRuntime is the version of a runtime of .NET that Microsoft built: one that an
// image has as a folder or a program brings along, or a package of its repositories.
func dotnetRuntime(p *sbom.Package) (version string, ok bool) {
	if p.Removed {
		return "", false
	}
	name := strings.ToLower(p.Name)
	switch {
	case p.Type == "nuget" && p.Owner == "":
		// Until 3.0 the runtime's package was the framework's.
		return p.Version, name == "microsoft.netcore.app" || strings.HasSuffix(name, ".microsoft.netcore.app") ||
			strings.HasPrefix(name, "microsoft.netcore.app.runtime.") || strings.HasPrefix(name, "microsoft.aspnetcore.app.runtime.")
	case p.FromDistro():
		by := strings.ToLower(p.Vendor)
		if !strings.Contains(by, "microsoft") && !strings.Contains(by, "dotnetfoundation.org") {
			return "", false
		}
		for _, kind := range []string{"dotnet-runtime-", "aspnetcore-runtime-", "dotnet-sdk-"} {
			if version, ok = strings.CutPrefix(name, kind); ok {
				return version, version != "" && version[0] >= '0' && version[0] <= '9'
			}
		}
	}
	return "", false
}

// key tells releases apart.
func (s Support) key() string { return s.Product + " " + s.Cycle }

// Aging says what there is to say of a release at now: that it is over, will be
// within 90 days, or is carried on by others than its own team, and how bad that
// is; false for one that is supported as it should be.
func (s Support) Aging(now time.Time) (message string, severity finding.Severity, ok bool) {
	switch {
	case s.Over:
		return s.Name() + " gets no security fixes any more", finding.High, true
	case s.Ended(now):
		return fmt.Sprintf("%s has had no security fixes since %s", s.Name(), s.EOL.Format(time.DateOnly)), finding.High, true
	case !s.EOL.IsZero() && s.EOL.Sub(now) <= soon:
		return fmt.Sprintf("%s gets security fixes only until %s", s.Name(), s.EOL.Format(time.DateOnly)), finding.Low, true
	case !s.Regular.IsZero() && !now.Before(s.Regular):
		return fmt.Sprintf("%s left regular support on %s; its long term support team fixes what it can until %s",
			s.Name(), s.Regular.Format(time.DateOnly), s.EOL.Format(time.DateOnly)), finding.Medium, true
	}
	return "", 0, false
}
