package dockerfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/image"
)

// history makes steps of lines; a line that begins with "- " is an empty step.
func history(text string) []image.Step {
	var out []image.Step
	layer := 0
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line == "" {
			continue
		}
		line = strings.ReplaceAll(line, `\n`, "\n")
		s := image.Step{CreatedBy: line, Layer: layer}
		if rest, empty := strings.CutPrefix(line, "- "); empty {
			s = image.Step{CreatedBy: rest, Empty: true, Layer: -1}
		} else {
			layer++
		}
		out = append(out, s)
	}
	return out
}

// joinedLines is what Join says, as lines of the Dockerfile; 0: the base.
func joinedLines(t *testing.T, text, target string, steps []image.Step) []int {
	t.Helper()
	f := mustParse(t, text)
	s, err := f.Target(target)
	if err != nil {
		t.Fatal(err)
	}
	joined := Join(f, s, steps)
	if joined == nil {
		return nil
	}
	out := make([]int, len(joined))
	for i, n := range joined {
		if n >= 0 {
			out[i] = f.Instructions[n].Span.Line
		}
	}
	return out
}

// everything was built for real: both histories below are what the builders
// recorded of it, with VERSION=2 as a build argument.
const everything = `ARG BASE=scratch
FROM scratch AS base
MAINTAINER someone <x@y>
ADD root.tar.gz /
ENV A="b c" Z=1
LABEL z=1 a="two words"
FROM base
ARG VERSION=1
ARG EMPTY
SHELL ["/bin/sh", "-e", "-c"]
RUN echo hi > /x && \
    # comment
    echo there >> /x
RUN ["/bin/sh", "-c", "echo exec > /y"]
ENV B=$VERSION
LABEL b=c \
      a=d
COPY a.txt Dockerfile /dir/
COPY --chown=1:1 a.txt /c/
ADD a.txt /d/
WORKDIR /work
WORKDIR sub
EXPOSE 80 443/udp
VOLUME ["/data", "/more"]
USER 1000:1000
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s CMD true
ONBUILD RUN echo onbuild
ENTRYPOINT ["/bin/sh"]
CMD echo "hi"
`

const everythingLegacy = `
- /bin/sh -c #(nop)  MAINTAINER someone <x@y>
/bin/sh -c #(nop) ADD file:dcda21868900f11e39b5ed759ccae929ea902de4fd64bdee54cad2605abc242b in / 
- /bin/sh -c #(nop)  ENV A=b c Z=1
- /bin/sh -c #(nop)  LABEL z=1 a=two words
- /bin/sh -c #(nop)  ARG VERSION=1
- /bin/sh -c #(nop)  ARG EMPTY
- /bin/sh -e -c #(nop)  SHELL [/bin/sh -e -c]
|1 VERSION=2 /bin/sh -e -c echo hi > /x &&     echo there >> /x
|1 VERSION=2 /bin/sh -c echo exec > /y
- /bin/sh -e -c #(nop)  ENV B=2
- /bin/sh -e -c #(nop)  LABEL b=c a=d
/bin/sh -e -c #(nop) COPY multi:0520e84ae9592047f38965cb174ad8038dfc7c3f86746b1347b99b5710ae0e8d in /dir/ 
/bin/sh -e -c #(nop) COPY --chown=1:1file:00ec16333078d287782d462baefc8bb9eb0231dc3aefba3ca3e2f7e5cf0cadda in /c/ 
/bin/sh -e -c #(nop) ADD file:00ec16333078d287782d462baefc8bb9eb0231dc3aefba3ca3e2f7e5cf0cadda in /d/ 
- /bin/sh -e -c #(nop) WORKDIR /work
- /bin/sh -e -c #(nop) WORKDIR /work/sub
- /bin/sh -e -c #(nop)  EXPOSE 443/udp 80
- /bin/sh -e -c #(nop)  VOLUME [/data /more]
- /bin/sh -e -c #(nop)  USER 1000:1000
- /bin/sh -e -c #(nop)  STOPSIGNAL SIGQUIT
- /bin/sh -e -c #(nop)  HEALTHCHECK &{["CMD-SHELL" "true"] "5s" "0s" "0s" '\x00'}
- /bin/sh -e -c #(nop)  ONBUILD RUN echo onbuild
- /bin/sh -e -c #(nop)  ENTRYPOINT ["/bin/sh"]
- /bin/sh -e -c #(nop)  CMD ["/bin/sh" "-e" "-c" "echo \"hi\""]`

