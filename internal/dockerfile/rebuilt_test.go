package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// TestRebuilt: the lines that a change makes anew, with ? for those that may be.
func TestRebuilt(t *testing.T) {
	const node = "FROM node:24 AS deps\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nFROM deps AS build\nCOPY . .\nRUN npm run build\n" +
		"FROM nginx:1.29\nENV A=1\nRUN echo\nCOPY --from=build /app/dist /x\nCOPY nginx.conf /etc/\n"
	for _, c := range []struct{ file, changed, want string }{
		{node, "src/app.js", "6 7 11 12"},
		{node, "package.json", "3 4 6 7 11 12"},
		{node, "nginx.conf", "6 7 11 12"},
		{strings.Replace(node, "COPY nginx", "COPY --link nginx", 1), "src/app.js", "6 7 11"},
		{"FROM a\nCOPY a b /x/\nRUN x\n", "c", ""},
		{"FROM a\nCOPY a b /x/\nRUN x\n", "b", "2 3"},
		{"FROM a\nCOPY [\"a b\", \"/x/\"]\nRUN x\n", "a b/c", "2 3"},
		{"FROM a\nCOPY src/*.go /x/\nRUN x\n", "src/a.go", "2 3"},
		{"FROM a\nCOPY src/*.go /x/\nRUN x\n", "src/deep/a.go", ""},
		{"FROM a\nCOPY src/*.go /x/\nRUN x\n", "src", "2 3"},
		{"FROM a\nCOPY ./src/ /x/\nRUN x\n", "srcs/a.go", ""},
		{"FROM a\nCOPY --exclude=*.md . /x/\nRUN x\n", "README.md", ""},
		{"FROM a\nCOPY --exclude=*.md . /x/\nRUN x\n", "a.go", "2 3"},
		{"FROM a\nARG D=src\nCOPY $D /x/\nRUN x\n", "src/a", "3 4"},
		{"FROM a\nARG D\nCOPY $D /x/\nRUN x\n", "src/a", "?3"},
		{"FROM a\nRUN --mount=type=bind,source=go.mod,target=/m go mod download\nCOPY . .\n", "main.go", "3"},
		{"FROM a\nRUN --mount=source=go.mod,target=/m go mod download\nCOPY . .\n", "go.mod", "2 3"},
		{"FROM a\nRUN --mount=type=cache,target=/m x\nRUN --mount=type=bind,target=/s y\n", "z", "3"},
		{"FROM a AS b\nCOPY x /x\nFROM c\nRUN --mount=from=b,target=/b y\nRUN z\n", "x", "2 4 5"},
		{"FROM a AS unused\nCOPY . .\nFROM c\nRUN z\n", "x", ""},
		{"FROM a\nCOPY . .\nFROM c\nCOPY --from=0 /x /x\n", "x", "2 4"},
		{"FROM a\nCOPY <<E /x\nhi\nE\nADD https://example.com/x /y\nRUN z\n", "x", ""},
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte(c.file))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range f.Rebuilt(&f.Stages[len(f.Stages)-1], []string{c.changed}, f.Scopes(nil)) {
			switch line := f.Instructions[r.At].Span.Line; {
			case r.Anew:
				got = append(got, fmt.Sprint(line))
			case r.Maybe:
				got = append(got, fmt.Sprintf("?%d", line))
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q after %s: %q, want %q", c.file, c.changed, s, c.want)
		}
	}
}
