package rewrite

import (
	"encoding/xml"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// javaApp is a program for the Java runtime that a file builds.
type javaApp struct {
	*carrying
	dir   string // where it starts
	start started
	jar   string // absolute; may have a pattern in it
}

var javaPrograms = []string{"mvn", "mvnw", "gradle", "gradlew", "java", "javac", "jar", "sh", "chmod"}

func isJava(c *conversion) bool {
	return slices.ContainsFunc(c.runs(), buildsJava) ||
		slices.Contains([]string{"maven", "gradle"}, parseReference(c.stage.Base).official())
}

func buildsJava(r run) bool {
	return slices.Contains(javaPrograms[:4], r.Program()) || r.Is("sh") && len(r.Args()) > 0 && slices.Contains(javaPrograms[:4], path.Base(r.Args()[0].Text))
}

func convertJava(c *conversion) error {
	a := &javaApp{carrying: &carrying{conversion: c, programs: javaPrograms, tools: []string{"maven", "gradle", "openjdk-8-jdk", "openjdk-11-jdk", "openjdk-17-jdk"}, buildEnv: []string{"MAVEN_OPTS", "MAVEN_CONFIG", "GRADLE_OPTS", "GRADLE_USER_HOME"}}, start: c.start()}
	if a.start.at < 0 {
		return refuse(nil, "the file has neither CMD nor ENTRYPOINT: what a container of it is for cannot be told")
	}
	var ok bool
	if a.dir, ok = c.workdir(c.stage, c.stage.End); !ok {
		return refuse(nil, "the working directory cannot be told")
	}
	if err := a.find(); err != nil {
		return err
	}
	var err error
	if a.base, err = a.runtime(KindJRE, a.stage); err != nil {
		return err
	}
	a.folders = []string{"/root/.m2", "/home/gradle", "/root/.gradle"}
	if a.dir != "/" {
		a.folders = append(a.folders, a.dir)
	}
	for _, r := range a.runs() {
		if buildsJava(r) && r.dir != "" && r.dir != "/" && !slices.Contains(a.folders, r.dir) {
			a.folders = append(a.folders, r.dir)
		}
	}
	if !a.inside(a.jar) {
		a.folders = append(a.folders, a.jar)
	}
	if err := a.clients(); err != nil {
		return err
	}
	if err := a.carry(); err != nil {
		return err
	}
	return a.fromTarget()
}

// find finds the archive that is started.
func (a *javaApp) find() error {
	at := &a.File.Instructions[a.start.at]
	cmds := a.script(a.start.at).Commands
	if len(cmds) == 0 {
		return refuse(at, "what is started cannot be told")
	}
	cmd := &cmds[len(cmds)-1]
	switch p := cmd.Program(); {
	case p == "java":
		v, ok := cmd.Value("-jar")
		if !ok && at.Cmd == "ENTRYPOINT" && a.last("CMD") >= 0 {
			args := a.File.Instructions[a.last("CMD")].Args
			if i := slices.Index(args, "-jar"); i >= 0 && i+1 < len(args) {
				v.Text, ok = args[i+1], true
			}
		}
		if !ok {
			return refuse(at, "java starts a class and no archive: which folders it needs cannot be told")
		}
		text, known := a.Scopes.Expand(a.stage, a.start.at, v.Text)
		if !known && text == "" || strings.Contains(text, "$") {
			return refuse(at, "which archive java starts cannot be told")
		}
		a.jar = absolute(a.dir, text)
		if !a.makes(a.jar) {
			return refuse(at, "%s is started, and no step is seen to build it", a.jar)
		}
	case slices.Contains(javaPrograms[:2], p) && slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "spring-boot:run" }):
		return a.springBoot(at, cmd)
	case buildsJava(run{Command: cmd}):
		return refuse(at, "%s builds and starts, and which archive it would make cannot be told", cmd.Words[0].Text)
	default:
		return refuse(at, "%s is started, and not java", cmd.Words[0].Text)
	}
	return a.whole(at)
}

// makes reports whether a step builds an archive, or puts it there.
func (a *javaApp) makes(jar string) bool {
	for _, r := range a.runs() {
		if buildsJava(r) && r.dir != "" {
			if rest, ok := below(jar, r.dir); ok && (strings.Contains("/"+rest, "/target/") || strings.Contains("/"+rest, "/build/libs/") || strings.Contains("/"+rest, "/build/")) {
				return true
			}
		}
		if (r.Is("cp") || r.Is("mv")) && r.dir != "" {
			ops := r.Operands()
			if len(ops) > 1 {
				to := absolute(r.dir, ops[len(ops)-1].Text)
				if to == jar || path.Join(to, path.Base(ops[0].Text)) == jar || strings.HasPrefix(jar, to+"/") {
					return true
				}
			}
		}
	}
	return false
}