const everythingBuildKit = `
- MAINTAINER someone <x@y>
ADD root.tar.gz / # buildkit
- ENV A=b c Z=1
- LABEL z=1 a=two words
- ARG VERSION=2
- ARG EMPTY
- SHELL [/bin/sh -e -c]
RUN |2 VERSION=2 EMPTY= /bin/sh -e -c echo hi > /x &&     echo there >> /x # buildkit
RUN |2 VERSION=2 EMPTY= /bin/sh -c echo exec > /y # buildkit
- ENV B=2
- LABEL b=c a=d
COPY a.txt Dockerfile /dir/ # buildkit
COPY --chown=1:1 a.txt /c/ # buildkit
ADD a.txt /d/ # buildkit
WORKDIR /work
WORKDIR /work/sub
- EXPOSE [443/udp 80/tcp]
- VOLUME [/data /more]
- USER 1000:1000
- STOPSIGNAL SIGQUIT
- HEALTHCHECK {Test:[CMD-SHELL true] Interval:5s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}
- ENTRYPOINT ["/bin/sh"]
- CMD ["/bin/sh" "-e" "-c" "echo \"hi\""]`

const heredocs = `FROM scratch
WORKDIR /w
RUN <<EOF
set -e
echo one
EOF
RUN cat <<-'A' > /a && cat <<B > /b
	x
A
y
B
RUN <<EOF bash
echo two
EOF
COPY <<'FILE' <<-F2 /etc/
data
FILE
	more
F2
COPY --link --chmod=755 . .
RUN --mount=type=cache,target=/root --network=none  make   all
RUN ["a", "b c"]
ENV Q="a \"b\"" R='$x' S=$Q
ARG X=1 Y
LABEL "com.example.x"="y z"
EXPOSE 8000-8002 $X
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN echo last
ADD https://example.com/a.txt /
ENV T2 $T
HEALTHCHECK NONE
USER $X
CMD []
`

const heredocsBuildKit = `
WORKDIR /w
RUN /bin/sh -c set -e\necho one\n # buildkit
RUN /bin/sh -c cat <<-'A' > /a && cat <<B > /b\n	x\nA\ny\nB # buildkit
RUN /bin/sh -c <<EOF bash\necho two\nEOF # buildkit
COPY <<FILE <<F2 /etc/ # buildkit
COPY --chmod=755 . . # buildkit
RUN /bin/sh -c make   all # buildkit
RUN a b c # buildkit
- ENV Q=a "b" R=$x S=
- ARG X=1 Y
- LABEL com.example.x=y z
- EXPOSE [1/tcp 8000/tcp 8001/tcp 8002/tcp]
- SHELL [/bin/bash -o pipefail -c]
RUN |2 X=1 Y= /bin/bash -o pipefail -c echo last # buildkit
ADD https://example.com/a.txt / # buildkit
- ENV T2=
- HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}
- USER 1
- CMD []`

const onABase = `FROM node:21
WORKDIR app
COPY package*.json ./
COPY --from=0 . /app
RUN npm ci
EXPOSE 3000
CMD ["npm", "start"]
`

const theBase = `
/bin/sh -c #(nop) ADD file:37a76ec18f9887751cd8473744917d08b7431fc4085097bb6a09d81b41775473 in / 
- /bin/sh -c #(nop)  CMD ["bash"]
/bin/sh -c npm ci
`

