package prove_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// TestEngineSwap has a file stand on Alpine and not on Debian. No rule asks for that
// and recommend shows it only where both are the same software, so the rewrite
// and the prover are called as they are.
func TestEngineSwap(t *testing.T) {
	if os.Getenv("DRYDOCK_PROVE") == "" && os.Getenv("CI") != "true" {
		t.Skip("it needs a Docker Engine: make prove")
	}
	docker := engine(t)
	if out, err := exec.Command("./images", "alpine", "debian").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const before = `FROM debian:12-slim
RUN groupadd -r -g 990 harbour && useradd -r -u 990 -g harbour -m -s /usr/sbin/nologin harbour
COPY --chown=harbour ships /srv/ships
USER harbour
CMD ["sh", "-c", "sort /srv/ships > /tmp/sorted && sleep 600"]
`
	dir := t.TempDir()
	name := filepath.Join(dir, "Dockerfile")
	for file, text := range map[string]string{name: before, filepath.Join(dir, "ships"): "Clara\nAnna\nBerta\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a build context
			t.Fatal(err)
		}
	}
	f, err := dockerfile.Parse(name, []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	scopes := f.Scopes(func(st *dockerfile.Stage) *dockerfile.BaseFacts { return base.FactsOf(st.Base) })
	w, err := rewrite.SwapBase(rewrite.Request{File: f, Scopes: scopes},
		rewrite.Move{Stage: &f.Stages[0], To: "alpine:3.20", Facts: base.FactsOf("alpine:3.20")})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{name: []byte(before)}
	plan := fix.Compose(files, []finding.Fix{w.Fix})
	after := string(plan.Files[name])
	if !strings.Contains(after, "FROM alpine:3.20") || !strings.Contains(after, "adduser") || strings.Contains(after, "useradd -r") {
		t.Errorf("the result:\n%s", after)
	}
	made := listen(t, docker)
	l := ledger.Open(t.TempDir(), disk.User{}, nil)
	p := fix.Prover{
		Ledger: l,
		Dial: func(ctx context.Context) (*runtime.Engine, error) {
			return runtime.Dial(ctx, runtime.Options{Docker: os.Getenv("DRYDOCK_DOCKER"), Ledger: l})
		},
		Measure: func(ctx context.Context, id string) (*fix.Measured, error) {
			im, err := image.Open(ctx, "local://"+id, image.Options{})
			if err != nil {
				return nil, err
			}
			scan, err := im.Scan(ctx, image.ScanOptions{})
			return &fix.Measured{Scan: scan, Layers: len(im.Layers)}, errors.Join(err, im.Close())
		},
		Now: time.Now,
		Work: fix.Workload{Tests: []string{
			`test "$(id -un):$(id -u)" = harbour:990`,
			`test "$(head -n 1 /tmp/sorted)" = Anna`,
			`test "$(stat -c %U /srv/ships)" = harbour`,
		}},
	}
	v, err := p.Prove(t.Context(), fix.Candidate{Dockerfile: name, Before: files, After: plan.Files, Fixes: []finding.Fix{w.Fix}}, finding.Ran)
	if err != nil {
		t.Fatal(err)
	}
	made.nothingLeft(t, true)
	if v.Failed != nil || v.Short != nil || v.Reached != finding.Ran {
		t.Errorf("%v: failed %v, short %v\n%s", v.Reached, v.Failed, v.Short, after)
	}
}
