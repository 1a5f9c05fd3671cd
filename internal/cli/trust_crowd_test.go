package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestTrustCrowd has 50 processes sign at once with one key, each a tag of its own,
// and looks for all of them.
func TestTrustCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes")
	}
	n := 16
	if os.Getenv("DRYDOCK_KILLS") != "" { // .ci/nightly
		n = 50
	}
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			b.ok("trust", "key", "generate", "release")
			b.ok("trust", "init", repo)
			b.ok("trust", "signer", "add", "--key", "release.pub", "release", repo)
			digests := map[string]string{}
			for i := range n {
				tag := fmt.Sprintf("v%d", i)
				img := oneFileImage(t, "amd64", "file", tag)
				check(t, remote.Write(mustRef(t, repo+":"+tag), img))
				d, err := img.Digest()
				check(t, err)
				digests[tag] = d.String()
			}
			self, err := os.Executable()
			check(t, err)
			begun := time.Now()
			var wg sync.WaitGroup
			for tag := range digests {
				wg.Go(func() {
					cmd := exec.Command(self)
					cmd.Args = []string{"drydock", "trust", "sign", repo + ":" + tag}
					cmd.Env = os.Environ()
					for k, v := range b.env {
						cmd.Env = append(cmd.Env, k+"="+v)
					}
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("sign %s: %v\n%s", tag, err, out)
					}
				})
			}
			wg.Wait()
			t.Logf("%d processes: %s", n, time.Since(begun).Round(time.Millisecond))
			for tag, d := range digests {
				b.want(0, []string{"verified", d}, "trust", "verify", repo+":"+tag)
			}
		})
	}
}
