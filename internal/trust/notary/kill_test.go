package notary

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const childDir = "DRYDOCK_TEST_NOTARY_DIR"

// TestMain is the server of [TestServerKilled] where it is told a folder.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s := httptest.NewServer(NewServer(dir, diskUser(), quietLog()))
	fmt.Println(s.URL)
	select {}
}

// TestServerKilled kills the server at any instant while somebody publishes, twenty
// times. Each time the repository verifies, is not older than what was acknowledged,
// and takes the next update.
func TestServerKilled(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	y := newYard(t)
	y.now = time.Now()
	dir := t.TempDir()
	w := y.person()
	acknowledged := ""
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		must(t, err)
		at, err := url.Parse(strings.TrimSpace(line))
		must(t, err)
		y.web.Server = at
		r, err := w.Update(t.Context())
		if acknowledged != "" {
			must(t, err)
			if got := r.View().Judge("v", digest(acknowledged)); got.Kind != "verified" && got.Digest != digest(fmt.Sprint("next of ", acknowledged)) {
				t.Fatalf("round %d: %+v", round, got)
			}
			if _, err := y.person().Update(t.Context()); err != nil {
				t.Fatalf("round %d, by one who has never seen it: %v", round, err)
			}
		}
		first := true
		for deadline := time.Duration(0); ; {
			text := "first"
			if acknowledged != "" {
				text = fmt.Sprint("next of ", acknowledged)
			}
			if !first {
				time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
			}
			if err := y.sign(w, "v", text); err != nil {
				if first {
					t.Fatalf("round %d: %v", round, err)
				}
				break
			}
			acknowledged, first, deadline = text, false, time.Duration(rand.IntN(40))*time.Millisecond
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
