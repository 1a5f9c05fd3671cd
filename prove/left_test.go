package prove_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listener knows what proofs of this test made in the Engine: others may be
// proving there at the same time.
type listener struct{ docker, heard string }

// listen puts a docker program between the proofs and the real one that writes
// down the labels of what is built: a proof starts with a build, and gives the
// label to everything that it makes.
func listen(t *testing.T, docker string) listener {
	t.Helper()
	l := listener{docker: docker, heard: filepath.Join(t.TempDir(), "heard")}
	program := filepath.Join(t.TempDir(), "docker")
	script := fmt.Sprintf("#!/bin/sh\nfor word; do case $word in dev.drydock.proof=*) echo \"$word\" >>'%s' ;; esac; done\nexec '%s' \"$@\"\n", l.heard, docker)
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("DRYDOCK_DOCKER", program)
	return l
}

// labels are those that were heard.
func (l listener) labels() []string {
	b, _ := os.ReadFile(l.heard)
	all := strings.Fields(string(b))
	slices.Sort(all)
	return slices.Compact(all)
}

// nothingLeft wants no container, image or network of the proofs to be there
// any more; and proofs to have been heard, if they must have built.
func (l listener) nothingLeft(t *testing.T, mustBuild bool) {
	t.Helper()
	labels := l.labels()
	if mustBuild && len(labels) == 0 {
		t.Error("no build was heard")
	}
	for _, label := range labels {
		for _, args := range [][]string{{"ps", "-aq"}, {"images", "-aq"}, {"network", "ls", "-q"}} {
			out, err := exec.Command(l.docker, append(args, "--filter", "label="+label)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			if len(out) > 0 {
				t.Errorf("left behind by docker %s: %s", args[0], out)
			}
		}
	}
}
