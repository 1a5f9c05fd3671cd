package rules_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
	"github.com/drydock-dev/drydock/internal/finding"
)

func many(line string, n int) []byte {
	var b strings.Builder
	b.WriteString("FROM debian:13-slim\n")
	for i := range n {
		b.WriteString(strings.ReplaceAll(line, "%", fmt.Sprint(i)))
	}
	return []byte(b.String())
}

func look(t testing.TB, b []byte) []finding.Finding {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", b)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := rules.Run(context.Background(), inspect.New(f, inspect.Options{}), rules.Checks())
	return found
}

// Of each rule, so many findings are kept, the first ones; how many more there
// are is said, and pragmas hold for those too.
func TestFindingsAreBounded(t *testing.T) {
	const n = 2*rules.MaxFindings + 500
	counts := func(b []byte) (kept, more, suppressed int) {
		for _, f := range look(t, b) {
			if f.Rule != "dockerfile/apt-no-recommends" {
				continue
			}
			if f.Suppressed != nil {
				suppressed += 1 + f.More
				continue
			}
			kept++
			more += f.More
		}
		return kept, more, suppressed
	}
	if kept, more, suppressed := counts(many("RUN apt-get install -y curl\n", n)); kept != rules.MaxFindings || more != n-kept || suppressed != 0 {
		t.Errorf("%d kept, %d more, %d suppressed", kept, more, suppressed)
	}
	if kept, more, suppressed := counts(many("# hadolint ignore=DL3015\nRUN apt-get install -y curl\n", n)); kept != 0 || more != 0 || suppressed != n {
		t.Errorf("with pragmas: %d kept, %d more, %d suppressed", kept, more, suppressed)
	}
	unknown := finding.Omitted(look(t, many("RUN apt-get install -y curl\n", n)))
	for _, u := range unknown {
		if u.What == "1500 of 2500 findings of dockerfile/apt-no-recommends" && strings.Contains(u.Why, "the first 1000") {
			return
		}
	}
	t.Errorf("%+v", unknown)
}

// costly are lines of which a hostile file may have many.
func costly() map[string]string {
	return map[string]string{
		"apt": "RUN apt-get install x%\n", "cd": "RUN cd /srv && make\n", "plain": "RUN x\n", "copy": "COPY a% /b\n", "all": "COPY . .\n",
		"env": "ENV A%=$B%\n", "old env": "ENV A% b\n", "label": "LABEL K%=v\n", "secret": "ENV PASSWORD%=hunter2%\n", "arg": "ARG TOKEN%=abcdef%\n",
		"from": "FROM debian:12 AS s%\n", "chain": "FROM a AS s%\nFROM s%\nRUN apt-get update\n", "onbuild": "ONBUILD RUN apt-get install x\n",
		"here-document": "RUN <<EOF\napt-get update\napt-get install x\nEOF\n", "workdir": "WORKDIR /a%\nWORKDIR b\n", "user": "USER root\n", "cmd": "CMD a b\n",
		"expose": "EXPOSE 80/TCP\n", "pip": "RUN pip install a%\n", "npm": "RUN npm install\n", "curl": "RUN curl http://x/y | sh\n", "add": "ADD http://x/y /z\n",
		"pragma": "# hadolint ignore=DL3008\nRUN apt-get install x\n", "idle pragma": "# hadolint ignore=DL9999\n", "chown": "COPY a /a%\nRUN chown -R u /a%\n",
		"removed later": "RUN touch /a%\nRUN rm /a%\n", "copy from": "FROM a AS s%\nCOPY --from=0 /a /a\n", "shell": "SHELL [\"/bin/bash\", \"-c\"]\nRUN a | b\n",
		"volume": "VOLUME /v%\n", "case": "run x\n",
	}
}

// What a file costs, counted in bytes and objects and not in time, grows no
// faster than the file.
func TestCostIsInLineWithTheFile(t *testing.T) {
	cost := func(b []byte) (bytes, objects uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		look(t, b)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs
	}
	look(t, many("RUN x\n", 1)) // what is made once
	for name, line := range costly() {
		bytes, objects := cost(many(line, 500))
		bytes4, objects4 := cost(many(line, 2000))
		if bytes4 > 6*bytes+1<<20 || objects4 > 6*objects {
			t.Errorf("%s: four times the lines cost %d and %d bytes, %d and %d objects", name, bytes, bytes4, objects, objects4)
		}
	}
}

func BenchmarkManyLines(b *testing.B) {
	for name, line := range costly() {
		for _, n := range []int{1000, 4000, 16_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				text := many(line, n)
				if strings.Count(line, "\n")*n > dockerfile.MaxInstructions {
					b.Skip("over the limit")
				}
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					look(b, text)
				}
			})
		}
	}
}
