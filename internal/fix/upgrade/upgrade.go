package upgrade

import (
	"context"
	"path"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/gomod"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// Plan makes the upgrades that the findings call for, in the order of the
// files and packages they are in. found are any findings: those that are not of
// a vulnerability, suppressed ones and those without a fixed version are
// passed over.
func Plan(ctx context.Context, dir plan.Dir, found []finding.Finding) (fixes []plan.Upgrade, left []plan.Unraised) {
	p := &plan.Planner{Dir: dir, Found: found, Files: map[string]*plan.File{}}
	for _, j := range p.Jobs(ctx) {
		if ctx.Err() != nil {
			p.Unraised(finding.Subject{}, "upgrades in "+j.File, ctx.Err().Error())
			continue
		}
		dispatch(ctx, p, j)
	}
	return p.Upgrades, p.Left
}

func dispatch(ctx context.Context, p *plan.Planner, j plan.Job) {
	base := path.Base(j.File)
	switch {
	case base == "package-lock.json" || base == "npm-shrinkwrap.json":
		npm.Raise(ctx, p, j)
	case base == "yarn.lock" || base == "pnpm-lock.yaml" || base == "pnpm-lock.yml":
		npm.RaiseManifest(ctx, p, j)
	case base == "go.mod":
		gomod.Raise(ctx, p, j)
	case base == "Cargo.lock":
		cargo(ctx, p, j)
	case base == "Cargo.toml":
		cargoToml(p, j)
	case base == "Gemfile.lock" || base == "gems.locked":
		gem(ctx, p, j)
	case base == "Gemfile" || base == "gems.rb":
		gemfile(p, j)
	case base == "composer.lock":
		composer(ctx, p, j)
	case base == "composer.json":
		composerJSON(p, j)
	case base == "Directory.Packages.props" || isProject(base):
		nuget(ctx, p, j)
	case base == "packages.lock.json":
		nugetLock(p, j)
	case base == "pom.xml":
		maven(p, j)
	case base == "poetry.lock" || base == "uv.lock" || base == "Pipfile.lock":
		pyLock(p, j)
	case j.Wants[0].Type == "pypi":
		requirements(ctx, p, j)
	case plan.IsDistro(j.Wants[0].Type):
		distro(p, j)
	case j.Wants[0].Type == "golang":
		for _, w := range j.Wants {
			p.Cannot(w, base+" says which Go builds it: build with Go "+w.To+" or newer")
		}
	default:
		for _, w := range j.Wants {
			p.Cannot(w, "no edit is known for "+base+"; "+byHand(base, w))
		}
	}
}

// byHand is what raises a package in a file that is not edited.
func byHand(base string, w plan.Want) string {
	switch base {
	case "packages.config":
		return "run: nuget update packages.config -Id " + w.Name + " -Version " + w.To
	case "paket.lock":
		return "run: paket update " + w.Name + " --version " + w.To
	case "project.assets.json":
		return "run: dotnet add package " + w.Name + " --version " + w.To
	}
	return "raise it with the package manager that wrote the file"
}