// pom is what is read of a pom.xml.
type pom struct {
	ArtifactID string `xml:"artifactId"`
	Version    string `xml:"version"`
	Parent     struct {
		Version string `xml:"version"`
	} `xml:"parent"`
	Packaging string `xml:"packaging"`
	Build     struct {
		FinalName string `xml:"finalName"`
	} `xml:"build"`
	Dependencies []dependency `xml:"dependencies>dependency"`
}

type dependency struct {
	Scope string `xml:"scope"`
}

func (a *javaApp) pom() (*pom, string, bool) {
	text, ok := a.read(path.Join(a.buildDir(), "pom.xml"), a.stage.End)
	p := &pom{}
	if !ok || xml.Unmarshal([]byte(text), p) != nil {
		return nil, "", false
	}
	return p, text, true
}

// buildDir is the folder of the image that is built in.
func (a *javaApp) buildDir() string {
	for _, r := range a.runs() {
		if buildsJava(r) && r.dir != "" {
			return r.dir
		}
	}
	return a.dir
}

// springBoot builds once what "spring-boot:run" builds at each start.
func (a *javaApp) springBoot(at *dockerfile.Instruction, cmd *dockerfile.Command) error {
	p, _, ok := a.pom()
	if !ok {
		return refuse(at, "the archive that is built cannot be told: there is no pom.xml to be read")
	}
	name := p.Build.FinalName
	if name == "" {
		version := p.Version
		if version == "" {
			version = p.Parent.Version
		}
		name = p.ArtifactID + "-" + version
	}
	if strings.Contains(name, "${") || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") || plainPath(name) == "" {
		return refuse(at, "the name of the archive that is built cannot be told from pom.xml")
	}
	a.jar = path.Join(a.dir, "target", name+".jar")
	a.build = append(a.build, "RUN "+cmd.Words[0].Text+" -B -DskipTests package")
	for _, c := range []string{"CMD", "ENTRYPOINT"} {
		a.each(c, func(i int, _ *dockerfile.Instruction) { a.places[i] = gone })
	}
	a.places[a.start.at] = moves
	a.replaced[a.start.at] = `ENTRYPOINT ["java", "-jar", "` + a.jar + `"]`
	a.note("spring-boot:run builds at each start; %s is built once", a.jar)
	return nil
}

// whole refuses an archive that may not have its dependencies in it.
func (a *javaApp) whole(at *dockerfile.Instruction) error {
	if strings.Contains(a.jar, "/quarkus-app/") {
		a.jar = a.jar[:strings.Index(a.jar, "/quarkus-app/")] + "/quarkus-app"
		return nil
	}
	if p, text, ok := a.pom(); ok {
		packed := slices.ContainsFunc([]string{"spring-boot-maven-plugin", "maven-shade-plugin", "maven-assembly-plugin", "quarkus-maven-plugin", "onejar"}, func(n string) bool { return strings.Contains(text, n) })
		needs := slices.ContainsFunc(p.Dependencies, func(d dependency) bool {
			return d.Scope == "" || d.Scope == "compile" || d.Scope == "runtime"
		})
		if needs && !packed {
			return refuse(at, "pom.xml does not pack the dependencies into the archive, and where they are cannot be told")
		}
		return nil
	}
	for _, name := range []string{"build.gradle", "build.gradle.kts"} {
		if text, ok := a.read(path.Join(a.buildDir(), name), a.stage.End); ok {
			if !strings.Contains(text, "org.springframework.boot") && !strings.Contains(text, "shadow") && !strings.Contains(text, "io.ktor.plugin") && (strings.Contains(text, "implementation") || strings.Contains(text, "compile ")) {
				return refuse(at, "%s does not pack the dependencies into the archive, and where they are cannot be told", name)
			}
			return nil
		}
	}
	a.undecided("whether the archive has its dependencies in it: neither pom.xml nor build.gradle can be read")
	return nil
}

// fromTarget is what the final stage gets of the build.
func (a *javaApp) fromTarget() error {
	to := a.jar
	if strings.ContainsAny(to, "*?[") {
		to = path.Dir(to) + "/"
	}
	a.copies = append(a.copies, "COPY --from=build "+a.jar+" "+to)
	for _, name := range []string{"config", "application.yml", "application.yaml", "application.properties"} {
		if _, ok := a.source(path.Join(a.dir, name), a.stage.End); ok {
			p := path.Join(a.dir, name)
			a.copies = append(a.copies, "COPY --from=build "+p+" "+p)
			a.note("%s lies where Spring looks for its configuration: it goes along", name)
		}
	}
	a.undecided("whether the program reads files in %s besides its archive", a.dir)
	dir := a.buildDir()
	a.leftBehind(ofTheBuild, path.Join(dir, "target"), path.Join(dir, "**/build"), path.Join(dir, ".gradle"))
	return nil
}
