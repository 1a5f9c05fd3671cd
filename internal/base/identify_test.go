package base

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/image"
)

// history makes an image of its steps: "+" before one is a layer.
func history(steps ...string) *image.Image {
	im := &image.Image{Config: &v1.ConfigFile{Config: v1.Config{Labels: map[string]string{}}}}
	for _, s := range steps {
		step := image.Step{CreatedBy: s, Empty: true, Layer: -1}
		if s[0] == '+' {
			step = image.Step{CreatedBy: s[1:], Layer: len(im.Layers)}
			im.Layers = append(im.Layers, image.Layer{Step: len(im.Steps)})
		}
		im.Steps = append(im.Steps, step)
	}
	return im
}

// As node:21.6-alpine3.18 and what is built on it look to docker history, with
// the classic builder and with BuildKit.
func onNode() *image.Image {
	return history(`+/bin/sh -c #(nop) ADD file:d0764a717d1e9d0aff3fa84779b11bfa0afe4430dcb6b46d965b209167639ba0 in / `, `/bin/sh -c #(nop)  CMD ["/bin/sh"]`,
		`ENV NODE_VERSION=21.6.1`, `+RUN /bin/sh -c addgroup -g 1000 node # buildkit`, `ENV YARN_VERSION=1.22.19`, `+RUN /bin/sh -c apk add yarn # buildkit`,
		`+COPY docker-entrypoint.sh /usr/local/bin/ # buildkit`, `ENTRYPOINT ["docker-entrypoint.sh"]`, `CMD ["node"]`,
		`WORKDIR /app`, `+COPY . . # buildkit`, `+RUN /bin/sh -c npm ci # buildkit`, `CMD ["node" "server.js"]`)
}

func TestIdentify(t *testing.T) {
	served := func(extra int) *image.Image {
		o, _ := Find("nginx:1.20")
		im := &image.Image{}
		for _, l := range o.Layers {
			im.Layers = append(im.Layers, image.Layer{Blob: l.Digest})
		}
		im.Layers = append(im.Layers, make([]image.Layer, extra)...)
		return im
	}
	labelled := history("+RUN x")
	labelled.Config.Config.Labels[labelBaseName] = "docker.io/library/debian:12-slim"
	nginx := history(`+/bin/sh -c #(nop) ADD file:1 in / `, `/bin/sh -c #(nop)  CMD ["bash"]`, `/bin/sh -c #(nop)  ENV NGINX_VERSION=1.20.2`, `+/bin/sh -c set -x`,
		`/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"]`, `+COPY build /usr/share/nginx/html # buildkit`, `CMD ["nginx" "-g" "daemon off;"]`)
	alpine := history(`+ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit`, `CMD ["/bin/sh"]`, `+RUN /bin/sh -c apk add curl # buildkit`)
	debian := history(`+# debian.sh --arch 'amd64' out/ 'bookworm' '@1731283200'`, `CMD ["bash"]`, `+RUN x`)
	tests := []struct {
		name   string
		im     *image.Image
		from   []string
		want   Base
		known  bool // whether the catalogue has it
		nobody bool
	}{
		{name: "Dockerfile and history", im: onNode(), from: []string{"node:21.6-alpine3.18"}, want: Base{Ref: "node:21.6-alpine3.18", Layers: 4, By: "dockerfile"}, known: true},
		{name: "history alone", im: onNode(), want: Base{Ref: "node:21.6.1", Layers: 4, By: "history"}},
		{name: "Dockerfile against history", im: onNode(), from: []string{"ghcr.io/me/node:1"}, want: Base{Ref: "ghcr.io/me/node:1", By: "dockerfile"}},
		{name: "scratch is none", im: history("+COPY app /app"), from: []string{"scratch"}, nobody: true},
		{name: "unresolved", im: history("+COPY app /app"), from: []string{"${BASE}"}, nobody: true},
		{name: "layers", im: served(2), want: Base{Ref: "nginx:1.20", Digest: "sha256:63aa22a3a677b20b74f4c977a418576934026d8562c04f6a635f0e71e0686b6d", Layers: 6, By: "layers"}, known: true},
		{name: "layers and another name", im: served(1), from: []string{"nginx:1.24"}, want: Base{Ref: "nginx:1.24", By: "dockerfile"}, known: true},
		{name: "label", im: labelled, want: Base{Ref: "debian:12-slim", By: "label"}, known: true},
		{name: "nginx, its CMD repeated", im: nginx, want: Base{Ref: "nginx:1.20.2", Layers: 2, By: "history"}, known: true},
		{name: "alpine", im: alpine, want: Base{Ref: "alpine:3.20.3", Layers: 1, By: "history"}},
		{name: "debian", im: debian, from: []string{"debian:12"}, want: Base{Ref: "debian:12", Layers: 1, By: "dockerfile"}, known: true},
		{name: "nothing", im: &image.Image{}, nobody: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Identify(tt.im, tt.from)
			if ok == tt.nobody || (got.Official != nil) != tt.known {
				t.Errorf("Identify = %+v, %v", got, ok)
			}
			got.Official = nil
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A history that does not go with the layers tells nothing.
func TestIdentifyLies(t *testing.T) {
	im := onNode()
	im.Layers = im.Layers[:2]
	if b, ok := Identify(im, nil); ok && b.Layers > len(im.Layers) {
		t.Errorf("%d of %d layers are %s", b.Layers, len(im.Layers), b.Ref)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add(`ENV NODE_VERSION=21.6.1`, `CMD ["node"]`, "")
	f.Add(`+ADD alpine-minirootfs-3.20.3-x86_64.tar.gz /`, `CMD ["/bin/sh"]`, "alpine")
	f.Add(`+# debian.sh --arch 'amd64' out/ '`, `CMD bash`, "debian:x")
	f.Fuzz(func(t *testing.T, a, b, ref string) {
		if a == "" || b == "" {
			return
		}
		im := history("+x", a, b, "+y")
		got, ok := Identify(im, []string{ref})
		if ok != (got.Ref != "") || got.Layers < 0 || got.Layers > len(im.Layers) {
			t.Errorf("Identify(%q, %q, %q) = %+v, %v", a, b, ref, got, ok)
		}
		if _, err := ParseRef(got.Ref); ok && err != nil {
			t.Errorf("Identify(%q, %q, %q): %v", a, b, ref, err)
		}
	})
}
