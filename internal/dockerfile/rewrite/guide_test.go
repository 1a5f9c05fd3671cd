package rewrite_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

// TestTheGuide takes the guide's single-stage file through the rewrites, one
// after the other: several stages, then a user that is not root, then digests.
func TestTheGuide(t *testing.T) {
	files := folder(t, filepath.Join("..", "..", "..", "examples", "react-app"))
	digest := func(ref string) (finding.Digest, bool) { return finding.DigestOf([]byte(ref)), true }
	for _, run := range []func(rewrite.Request) (rewrite.Rewrite, error){rewrite.MultiStage, rewrite.NonRoot, rewrite.Pin} {
		r := rewrite.Request{File: parse(t, files["Dockerfile"]), Context: context(t, files), Digest: digest}
		w, err := run(r)
		if err != nil {
			t.Fatal(err)
		}
		after := applied(t, files, w.Fix.Edits)
		laws(t, r, w, after, run)
		maps.Copy(files, after)
	}
	want := `FROM node:21.6-alpine3.18@` + string(finding.DigestOf([]byte("node:21.6-alpine3.18"))) + ` AS build

WORKDIR /app

COPY package.json package-lock.json ./
RUN npm install

COPY . .
RUN npm run build

FROM nginx:1.30-alpine-slim@` + string(finding.DigestOf([]byte("nginx:1.30-alpine-slim"))) + `

COPY nginx.default.conf /etc/nginx/conf.d/default.conf
COPY --from=build /app/build /usr/share/nginx/html

RUN touch /var/run/nginx.pid && chown nginx:nginx /var/cache/nginx /var/run/nginx.pid
USER nginx

EXPOSE 3000

CMD ["nginx", "-g", "daemon off;"]
`
	if got := string(files["Dockerfile"]); !strings.HasSuffix(got, want) {
		t.Errorf("%s\nwant at its end\n%s", got, want)
	}
}

// folder reads the files of a small folder.
func folder(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		name, _ := filepath.Rel(root, p)
		files[filepath.ToSlash(name)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
