package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// dotnetApp is a program for .NET that a file publishes.
type dotnetApp struct {
	*carrying
	dir    string // where it starts
	start  started
	folder string // that is published into
	dll    string // in it
	args   []string
}

func isDotnet(c *conversion) bool {
	return strings.HasPrefix(parseReference(c.stage.Base).Name, "mcr.microsoft.com/dotnet/") || slices.ContainsFunc(c.runs(), func(r run) bool { return r.Is("dotnet", "publish") })
}

func convertDotnet(c *conversion) error {
	a := &dotnetApp{carrying: &carrying{conversion: c, programs: []string{"dotnet", "npm", "node", "make"}, tools: []string{"nodejs", "npm", "libxml2-utils"}, buildEnv: []string{"NUGET_PACKAGES", "DOTNET_CLI_TELEMETRY_OPTOUT", "NUGET_XMLDOC_MODE"}}, start: c.start()}
	if !strings.HasSuffix(parseReference(c.stage.Base).Name, "/sdk") {
		return refuse(c.from(), "%s is not the image of the .NET SDK", c.stage.BaseRaw)
	}
	if a.start.at < 0 {
		return refuse(nil, "the file has neither CMD nor ENTRYPOINT: which program runs cannot be told")
	}
	at := &c.File.Instructions[a.start.at]
	words := a.start.words
	if len(words) < 2 || words[0] != "dotnet" {
		return refuse(at, "what is started is not dotnet and a program for it")
	}
	var ok bool
	if a.dir, ok = c.workdir(c.stage, c.stage.End); !ok || a.dir == "/" {
		return refuse(nil, "the working directory cannot be told, or is the root folder")
	}
	if words[1] == "run" {
		if err := a.published(at, words[2:]); err != nil {
			return err
		}
	} else if err := a.find(at, words[1:]); err != nil {
		return err
	}
	var err error
	if a.base, err = a.runtime(a.kind(), a.stage); err != nil {
		return err
	}
	a.folders = []string{a.dir, a.folder, "/root/.nuget"}
	for _, r := range a.runs() {
		if r.Program() == "dotnet" && r.dir != "" && r.dir != "/" {
			a.folders = append(a.folders, r.dir)
		}
	}
	if err := a.carry(); err != nil {
		return err
	}
	a.each("WORKDIR", func(i int, _ *dockerfile.Instruction) {
		if a.dir != a.folder && i == a.last("WORKDIR") {
			a.places[i] = stays
		}
	})
	if a.dir != a.folder {
		a.copies = append(a.copies, "WORKDIR "+a.folder)
		a.replaced[a.start.at] = at.Cmd + " " + jsonForm(append([]string{"dotnet", a.dll}, a.args...))
		a.note("the program starts in %s, where its settings are published to", a.folder)
	}
	a.copies = append(a.copies, "COPY --from=build "+a.folder+" "+a.folder)
	a.leftBehind(ofTheBuild, "/**/bin/Debug", "/**/bin/Release", "/**/obj")
	return nil
}

// find finds the published program.
func (a *dotnetApp) find(at *dockerfile.Instruction, words []string) error {
	if !strings.HasSuffix(words[0], ".dll") {
		return refuse(at, "dotnet %s is started, and no program", words[0])
	}
	full := absolute(a.dir, words[0])
	a.folder, a.dll = path.Dir(full), path.Base(full)
	a.args = words[1:]
	if at.Cmd == "ENTRYPOINT" && at.JSON {
		a.args = at.Args[min(2, len(at.Args)):]
	}
	for _, r := range a.runs() {
		if !r.Is("dotnet", "publish") || r.dir == "" {
			continue
		}
		if v, ok := r.Value("-o", "--output"); ok {
			if text, _ := a.Scopes.Expand(a.stage, r.at, v.Text); absolute(r.dir, text) == a.folder {
				return nil
			}
			continue
		}
		if _, ok := below(a.folder, r.dir); ok && path.Base(a.folder) == "publish" {
			return nil
		}
	}
	return refuse(at, "%s is started, and no step is seen to publish it", full)
}

var assembly = lazyregexp.New(`<AssemblyName>\s*([A-Za-z0-9._-]+)\s*</AssemblyName>`)

// published publishes what "dotnet run" would build at each start.
func (a *dotnetApp) published(at *dockerfile.Instruction, words []string) error {
	args := []string(nil)
	if i := slices.Index(words, "--"); i >= 0 {
		words, args = words[:i], words[i+1:]
	}
	project := tool{args: words}.flag("--project", "-p")
	from, ok := a.source(a.dir, a.stage.End)
	if !ok {
		return refuse(at, "which project dotnet run starts cannot be told: the build context is not known")
	}
	if !strings.HasSuffix(project, "proj") {
		name := ""
		for _, e := range a.entries(path.Join(from, project)) {
			if ext := path.Ext(e); ext == ".csproj" || ext == ".fsproj" || ext == ".vbproj" {
				if name != "" {
					return refuse(at, "there are several projects, and which one dotnet run starts cannot be told")
				}
				name = e
			}
		}
		project = path.Join(project, name)
		if name == "" {
			return refuse(at, "no project is where dotnet run looks for one")
		}
	}
	b, err := a.Context.Read(path.Join(from, project), maxText)
	if err != nil || plainPath(project) == "" {
		return refuse(at, "the project %s cannot be read", project)
	}
	name := strings.TrimSuffix(path.Base(project), path.Ext(project))
	if m := assembly.FindSubmatch(b); m != nil {
		name = string(m[1])
	}
	a.folder, a.dll, a.args = "/app/publish", name+".dll", args
	if a.dir == a.folder {
		a.folder = "/srv/publish"
	}
	a.build = append(a.build, "RUN dotnet publish "+project+" -c Release -o "+a.folder)
	a.note("dotnet run builds at each start; %s is published once", project)
	a.undecided("whether the launch profile matters that dotnet run uses: its environment and ports are not set now")
	return nil
}

// kind is the runtime that the program needs.
func (a *dotnetApp) kind() string {
	from, ok := a.source(a.dir, a.stage.End)
	for _, r := range a.runs() {
		if !ok && r.Is("dotnet", "publish") && r.dir != "" {
			from, ok = a.source(r.dir, a.stage.End)
		}
	}
	if !ok {
		a.undecided("whether the program needs ASP.NET: the final stage has it")
		return KindASPNET
	}
	web, seen := false, false
	for _, name := range a.filesOf(from, "proj") {
		if b, err := a.Context.Read(name, maxText); err == nil {
			seen = true
			web = web || strings.Contains(string(b), "Microsoft.NET.Sdk.Web") || strings.Contains(string(b), "Microsoft.AspNetCore")
		}
	}
	if seen && !web {
		a.note("no project is for the web: the runtime without ASP.NET will do")
		return KindDotnet
	}
	return KindASPNET
}
