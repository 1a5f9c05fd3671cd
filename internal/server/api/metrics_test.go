package api_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestMetrics: the numbers are those of the overview, by environment, under our names
// and Docker Scout's, in a text that Prometheus reads whatever an environment is
// called.
func TestMetrics(t *testing.T) {
	w := start(t)
	w.ask("POST", "/api/v1/images?ref=acme/web:1&env=prod", cdx("acme/web", lodash))
	w.ask("POST", "/api/v1/images?ref=acme/api:1&env=a%22b%5C", cdx("acme/api", leftpd))
	w.ask("POST", "/api/v1/advisories", delta)
	w.settle()
	a := w.ask("GET", "/metrics", "")
	text := string(a.body)
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", a.status, a.header)
	}
	for _, want := range []string{
		`drydock_images{streamName="latest-indexed"} 2`, `drydock_images{streamName="prod"} 1`, `drydock_images{streamName="a\"b\\"} 1`,
		`scout_stream_vulnerabilities{streamName="prod",severity="critical"} 1`, `scout_stream_vulnerabilities{streamName="a\"b\\",severity="critical"} 0`,
		`drydock_vulnerabilities{streamName="latest-indexed",severity="critical"} 1`, `scout_stream_packages{streamName="prod"} 1`,
		`scout_policy_compliant_images{id="no-fixable-critical-or-high",displayName="No fixable critical or high vulnerability",streamName="prod"} 0`,
		`scout_policy_evaluated_images{id="no-fixable-critical-or-high",displayName="No fixable critical or high vulnerability",streamName="prod"} 1`,
		"drydock_database_up 1", "drydock_tasks_waiting 0", "drydock_tasks_aside 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	sample := regexp.MustCompile(`^[a-z_]+(\{[a-zA-Z]+="([^"\\\n]|\\["\\n])*"(,[a-zA-Z]+="([^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+$`)
	kind := ""
	for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			kind, _, _ = strings.Cut(rest, " ")
			continue
		}
		if !strings.HasPrefix(line, "# HELP ") && (!sample.MatchString(line) || !strings.HasPrefix(line, kind)) {
			t.Errorf("of %s: %q", kind, line)
		}
	}
	// The database gone is told, and the rest stands.
	if err := w.svc.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if text := string(w.ask("GET", "/metrics", "").body); !strings.Contains(text, "drydock_database_up 0\n") || !strings.Contains(text, `drydock_images{streamName="prod"} 1`) {
		t.Errorf("%s", text)
	}
}
