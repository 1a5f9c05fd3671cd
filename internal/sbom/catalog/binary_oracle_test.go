package catalog

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGoOracle reads this test's own program, the go command and whatever
// programs DRYDOCK_GO_PROGRAMS names (a list of paths: programs of Go before
// 1.18, above all), and finds in each what the standard library finds, which
// can go to any place in the file at will.
func TestGoOracle(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := []string{self}
	if p, err := exec.LookPath("go"); err == nil {
		programs = append(programs, p)
	}
	programs = append(programs, filepath.SplitList(os.Getenv("DRYDOCK_GO_PROGRAMS"))...)
	for _, name := range programs {
		info, err := buildinfo.ReadFile(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []string{"stdlib@" + strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")}
		if info.Main.Path != "" {
			want = append(want, info.Main.Path+"@"+mainVersion(info))
		}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			want = append(want, d.Path+"@"+d.Version)
		}
		got, err := learn(t, "usr/bin/x", string(readFile(t, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		mine := namesOf(got)
		slices.Sort(want)
		slices.Sort(mine)
		if diff := cmp.Diff(want, mine); diff != "" {
			t.Errorf("%s (-standard library +ours):\n%s", name, diff)
		}
	}
}
