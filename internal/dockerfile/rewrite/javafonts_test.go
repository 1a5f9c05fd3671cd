package rewrite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
)

// An image without fonts is refused where the context is seen to draw text, said
// where it is not, and taken where the file installs fonts or had none before.
func TestSwapFonts(t *testing.T) {
	const pom = `<project><dependency><artifactId>jasperreports</artifactId></dependency></project>`
	for _, c := range []struct{ from, to, run, file, text, refused, undecided string }{
		{from: "openjdk:17-jre-bullseye", to: "openjdk:17-jre-headless-bullseye", file: "pom.xml", text: pom, refused: "jasperreports (pom.xml) draws text"},
		{from: "openjdk:17-jre-bullseye", to: "openjdk:17-jre-headless-bullseye", file: "build.gradle", text: `implementation("org.jfree:jfreechart:1.5.4")`, refused: "jfreechart (build.gradle) draws text"},
		{from: "openjdk:17-jre-bullseye", to: "openjdk:17-jre-headless-bullseye", file: "src/main/java/A.java", text: "import java.awt.Font;", refused: "A.java draws text"},
		{from: "openjdk:17-jre-bullseye", to: "openjdk:17-jre-headless-bullseye", file: "src/main/java/A.java", text: "import java.util.List;", undecided: "whether the program draws text"},
		{from: "openjdk:11-jre-bullseye", to: "openjdk:11-jre-slim-bullseye", file: "pom.xml", text: strings.Replace(pom, "jasperreports", "poi-ooxml", 1), refused: "poi-ooxml (pom.xml) draws text"},
		{from: "openjdk:11-jre-bullseye", to: "openjdk:11-jre-slim-bullseye", run: "RUN apt-get update && apt-get install -y fontconfig fonts-dejavu\n", file: "pom.xml", text: pom},
		{from: "openjdk:11-jre-bullseye", to: "eclipse-temurin:11-jre", file: "pom.xml", text: pom},
		{from: "openjdk:11-jre-slim-bullseye", to: "openjdk:11-jre-slim-bookworm", file: "pom.xml", text: pom},
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, filepath.FromSlash(c.file))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := dockerfile.OpenContext(os.DirFS(dir), "Dockerfile")
		if err != nil {
			t.Fatal(err)
		}
		f, err := dockerfile.Parse("Dockerfile", []byte("FROM "+c.from+"\n"+c.run+"COPY app.jar /app.jar\nCMD [\"java\", \"-jar\", \"/app.jar\"]\n"))
		if err != nil {
			t.Fatal(err)
		}
		w, err := rewrite.SwapBase(rewrite.Request{File: f, Context: in}, rewrite.Move{Stage: &f.Stages[0], To: c.to})
		switch {
		case c.refused != "":
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s to %s with %s: %v, want %q", c.from, c.to, c.text, err, c.refused)
			}
		case err != nil:
			t.Errorf("%s to %s with %s: %v", c.from, c.to, c.text, err)
		case strings.Contains(strings.Join(w.Undecided, "\n"), "draws text") != (c.undecided != ""):
			t.Errorf("%s to %s with %s: undecided %q", c.from, c.to, c.text, w.Undecided)
		}
	}
}
