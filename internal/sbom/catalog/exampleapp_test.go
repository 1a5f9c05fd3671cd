package catalog

import (
	"os"
	"strings"
	"testing"
)

const exampleApp = "../../../examples/react-app"

// The example is what the README's first command scans: its lock is whole, is
// of its time, and names no registry but npm's own.
func TestExampleApplication(t *testing.T) {
	inv := dirScan(t, exampleApp)
	if len(inv.Unknown) > 0 {
		t.Error(inv.Unknown)
	}
	if len(inv.Packages) < 270 {
		t.Errorf("only %d packages", len(inv.Packages))
	}
	dev := map[string]bool{}
	for _, p := range inv.Packages {
		dev[p.PURL()] = p.Dev
	}
	for purl, want := range map[string]bool{
		"pkg:npm/axios@0.27.2": false, "pkg:npm/lodash@4.17.20": false, "pkg:npm/moment@2.29.1": false, "pkg:npm/marked@4.0.9": false,
		"pkg:npm/follow-redirects@1.15.5": false, "pkg:npm/dompurify@3.0.8": false, "pkg:npm/react@18.2.0": false,
		"pkg:npm/vite@5.0.12": true, "pkg:npm/rollup@4.10.0": true, "pkg:npm/%40babel/traverse@7.23.9": true,
	} {
		if got, ok := dev[purl]; !ok || got != want {
			t.Errorf("%s: found %v, for development %v, want %v", purl, ok, got, want)
		}
	}
	lock, err := os.ReadFile(exampleApp + "/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lock)) {
		if strings.Contains(line, `"resolved"`) && !strings.Contains(line, `"https://registry.npmjs.org/`) {
			t.Errorf("not of npm's registry: %s", strings.TrimSpace(line))
		}
	}
}
