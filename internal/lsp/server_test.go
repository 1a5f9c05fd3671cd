package lsp_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/lsp"
)

const shop = "FROM debian:13-slim\nRUN apt-get install curl\nADD app.py /app/\nCMD [\"python3\", \"/app/app.py\"]\n"

// What one types is looked at as it stands in the editor, and not on the disk.
func TestDiagnosticsFollowTheText(t *testing.T) {
	c := start(t, map[string]string{"Dockerfile": "FROM scratch\n", "app.py": ""})
	found := c.open("Dockerfile", "dockerfile", shop)
	if got := codes(found); !strings.Contains(got, "apt-yes") || !strings.Contains(got, "add-instead-of-copy") {
		t.Fatalf("found %s", got)
	}
	for _, d := range found {
		if d.Code == "dockerfile/add-instead-of-copy" && (d.in(shop) != "ADD app.py /app/" && d.in(shop) != "ADD" || d.Source != "drydock" || d.Message == "") {
			t.Errorf("%+v is at %q", d, d.in(shop))
		}
	}
	if got := codes(c.replace("Dockerfile", "ADD", "COPY")); strings.Contains(got, "add-instead") || !strings.Contains(got, "apt-yes") {
		t.Errorf("after the edit: %s", got)
	}
	if got := codes(c.replace("Dockerfile", "RUN", "RUM")); !strings.Contains(got, "syntax") {
		t.Errorf("a broken line: %s", got)
	}
	if err := c.end(); err != nil {
		t.Errorf("a session that was shut down: %v", err)
	}
}

// Places count UTF-16 units, whatever stands before them, and lines end as the
// protocol has it.
func TestPlacesBehindAnything(t *testing.T) {
	text := "# 🐳 größe\r\nFROM debian:13-slim\r\nRUN echo '🐳🐳 ü' && apt-get install -y curl\r\n"
	c := start(t, nil)
	for _, d := range c.open("Dockerfile", "dockerfile", text) {
		if d.Code == "dockerfile/apt-no-recommends" && !strings.HasPrefix(d.in(text), "apt-get install") {
			t.Errorf("%+v: %q", d, d.in(text))
		}
	}
	for _, a := range c.actions("Dockerfile", "apt-get", "quickfix") {
		if got := c.apply("Dockerfile", a); !strings.Contains(got, "größe\r\n") || !strings.Contains(got, "🐳🐳 ü' && ") {
			t.Errorf("%s makes %q", a.Title, got)
		}
	}
	if got := codes(c.replace("Dockerfile", "🐳 ü' && apt-get install -y curl", "x'")); strings.Contains(got, "apt-") {
		t.Errorf("after the edit: %s", got)
	}
}

// Safe fixes are quick fixes and one action, and what they make has none left.
func TestActions(t *testing.T) {
	c := start(t, map[string]string{"app.py": ""})
	c.open("Dockerfile", "dockerfile", shop)
	quick := c.actions("Dockerfile", "ADD", "quickfix")
	if len(quick) == 0 || len(quick[0].Diagnostics) != 1 || quick[0].Kind != "quickfix" {
		t.Fatalf("%+v", quick)
	}
	if got := c.apply("Dockerfile", quick[0]); got != strings.Replace(shop, "ADD", "COPY", 1) {
		t.Errorf("%s makes %q", quick[0].Title, got)
	}
	if got := c.actions("Dockerfile", "CMD", "quickfix"); len(got) != 0 {
		t.Errorf("on CMD: %+v", got)
	}
	for _, a := range c.actions("Dockerfile", "FROM", "refactor") {
		if !strings.HasPrefix(a.Kind, "refactor") {
			t.Errorf("%+v", a)
		}
	}
	all := c.actions("Dockerfile", "FROM", "source.fixAll")
	if len(all) != 1 || all[0].Kind != "source.fixAll.drydock" {
		t.Fatalf("%+v", all)
	}
	after := c.apply("Dockerfile", all[0])
	if !strings.Contains(after, "COPY app.py") || !strings.Contains(after, "install -y") {
		t.Errorf("all fixes make %q", after)
	}
	c.replace("Dockerfile", shop, after)
	if all := c.actions("Dockerfile", "FROM", "source.fixAll"); len(all) != 0 {
		t.Errorf("again: %+v", all)
	}
}

