package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// systemOfFacts is the system of an image that is moved to.
func systemOfFacts(facts *dockerfile.BaseFacts, r reference) system {
	if facts != nil && facts.Distribution != "" && facts.Release != "" {
		return system{facts.Distribution, facts.Release}
	}
	if n := slices.Index(debianNames, r.codename()); n >= 0 {
		return system{"debian", strconv.Itoa(n + firstDebian)}
	}
	y := system{}
	if facts != nil {
		y.distribution = facts.Distribution
	}
	return y
}

// coupled refuses a move after which files that one stage has built lie in
// another on another release of the system: programs and modules are linked with
// the libraries of the release that they were built on.
func coupled(d *draft, moved []*swap) error {
	after := map[int]*swap{}
	for _, s := range moved {
		for _, st := range s.above() {
			after[st.Index] = s
		}
	}
	for i := range d.File.Stages {
		to := &d.File.Stages[i]
		for n := to.From + 1; n < to.End; n++ {
			in := &d.File.Instructions[n]
			name := in.Flag("from")
			if in.Cmd != "COPY" || name == "" {
				continue
			}
			from, err := d.File.Target(name)
			if err != nil || from.Index >= to.Index || after[from.Index] == nil && after[to.Index] == nil {
				continue
			}
			if !d.builtFor(from, to, in) {
				continue
			}
			was, is := [2]system{d.systemOf(from), d.systemOf(to)}, [2]system{}
			for k, st := range []*dockerfile.Stage{from, to} {
				if is[k] = was[k]; after[st.Index] != nil {
					is[k] = after[st.Index].is
				}
			}
			if is[0].known() && is[0] == is[1] || was == is {
				continue
			}
			stays, goes := from, to
			if after[from.Index] != nil {
				stays, goes = to, from
			}
			if after[from.Index] != nil && after[to.Index] != nil {
				return refuse(in, "what %s builds would lie on another release of the system, %s: move both to one release by hand", stageNamed(from), is[1])
			}
			return refuse(in, "what %s builds is copied to %s, and only %s would stand on another release of the system: move both", stageNamed(from), stageNamed(to), stageNamed(goes)+" and not "+stageNamed(stays))
		}
	}
	return nil
}

func stageNamed(st *dockerfile.Stage) string {
	if st.Name != "" {
		return "the stage " + st.Name
	}
	return "stage " + strconv.Itoa(st.Index)
}

// builtFor reports whether what a COPY takes from one stage to another may depend
// on the release of the system: not where both are of different families anyway,
// where nothing but a web server's site or Java's bytecode is copied, or where
// Go builds without C.
func (d *draft) builtFor(from, to *dockerfile.Stage, in *dockerfile.Instruction) bool {
	a, b := d.family(from), d.family(to)
	if a != b && a != "" && b != "" {
		return false
	}
	r, s := parseReference(d.File.Chain(from)[0].Base), parseReference(d.File.Chain(to)[0].Base)
	java := []string{"maven", "gradle", "eclipse-temurin", "openjdk", "amazoncorretto", "java", "tomcat", "jetty"}
	switch {
	case slices.Contains([]string{"nginx", "httpd", "caddy"}, s.official()):
		return false
	case slices.Contains(java, r.official()) && slices.Contains(java, s.official()):
		return false
	case r.official() == "composer":
		return false
	case r.official() == "golang":
		for i := from.From + 1; i < from.End; i++ {
			if raw := d.File.Instructions[i].Raw; strings.Contains(raw, "CGO_ENABLED=0") || strings.Contains(raw, "CGO_ENABLED 0") {
				return false
			}
		}
	}
	return len(in.Args) > 0
}
