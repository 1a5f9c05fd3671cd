package cli

import (
	"os/exec"
	"regexp"
	"testing"
)

// Every option of docker run, where there is a docker, is one of drydock run's, or is a
// global one that means the same.
func TestRunHasDockersOptions(t *testing.T) {
	out, err := exec.Command("docker", "run", "--help").Output()
	if err != nil {
		t.Skipf("no docker: %v", err)
	}
	have := dockerFlags()
	own := map[string]bool{
		"help": true, "quiet": true, "platform": true, "pull": true,
		"cpu-count": true, "cpu-percent": true, "io-maxbandwidth": true, "io-maxiops": true, // of Windows
	}
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^\s+(?:-\w, )?\s*--([a-z0-9-]+)`).FindAllStringSubmatch(string(out), -1) {
		if n++; have.Lookup(m[1]) == nil && !own[m[1]] {
			t.Errorf("docker run --%s", m[1])
		}
	}
	if n < 80 {
		t.Errorf("%d options of docker run", n)
	}
}
