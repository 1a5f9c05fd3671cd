package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// javaImages are official images that run programs for the JVM.
var javaImages = []string{
	"openjdk", "eclipse-temurin", "amazoncorretto", "sapmachine", "ibm-semeru-runtimes", "tomcat", "jetty", "maven", "gradle", "tomee", "open-liberty", "websphere-liberty", "java",
}

// fontless reports whether an image for the JVM has no fonts, nor what finds them.
// Those of Eclipse Temurin have both on every system.
func fontless(r reference) bool {
	switch name := r.official(); {
	case r.has("headless"):
		return true
	case name == "eclipse-temurin" || !slices.Contains(javaImages, name) || strings.Contains(r.Tag, "temurin"):
		return false
	}
	return r.alpine() || r.has("slim")
}

// javaDrawing are the packages of the JVM's own library that draw.
var javaDrawing = lazyregexp.New(`\bjava\.awt\.(?:Font|Graphics|Graphics2D|font|image|\*)|\bjavax\.(?:imageio|swing|print)\.`)

// fonts refuses an image without fonts for a program that draws text, which fails
// at run time there.
func (s *swap) fonts() error {
	if fontless(s.old) || !fontless(s.ref) {
		return nil
	}
	for _, st := range s.above() {
		for i := st.From + 1; i < st.End; i++ {
			for _, cmd := range s.script(i).Commands {
				for _, w := range packagesOf(&cmd).names {
					if strings.Contains(w.Text, "font") || strings.HasPrefix(w.Text, "ttf-") {
						return nil
					}
				}
			}
		}
	}
	if by := s.draws(); by != "" {
		return refuse(s.fromOf(s.stage), "%s draws text, which takes fonts that %s has not: install fontconfig and fonts first, or take one that is not headless", by, s.ref.with(s.ref.Tag))
	}
	s.undecided("whether the program draws text (AWT, reports, spreadsheets, charts), which takes fonts that %s has not", s.ref.with(s.ref.Tag))
	return nil
}

// draws is the library or file of the context that draws text; empty: none is seen.
func (s *swap) draws() string {
	if s.Context == nil {
		return ""
	}
	by, read := "", 0
	_ = s.Context.Walk(func(name string, _ fs.DirEntry) bool {
		manifest := slices.Contains([]string{"pom.xml", "build.gradle", "build.gradle.kts", "libs.versions.toml", "build.sbt"}, path.Base(name))
		source := slices.Contains([]string{".java", ".kt", ".scala", ".groovy"}, path.Ext(name))
		if !manifest && !source {
			return true
		}
		if read++; read > maxGoFiles {
			return false
		}
		b, err := s.Context.Read(name, maxText)
		switch {
		case err != nil:
		case source && javaDrawing.Match(b):
			by = name
		case manifest:
			for _, w := range javaWords.FindAllString(string(b), -1) {
				if slices.Contains(javaDraws, w) {
					by = w + " (" + name + ")"
				}
			}
		}
		return by == ""
	})
	return by
}