// A client that knows no versions of documents gets edits in the older form, and one
// that takes commands alone gets none.
func TestOlderClients(t *testing.T) {
	c := begin(t, map[string]string{"app.py": ""})
	c.hello(`{"textDocument":{"codeAction":{"codeActionLiteralSupport":{}}}}`)
	c.open("Dockerfile", "dockerfile", shop)
	quick := c.actions("Dockerfile", "ADD", "quickfix")
	if len(quick) == 0 || len(quick[0].Edit.DocumentChanges) > 0 {
		t.Fatalf("%+v", quick)
	}
	if got := c.apply("Dockerfile", quick[0]); !strings.Contains(got, "COPY app.py") {
		t.Errorf("%q", got)
	}
	c = begin(t, nil)
	c.hello(`{}`)
	c.open("Dockerfile", "dockerfile", shop)
	if got := c.actions("Dockerfile", "ADD"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

const compose = "services:\n  web:\n    image: nginx:1.29\n    privileged: true\n"

// Compose files and manifests have the findings of audit; other YAML has none.
func TestContainers(t *testing.T) {
	c := start(t, nil)
	found := c.open("compose.yaml", "yaml", compose)
	if got := codes(found); !strings.Contains(got, "runtime/privileged") {
		t.Fatalf("found %s", got)
	}
	for _, d := range found {
		if d.Code == "runtime/privileged" && d.Range.Start.Line != 3 {
			t.Errorf("%+v", d)
		}
	}
	if got := codes(c.replace("compose.yaml", "    privileged: true\n", "")); strings.Contains(got, "runtime/privileged") {
		t.Errorf("after the edit: %s", got)
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n  - name: x\n    image: nginx:1.29\n    securityContext:\n      privileged: true\n"
	if got := codes(c.open("deploy/pod.yaml", "yaml", pod)); !strings.Contains(got, "runtime/privileged") {
		t.Errorf("a pod: %s", got)
	}
	if got := c.open("values.yaml", "yaml", "privileged: true\n"); len(got) != 0 {
		t.Errorf("other YAML: %+v", got)
	}
	if got := c.open("docker-compose.yml", "yaml", "services:\n  web: [\n"); len(got) != 1 || got[0].Severity != 1 {
		t.Errorf("broken YAML: %+v", got)
	}
}

// Exceptions count as they do for lint, in the folder that the editor works in.
func TestExceptions(t *testing.T) {
	c := start(t, map[string]string{
		".trivyignore.yaml": "misconfigurations:\n- id: DL3020\n  paths: [docker/Dockerfile]\n", "docker/app.py": "",
	})
	if got := codes(c.open("docker/Dockerfile", "dockerfile", shop)); strings.Contains(got, "add-instead") || !strings.Contains(got, "apt-yes") {
		t.Errorf("found %s", got)
	}
	if got := codes(c.open("Dockerfile", "dockerfile", shop)); !strings.Contains(got, "add-instead") {
		t.Errorf("elsewhere: %s", got)
	}
	pragma := strings.Replace(shop, "ADD", "# drydock ignore=DL3020 # theirs\nADD", 1)
	if got := codes(c.open("a.Dockerfile", "dockerfile", pragma)); strings.Contains(got, "add-instead") {
		t.Errorf("with a pragma: %s", got)
	}
}

// A configuration that cannot be read is told where the findings would be.
func TestBrokenConfiguration(t *testing.T) {
	c := start(t, map[string]string{".drydock.yaml": "nosuch: 1\n"})
	got := c.open("Dockerfile", "dockerfile", shop)
	if len(got) != 1 || got[0].Severity != 1 || !strings.Contains(got[0].Message, "nosuch") {
		t.Errorf("%+v", got)
	}
}

// A file beside counts as the editor has it.
func TestOtherDocumentsCount(t *testing.T) {
	c := start(t, map[string]string{"app.py": "", ".dockerignore": "x\n"})
	text := "FROM python:3.14-slim\nCOPY app.py /app/\n"
	if got := codes(c.open("Dockerfile", "dockerfile", text)); strings.Contains(got, "copy-ignored-file") {
		t.Fatalf("found %s", got)
	}
	c.open(".dockerignore", "ignore", "app.py\n")
	c.docs["Dockerfile"].version++
	c.docs["Dockerfile"].text += "\n"
	c.notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": c.uri("Dockerfile"), "version": 2}, "contentChanges": []any{map[string]any{"text": text + "\n"}},
	})
	if got := codes(c.published("Dockerfile")); !strings.Contains(got, "copy-ignored-file") {
		t.Errorf("found %s", got)
	}
}

// The protocol's states: nothing before initialize, nothing after shutdown, and an
// end that was not announced is an error.
func TestStates(t *testing.T) {
	c := begin(t, nil)
	if code := c.call("textDocument/codeAction", map[string]any{}, nil); code != -32002 {
		t.Errorf("before initialize: %d", code)
	}
	if got := c.hello(`{}`); got["serverInfo"].(map[string]any)["version"] != "1.2.3" {
		t.Errorf("%v", got)
	}
	if code := c.call("initialize", map[string]any{}, nil); code != -32600 {
		t.Errorf("twice: %d", code)
	}
	if code := c.call("nosuch/method", map[string]any{}, nil); code != -32601 {
		t.Errorf("an unknown method: %d", code)
	}
	if code := c.call("textDocument/codeAction", []int{1}, nil); code != -32602 {
		t.Errorf("wrong parameters: %d", code)
	}
	c.notify("$/unknown", map[string]any{})
	c.call("shutdown", nil, nil)
	if code := c.call("textDocument/codeAction", map[string]any{}, nil); code != -32600 {
		t.Errorf("after shutdown: %d", code)
	}
	c.notify("exit", nil)
	if err := <-c.ended; err != nil {
		t.Errorf("exit: %v", err)
	}

	c = start(t, nil)
	c.open("Dockerfile", "dockerfile", shop)
	c.notify("exit", nil)
	if err := <-c.ended; !errors.Is(err, lsp.ErrNoShutdown) {
		t.Errorf("exit without shutdown: %v", err)
	}
	c = start(t, nil)
	_ = c.out.Close()
	if err := <-c.ended; !errors.Is(err, lsp.ErrNoShutdown) {
		t.Errorf("a client that goes away: %v", err)
	}
}

// What is no message of the protocol ends the session with a reason, and takes no
// memory for what it claims.
func TestForeignBytes(t *testing.T) {
	for in, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n":                 "without a colon",
		"Host: x\r\n\r\n":                        "without Content-Length",
		"\r\n":                                   "without Content-Length",
		strings.Repeat("x", 1<<20):               "more than 4096 bytes",
		"Content-Length: 99999999999\r\n\r\n":    "are the limit",
		"Content-Length: -1\r\n\r\n":             "are the limit",
		"Content-Length: 12\r\nX-Y: z\r\n\r\n{}": "unexpected EOF",
	} {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		err := lsp.Serve(ctx, strings.NewReader(in), io.Discard, lsp.Options{Pipeline: pipelineIn})
		stop()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}
