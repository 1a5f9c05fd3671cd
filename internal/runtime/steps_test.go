package runtime

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// What BuildKit's clients print, shortened: the one that Docker had built in
// until version 23, and buildx.
const (
	oldProgress = "#1 [internal] load build definition from Dockerfile\n#1 sha256:671bba05\n#1 transferring dockerfile: 31B done\n#1 DONE 0.0s\n\n" +
		"#3 [internal] load build context\n#3 sha256:f74a\n#3 DONE 0.1s\n\n" +
		"#4 [1/3] FROM docker.io/library/alpine:3.20\n#4 sha256:aa\n#4 CACHED\n\n" +
		"#5 [2/3] COPY app /app\n#5 sha256:2ca5\n#5 CACHED\n\n" +
		"#6 [3/3] RUN echo CACHED\n#6 sha256:11\n#6 0.301 CACHED\n#6 0.302 ERROR: not one\n#6 DONE 1.5s\n\n" +
		"#7 exporting to image\n#7 writing image sha256:3a03 done\n#7 DONE 0.0s\n"
	newFailure = "#0 building with \"default\" instance using docker driver\r\n\r\n#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n" +
		"#5 [build 2/2] RUN npm ci\n#5 0.5 npm ERR! missing\n#5 ERROR: process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 1\n" +
		"#6 [stage-1 2/2] COPY --from=build /x /\n#6 CANCELED\n------\n > [build 2/2] RUN npm ci:\n0.5 npm ERR! missing\n------\n"
)

func readProgress(text string, chunk int) *progress {
	p := &progress{}
	for len(text) > 0 {
		n := min(chunk, len(text))
		_, _ = p.Write([]byte(text[:n]))
		text = text[n:]
	}
	if len(p.line) > 0 {
		p.flush()
	}
	return p
}

func TestProgress(t *testing.T) {
	p := readProgress(oldProgress, 7)
	want := []Step{
		{Name: "[internal] load build definition from Dockerfile"},
		{Name: "[internal] load build context", Took: 100 * time.Millisecond},
		{Name: "[1/3] FROM docker.io/library/alpine:3.20", Cached: true},
		{Name: "[2/3] COPY app /app", Cached: true},
		{Name: "[3/3] RUN echo CACHED", Took: 1500 * time.Millisecond},
		{Name: "exporting to image"},
	}
	if diff := cmp.Diff(want, p.steps); diff != "" {
		t.Error(diff)
	}
	if cached, all := (&Built{Steps: p.steps}).Cached(); cached != 1 || all != 2 {
		t.Errorf("%d of %d steps from the cache", cached, all)
	}
	p = readProgress(newFailure, 1<<20)
	var b *BuildError
	if err := p.explain(errors.New("exit status 1"), "docker"); !errors.As(err, &b) || b.Step != "[build 2/2] RUN npm ci" || !strings.Contains(err.Error(), "exit code: 1") || !strings.Contains(b.Log, "npm ERR! missing") {
		t.Errorf("%v", err)
	}
}

func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"ERROR: BuildKit is enabled but the buildx component is missing or broken.\n":                                       "no BuildKit client",
		"#2 resolve image config for docker.io/docker/dockerfile:1\n#2 ERROR: failed to do request: dial tcp\n":             "the front end of its syntax line cannot be had",
		"failed to solve with frontend dockerfile.v0: failed to build LLB: failed to compute cache key: \"/x\" not found\n": "\"/x\" not found",
		"": "exit status 1",
	} {
		err := readProgress(text, 100).explain(errors.New("exit status 1"), "docker")
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %v; want %q", text, err, want)
		}
	}
}

// FuzzProgress: however the text is cut, the same is read of it, and what is
// kept is bounded.
func FuzzProgress(f *testing.F) {
	f.Add(oldProgress, 3)
	f.Add(newFailure, 1)
	f.Add("#1 "+strings.Repeat("x", 3*maxLine)+"\n#1 DONE 1s\n", 1000)
	f.Add(strings.Repeat("#9999999999999999999 a\n", 10), 5)
	f.Add("#1 a\n#1 DONE -1s\n#1 DONE NaNs\n#1 DONE 1e99s\n", 4)
	f.Fuzz(func(t *testing.T, text string, chunk int) {
		if chunk < 1 || chunk > 1<<20 {
			return
		}
		p, whole := readProgress(text, chunk), readProgress(text, len(text)+1)
		if diff := cmp.Diff(whole.steps, p.steps); diff != "" {
			t.Fatal(diff)
		}
		if p.tail.String() != whole.tail.String() {
			t.Fatal("the tails differ")
		}
		if n := len(p.tail.String()); n > maxTail+maxLine+8 {
			t.Fatalf("%d bytes are kept", n)
		}
		if len(p.steps) > maxSteps {
			t.Fatalf("%d steps are kept", len(p.steps))
		}
		for _, s := range p.steps {
			if s.Took < 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func TestRing(t *testing.T) {
	var r ring
	for i := range 100 {
		_, _ = r.Write([]byte(strings.Repeat(string(rune('a'+i%26)), 5000)))
	}
	if s := r.String(); len(s) > 2*maxOutput || len(s) < maxOutput-5000 || !strings.HasSuffix(s, "vvv") {
		t.Errorf("%d bytes, ending %q", len(s), s[len(s)-3:])
	}
	r = ring{}
	_, _ = r.Write([]byte(strings.Repeat("x", 10*maxOutput) + "end"))
	if s := r.String(); len(s) != maxOutput || !strings.HasSuffix(s, "end") {
		t.Errorf("%d bytes", len(s))
	}
}

func TestSupportsAsksTheEngine(t *testing.T) {
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM scratch\nCOPY <<EOF /x\ntext\nEOF\n"))
	if err != nil {
		t.Fatal(err)
	}
	for api, want := range map[string]bool{"1.41": false, "1.12": false, "1.42": true, "1.56": true, "2.0": true, "": true} {
		// By the Engine's version, Podman's and Moby's would be older than 20.10.
		err := (&Engine{Version: "2.0.0-beta.24", API: api}).Supports(f)
		var not *UnsupportedError
		if (err == nil) != want || err != nil && !errors.As(err, &not) {
			t.Errorf("API %q: %v", api, err)
		}
	}
}
