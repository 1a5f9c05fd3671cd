package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/cli"
)

const packaging = "../../packaging"

// TestComposeFilesKeepToOurRules: what is shipped passes what is preached, but for the
// Engine's socket, which is what the agent is for, and for the machine's loopback, which
// is where the service may answer without a certificate.
func TestComposeFilesKeepToOurRules(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"compose/compose.yaml", "compose/compose.postgres.yaml", "extension/docker-compose.yaml"} {
		var out, errs bytes.Buffer
		env := cli.Env{Stdout: &out, Stderr: &errs, Now: time.Now, Getenv: func(k string) string {
			return map[string]string{"HOME": home, "DOCKER_HOST": "unix:///nonexistent.sock", "DESKTOP_PLUGIN_IMAGE": "drydock-extension:1"}[k]
		}}
		if code := cli.Main(t.Context(), env, "drydock", "audit", "--format", "json", "-q", filepath.Join(packaging, name)); code == 1 {
			t.Fatalf("%s: %s", name, errs.String())
		}
		var doc struct {
			Findings []struct{ Rule, Severity, Message string }
		}
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		for _, f := range doc.Findings {
			if (f.Severity == "critical" || f.Severity == "high") && f.Rule != "runtime/docker-socket" &&
				(f.Rule != "runtime/host-namespace" || name != "compose/compose.yaml" || !strings.Contains(f.Message, "network")) {
				t.Errorf("%s: %s %s: %s", name, f.Severity, f.Rule, f.Message)
			}
		}
	}
}

// TestExtensionIsWhatDesktopReads holds the extension to what Docker documents of one:
// metadata.json, its files, the labels of the image, the socket of its service. Docker
// Desktop itself cannot be run here.
func TestExtensionIsWhatDesktopReads(t *testing.T) {
	dir := filepath.Join(packaging, "extension")
	read := func(name string, to any, strict bool) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		if strict {
			d.DisallowUnknownFields()
		}
		if err := d.Decode(to); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var m struct {
		Icon string `json:"icon"`
		UI   map[string]struct {
			Title string `json:"title"`
			Root  string `json:"root"`
			Src   string `json:"src"`
		} `json:"ui"`
		VM struct {
			Composefile string `json:"composefile"`
			Exposes     struct {
				Socket string `json:"socket"`
			} `json:"exposes"`
		} `json:"vm"`
	}
	read("metadata.json", &m, true)
	tab, ok := m.UI["dashboard-tab"]
	if !ok || len(m.UI) != 1 || tab.Title == "" || !strings.HasPrefix(tab.Root, "/") {
		t.Fatalf("no dashboard tab: %+v", m.UI)
	}
	for _, file := range []string{m.Icon, m.VM.Composefile, filepath.Join(tab.Root, tab.Src)} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v", file, err)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, tab.Root, tab.Src))
	if err != nil || strings.Contains(string(page), "http:") || strings.Contains(string(page), "https:") {
		t.Errorf("the tab loads something from elsewhere: %v", err)
	}
	labels := map[string]string{}
	read("labels.json", &labels, true)
	for _, l := range []string{
		"com.docker.desktop.extension.api.version", "com.docker.desktop.extension.icon", "com.docker.extension.screenshots", "com.docker.extension.detailed-description",
		"com.docker.extension.publisher-url", "com.docker.extension.additional-urls", "com.docker.extension.changelog", "org.opencontainers.image.vendor",
	} {
		if labels[l] == "" {
			t.Errorf("no label %s", l)
		}
	}
	for _, l := range []string{"com.docker.extension.screenshots", "com.docker.extension.additional-urls"} {
		var list []map[string]string
		if err := json.Unmarshal([]byte(labels[l]), &list); err != nil {
			t.Errorf("%s: %v", l, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, m.VM.Composefile))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			Image   string
			Command []string
		}
	}
	if err := yaml.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	answers := false
	for name, s := range c.Services {
		if s.Image != "${DESKTOP_PLUGIN_IMAGE}" {
			t.Errorf("%s: image %s", name, s.Image)
		}
		for i, w := range s.Command {
			answers = answers || w == "--socket" && i+1 < len(s.Command) && s.Command[i+1] == "/run/guest-services/"+m.VM.Exposes.Socket
		}
	}
	if !answers {
		t.Errorf("no service answers at the socket %s", m.VM.Exposes.Socket)
	}
}
