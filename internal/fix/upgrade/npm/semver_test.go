package npm

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRangesAgreeWithNPM asks npm's own semver of every range and version here.
func TestRangesAgreeWithNPM(t *testing.T) {
	node, err := exec.LookPath("node")
	var semver string
	if err == nil {
		var out []byte
		if out, err = exec.Command("npm", "root", "-g").Output(); err == nil {
			for _, at := range []string{filepath.Join(strings.TrimSpace(string(out)), "npm/node_modules/semver"), "/usr/share/nodejs/semver"} {
				if _, err = os.Stat(at); err == nil {
					semver = at
					break
				}
			}
		}
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("node and npm's semver are wanted in CI: %v", err)
		}
		t.Skipf("no node with npm's semver: %v", err)
	}
	var ranges []string
	parts := []string{"1", "1.2", "1.2.3", "0", "0.1", "0.1.2", "0.0.1", "0.0", "1.x", "1.2.*", "*", "x", "2.0.0-rc.1", "v1.2.3", "1.2.3+build", "01.2.3", "1.2.3.4", ""}
	for _, op := range []string{"", "^", "~", ">", ">=", "<", "<=", "=", "~>", "^ ", ">= ", "=="} {
		for _, p := range parts {
			ranges = append(ranges, op+p)
		}
	}
	for _, a := range parts[:8] {
		for _, b := range parts[:8] {
			ranges = append(ranges, a+" - "+b, ">="+a+" <"+b, "^"+a+" || ~"+b, "<"+a+"||>"+b)
		}
	}
	ranges = append(ranges, "latest", "npm:x@1", "git+https://x", "file:../x", ">1 <", "1 2", "1.2.3-alpha - 2", "^1.2.3-beta.2 <1.3", ">=1.0.0-0", "||", "1||", "a||b", " 1.2.3 ")
	versions := []string{
		"0.0.0", "0.0.1", "0.0.2", "0.1.0", "0.1.2", "0.1.9", "0.2.0", "1.0.0", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.9.9",
		"2.0.0", "2.0.0-rc.1", "2.0.0-rc.2", "2.0.0-0", "1.2.3-alpha", "1.2.3-beta.3", "3.1.0", "10.0.0", "1.2.3+b",
	}
	ask, err := json.Marshal([][]string{ranges, versions})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", `
const s = require(process.argv[1]); const [rs, vs] = JSON.parse(require('fs').readFileSync(0));
console.log(JSON.stringify(rs.map(r => s.validRange(r) === null ? null : vs.map(v => s.satisfies(v, r)))))`, semver)
	cmd.Stdin = strings.NewReader(string(ask))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers [][]bool
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for i, spec := range ranges {
		r, ok := parseRange(spec)
		if ok != (answers[i] != nil) {
			// Not to know a range is safe, to know one that npm does not is not.
			if ok {
				t.Errorf("%q is a range, npm says it is none", spec)
			} else {
				t.Logf("%q is not known as a range", spec)
			}
			continue
		}
		for k, v := range versions {
			if ok && r.Admits(v) != answers[i][k] {
				if wrong++; wrong < 20 {
					t.Errorf("%q admits %s: %t, npm says %t", spec, v, r.Admits(v), answers[i][k])
				}
			}
		}
	}
	t.Logf("%d ranges, %d versions", len(ranges), len(versions))
}
