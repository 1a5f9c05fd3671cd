package oracle

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// mutation changes a text a little, the way people and tools do, or leaves it
// as it is where it finds nothing to change.
type mutation struct {
	name   string
	change func(r *rand.Rand, text string) string
}

// mutants calls use with n mutants of the files, each changed in one to three
// ways. The same seed makes the same mutants.
func mutants(files []file, seed uint64, n int, use func(file)) {
	r := rand.New(rand.NewPCG(seed, 22))
	ways := mutations()
	for i := range n {
		from := files[r.IntN(len(files))]
		text, done := string(from.text), []string(nil)
		for range 1 + r.IntN(3) {
			way := ways[r.IntN(len(ways))]
			if changed := way.change(r, text); changed != text {
				text, done = changed, append(done, way.name)
			}
		}
		use(file{fmt.Sprintf("%s#%d %s", from.name, i, strings.Join(done, ", ")), []byte(text)})
	}
}

func mutations() []mutation {
	return []mutation{
		{"a quote dropped", func(r *rand.Rand, s string) string { return dropOne(r, s, `"'`) }},
		{"a dollar or brace dropped", func(r *rand.Rand, s string) string { return dropOne(r, s, "${}") }},
		{"an equals sign becomes a space", inLine(`(?i)^\s*(ENV|LABEL|ARG)\s`, func(_ *rand.Rand, l string) string { return strings.Replace(l, "=", " ", 1) })},
		{"a keyword in another case", inLine(`^\s*[A-Za-z]+(\s|$)`, otherCase)},
		{"all keywords in lower case", allLines(`^\s*[A-Z]+\s`, func(l string) string {
			word, rest := firstWord(l)
			return strings.ToLower(word) + rest
		})},
		{"AS in another case", inLine(`(?i)^\s*FROM\s.*\sAS\s`, func(r *rand.Rand, l string) string {
			return regexp.MustCompile(`(?i)\sAS\s`).ReplaceAllString(l, pick(r, " as ", " AS ", " As "))
		})},
		{"a stage named", inLine(`(?i)^\s*FROM\s`, func(r *rand.Rand, l string) string {
			if regexp.MustCompile(`(?i)\sAS\s`).MatchString(l) {
				l = regexp.MustCompile(`(?i)\sAS\s.*`).ReplaceAllString(l, "")
			}
			return strings.TrimRight(l, "\r ") + pick(r, " AS build", " AS Build", " as build", " AS scratch", " AS Context", " AS linux-x", " AS 1st", " AS")
		})},
		{"a base changed", inLine(`(?i)^\s*FROM\s`, func(r *rand.Rand, l string) string {
			word, _ := firstWord(l)
			return word + " " + pick(r, "scratch", "build", "${UNSET}", "alpine:${VERSIO}", "Upper/Case", "example.com/env:1", "example.com/arm",
				"example.com/workdir", "example.com/shell", "example.com/windows", "--platform=linux/arm64 example.com/arm", "$TARGETARCH", "${BASE:-alpine}") + pick(r, "", " AS build", " as b")
		})},
		{"a platform set", inLine(`(?i)^\s*FROM\s`, func(r *rand.Rand, l string) string {
			word, rest := firstWord(l)
			return word + " --platform=" + pick(r, "linux/amd64", "linux/arm64", "$TARGETPLATFORM", "${TARGETPLATFORM}", "$BUILDPLATFORM", "linux/$TARGETARCH", "$NOPE",
				"windows/amd64", "${TARGETPLATFORM:-linux/amd64}", "bogus/x/y/z", "linux", "\"linux/arm64\"", "${UNSET:-linux/s390x}") + rest
		})},
		{"a continuation dropped", inLine(`\\\s*$`, func(_ *rand.Rand, l string) string { return strings.TrimRight(strings.TrimRight(l, " \t\r"), `\`) })},
		{"a continuation added", inLine(`^\s*\w`, func(r *rand.Rand, l string) string { return strings.TrimRight(l, "\r") + pick(r, ` \`, `\`, ` \  `) })},
		{"an empty line in a continuation", inLine(`\\\s*$`, func(r *rand.Rand, l string) string { return l + "\n" + pick(r, "", "   ", "# a comment", "\t") })},
		{"a line deleted", func(r *rand.Rand, s string) string {
			lines := strings.SplitAfter(s, "\n")
			i := r.IntN(len(lines))
			return strings.Join(append(lines[:i:i], lines[i+1:]...), "")
		}},
		{"two lines swapped", func(r *rand.Rand, s string) string {
			lines := strings.SplitAfter(s, "\n")
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
			return strings.Join(lines, "")
		}},
		{"a line twice", func(r *rand.Rand, s string) string {
			lines := strings.SplitAfter(s, "\n")
			i := r.IntN(len(lines))
			return strings.Join(append(append(lines[:i+1:i+1], lines[i]), lines[i+1:]...), "")
		}},
		{"an instruction added", addLine},
		{"an instruction added", addLine},
		{"an instruction added at the end", func(r *rand.Rand, s string) string {
			return strings.TrimRight(s, "\r\n") + "\n" + pick(r, snippets()...) + "\n"
		}},
		{"ONBUILD", inLine(`(?i)^(ENV|RUN|ARG|COPY|CMD|WORKDIR|EXPOSE|MAINTAINER)\s`, func(r *rand.Rand, l string) string { return pick(r, "ONBUILD ", "onbuild ", "ONBUILD ONBUILD ") + l })},
		{"a relative WORKDIR", inLine(`(?i)^\s*WORKDIR\s+/`, func(_ *rand.Rand, l string) string { return strings.Replace(l, "/", "", 1) })},
		{"a port changed", inLine(`(?i)^\s*EXPOSE\s+\d`, func(r *rand.Rand, l string) string {
			return strings.TrimRight(l, "\r ") + pick(r, "/TCP", "/Udp", "/udp", ":80", " 127.0.0.1:80:80", "-1", "/nope", " $PORT", " 80:8080/TCP")
		})},
		{"CRLF", func(_ *rand.Rand, s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
		}},
		{"a byte order mark", func(_ *rand.Rand, s string) string { return "\xef\xbb\xbf" + s }},
		{"no last line end", func(_ *rand.Rand, s string) string { return strings.TrimRight(s, "\r\n") }},
		{"tabs", func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, " ", "\t") }},
		{"another escape", func(r *rand.Rand, s string) string {
			head := pick(r, "# escape=`\n", "# escape=\\\n", "#escape = `\r\n", "# syntax=docker/dockerfile:1\n# escape=`\n", "# escape=`\n# escape=`\n", "# escape=x\n")
			if r.IntN(2) == 0 {
				s = regexp.MustCompile(`(?m)\\([ \t\r]*)$`).ReplaceAllString(s, "`$1")
			}
			return head + s
		}},
		{"a comment above", inLine(`(?i)^\s*(ARG|FROM)\s`, func(r *rand.Rand, l string) string {
			return pick(r, "# build it", "#", "# VERSION of it", "# build is it", "#build", "# check=skip=all", "# check=skip=JSONArgsRecommended,UndefinedVar") + "\n" + l
		})},
		{"cut off", func(r *rand.Rand, s string) string { return s[:r.IntN(len(s)+1)] }},
		{"a byte put in", func(r *rand.Rand, s string) string {
			i := r.IntN(len(s) + 1)
			return s[:i] + pick(r, `"`, `'`, `\`, "`", "#", "$", "<", "<<", "{", "}", "[", "]", "=", ",", ":", "\t", " ", "\n", "\r", "\v", "\f", "\x00", "\xff", "é", "\u00a0", "\u0085") + s[i:]
		}},
		{"a byte lost", func(r *rand.Rand, s string) string {
			if s == "" {
				return s
			}
			i := r.IntN(len(s))
			return s[:i] + s[i+1:]
		}},
	}
}

// snippets are instructions that some check has to do with, on either side.
func snippets() []string {
	return []string{
		"CMD run it", `CMD ["run", "it"]`, `CMD ['run']`, "ENTRYPOINT exec run", `ENTRYPOINT ["run"]`, `ENTRYPOINT []`, "cmd run",
		"HEALTHCHECK NONE", "HEALTHCHECK CMD true", "HEALTHCHECK --interval=5s CMD [\"true\"]",
		`SHELL ["/bin/bash", "-c"]`, `SHELL []`, "SHELL bash",
		"MAINTAINER me", "maintainer Me <me@example.com>", "MAINTAINER",
		"ENV API_KEY=x", "ENV PUBLIC_KEY=x", "ARG TOKEN", "ARG password=1 OTHER", "ENV key value", "ENV A 1 2", "ENV A=1 B", "LABEL a b", "LABEL a=b c", "LABEL a='b c' d=\"$NOPE\"",
		"ENV PATH=$PATH:/x", "ENV A=$NOPE", "ENV A=${NOPE:-x} B=${NOPE2}", "ENV A=$A", "ARG X=${NOPE}", "ARG X", "ARG Y=$X", "ENV Z=${X}", "ENV HOME=$JAVA_HOME/x", "ARG VERSION=1", "ENV V=$VERSIO",
		"WORKDIR app", "WORKDIR /app", "WORKDIR $NOPE", "WORKDIR \"app\"", "WORKDIR C:\\app", "WORKDIR ..", "WORKDIR ${HOME}/x",
		"EXPOSE 80/TCP", "EXPOSE 8080:80", "EXPOSE 127.0.0.1:80:80/UDP 53/udp", "EXPOSE $PORT", "EXPOSE 80-90/tcp", "EXPOSE 70000", "EXPOSE [::1]:80:80", "EXPOSE 80 443/Tcp",
		"FROM alpine", "FROM alpine AS Build", "FROM build", "FROM Build as final", "FROM ${NOPE}", "FROM example.com/env", "FROM scratch AS scratch", "from alpine as x", "FROM alpine as x", "From alpine aS x",
		"FROM --platform=linux/arm64 alpine AS arm64-x", "FROM --platform=$TARGETPLATFORM alpine", "FROM --platform=linux/amd64 alpine",
		"COPY --from=build /a /b", "COPY --from=0 /a /b", "COPY --from=alpine /a $NOPE", "COPY --chown=$USER a /b", "COPY a b", "ADD https://example.com/x /x", "ADD $FILE /x", "COPY secret.txt /x", "COPY . .", "ADD dir/sub x", "COPY [\"secret.txt\", \"/x\"]",
		"COPY <<EOF /x\nhello $NOPE\nEOF", "COPY <<-'EOF' /x\n\thello $NOPE\n\tEOF", "RUN <<EOF\necho $NOPE\nEOF", "RUN <<EOF cat >x\nEOF", "RUN cat <<A <<B\na\nA\nb\nB", "COPY <<EOF /x\nnever",
		"RUN echo $NOPE", "RUN --mount=type=cache,target=$NOPE true", "RUN --mount=type=secret,id=x true", "RUN --mount=from=build,target=/x true", "RUN --mount=type=bogus true", "RUN --network=none true",
		"RUN a \\\n\n b", "RUN a \\\n# c\n b", "RUN a \\\n   \n# c\n\n b", "ENV A=1 \\\n\n B=2",
		"USER $NOPE", "USER app", "VOLUME $NOPE /x", "VOLUME [\"/a\", \"$NOPE\"]", "STOPSIGNAL $NOPE", "STOPSIGNAL SIGTERM", "ONBUILD ENV A=$NOPE", "ONBUILD CMD x", "ONBUILD RUN a \\\n\n b", "ONBUILD MAINTAINER me", "ONBUILD COPY <<EOF /x\na\nEOF",
		"# a comment", "#", "", "RUNS x", "RUN", "ENV", "COPY a", "ARG", "FROM", "EXPOSE", "--flag", "RUN --bogus x", "COPY --from=x --from=y a b", "COPY -- --a /b", "COPY --chown='a b':c\\ d\"e\" a b", "RUN --mount=type=cache,target=/a\\ b,id=\"x y\" true", "RUN --mount=type=cache,target=/a \\\n --network=none true", "ARG A=1 B=$A C=$D",
	}
}

func addLine(r *rand.Rand, s string) string {
	lines := strings.SplitAfter(s, "\n")
	i := r.IntN(len(lines) + 1)
	return strings.Join(append(append(lines[:i:i], pick(r, snippets()...)+"\n"), lines[i:]...), "")
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func dropOne(r *rand.Rand, s, chars string) string {
	var at []int
	for i := range len(s) {
		if strings.IndexByte(chars, s[i]) >= 0 {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return s
	}
	i := at[r.IntN(len(at))]
	return s[:i] + s[i+1:]
}

// inLine changes one of the lines that match.
func inLine(match string, change func(*rand.Rand, string) string) func(*rand.Rand, string) string {
	re := regexp.MustCompile(match)
	return func(r *rand.Rand, s string) string {
		lines := strings.Split(s, "\n")
		var at []int
		for i, l := range lines {
			if re.MatchString(l) {
				at = append(at, i)
			}
		}
		if len(at) == 0 {
			return s
		}
		i := at[r.IntN(len(at))]
		lines[i] = change(r, lines[i])
		return strings.Join(lines, "\n")
	}
}

func allLines(match string, change func(string) string) func(*rand.Rand, string) string {
	re := regexp.MustCompile(match)
	return func(_ *rand.Rand, s string) string {
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			if re.MatchString(l) {
				lines[i] = change(l)
			}
		}
		return strings.Join(lines, "\n")
	}
}

func firstWord(l string) (word, rest string) {
	at := len(l) - len(strings.TrimLeft(l, " \t"))
	end := strings.IndexAny(l[at:], " \t\r")
	if end < 0 {
		return l, ""
	}
	return l[:at+end], l[at+end:]
}

func otherCase(r *rand.Rand, l string) string {
	word, rest := firstWord(l)
	switch r.IntN(3) {
	case 0:
		word = strings.ToLower(word)
	case 1:
		word = strings.ToUpper(word)
	default:
		if word != "" {
			word = word[:1] + strings.ToLower(word[1:])
		}
	}
	return word + rest
}