func TestJoin(t *testing.T) {
	all := []int{3, 4, 5, 6, 8, 9, 10, 11, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}
	for _, c := range []struct {
		name, file, target, history string
		want                        []int
	}{
		{"the older builder", everything, "", everythingLegacy, all},
		{"BuildKit", everything, "", everythingBuildKit, append(append([]int{}, all[:21]...), 29, 30)},
		{"a stage by name", everything, "base", strings.Join(strings.Split(everythingBuildKit, "\n")[:5], "\n"), []int{3, 4, 5, 6}},
		{"here-documents", heredocs, "", heredocsBuildKit, []int{2, 3, 7, 12, 15, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33}},
		{"on a base, the older builder", onABase, "", theBase + `
- /bin/sh -c #(nop) WORKDIR /srv/app
/bin/sh -c #(nop) COPY multi:0520e84ae9592047f38965cb174ad8038dfc7c3f86746b1347b99b5710ae0e8d in ./ 
/bin/sh -c #(nop) COPY dir:0520e84ae9592047f38965cb174ad8038dfc7c3f86746b1347b99b5710ae0e8d in /app 
/bin/sh -c npm ci
- /bin/sh -c #(nop)  EXPOSE 3000
- /bin/sh -c #(nop)  CMD ["npm" "start"]
- /bin/sh -c #(nop)  LABEL extra=1`, []int{0, 0, 0, 2, 3, 4, 5, 6, 7, 0}},
		{"on a base with its own shell, BuildKit", onABase, "", theBase + `
WORKDIR /srv/app
COPY package*.json ./ # buildkit
COPY . /app # buildkit
RUN /bin/bash -eo pipefail -c npm ci # buildkit
- EXPOSE map[3000/tcp:{}]
- CMD ["npm" "start"]`, []int{0, 0, 0, 2, 3, 4, 5, 6, 7}},
		{"Kaniko", onABase, "", theBase + `
WORKDIR app
COPY package*.json ./
COPY --from=0 . /app
RUN npm ci
- EXPOSE 3000
- CMD ["npm", "start"]`, []int{0, 0, 0, 2, 3, 4, 5, 6, 7}},
		{"nothing after FROM", "FROM alpine\n", "", theBase, []int{0, 0, 0}},
		{"another command", onABase, "", theBase + `- CMD ["npm" "test"]`, nil},
		{"a command that only ends alike", "FROM x\nRUN ci\n", "", theBase, nil},
		{"a step too few", onABase, "", `- CMD ["npm" "start"]`, nil},
		{"a step too many for scratch", "FROM scratch\nCOPY a /\n", "", theBase + "COPY a / # buildkit", nil},
		{"another destination", "FROM x\nCOPY a /b\n", "", "COPY a /c # buildkit", nil},
		{"another value", "FROM x\nENV A=1\n", "", "- ENV A=12", nil},
		{"another key beside", "FROM x\nENV A=1\n", "", "- ENV A=1 B=2", nil},
		{"a variable between", "FROM x\nARG V\nUSER app-$V-user\n", "", "- ARG V=1\n- USER app-1-user", []int{2, 3}},
		{"a variable that does not fit", "FROM x\nUSER app-$V-user\n", "", "- USER app-1-root", nil},
		{"no history", onABase, "", "- ", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, joinedLines(t, c.file, c.target, history(c.history))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestJoinLayers(t *testing.T) {
	f := mustParse(t, "FROM node:21 AS build\nRUN make\nFROM build\nCOPY a /b\n")
	steps := history("/bin/sh -c #(nop) ADD file:1 in /\n- ENV X=1\nRUN /bin/sh -c make # buildkit\nCOPY a /b # buildkit")
	im := &image.Image{Steps: steps, Layers: []image.Layer{{Step: 0}, {Step: 2}, {Step: 3}, {Step: -1}}}
	stage, err := f.Target("")
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, s := range JoinLayers(f, stage, im) {
		if s == nil {
			lines = append(lines, 0)
			continue
		}
		lines = append(lines, s.Line)
	}
	if diff := cmp.Diff([]int{1, 2, 4, 0}, lines); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	im.Steps = steps[:3]
	for i, s := range JoinLayers(f, stage, im) {
		if s != nil {
			t.Errorf("layer %d of another image is at %+v", i, s)
		}
	}
}

// A history with a step too few or one too many is another image's.
func TestJoinIsExact(t *testing.T) {
	f := mustParse(t, everything)
	stage, err := f.Target("")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{everythingLegacy, everythingBuildKit} {
		steps := history(text)
		for i, s := range steps {
			fewer := append(append([]image.Step{}, steps[:i]...), steps[i+1:]...)
			more := append(append(append([]image.Step{}, steps[:i]...), s), steps[i:]...)
			if cmd := parseStep(s.CreatedBy).cmd; cmd != "ARG" && cmd != "ONBUILD" && Join(f, stage, fewer) != nil {
				t.Errorf("joined without %q", s.CreatedBy)
			}
			if Join(f, stage, more) != nil {
				t.Errorf("joined with a second %q", s.CreatedBy)
			}
		}
	}
}
