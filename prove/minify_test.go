package prove_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	printed "github.com/drydock-dev/drydock/internal/report"
)

// TestEngineMinify makes images of real programs smaller, by packages and by files: each
// still does what it is for, a part of it by an exercise from which nothing was learned.
func TestEngineMinify(t *testing.T) {
	mode := os.Getenv("DRYDOCK_MINIFY") // "all", or patterns of names
	if mode == "" {
		t.Skip("DRYDOCK_MINIFY is not set: \"all\", or names of prove/minified")
	}
	docker := engine(t)
	files, err := filepath.Glob("minified/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d workloads, %v", len(files), err)
	}
	ran := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if mode != "all" && !slices.ContainsFunc(strings.Fields(mode), func(one string) bool {
			ok, _ := filepath.Match(one, name)
			return ok
		}) {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) { minifies(t, docker, file) })
	}
	if ran == 0 {
		t.Error("no image was made smaller")
	}
}

// minifies makes one image smaller.
func minifies(t *testing.T, docker, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{}
	for line := range strings.Lines(string(a.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			says[key] = value
		}
	}
	least, err := strconv.ParseFloat(says["smaller"], 64)
	if err != nil || says["needs"] == "" || says["exercise"] == "" || says["verify"] == "" {
		t.Fatalf("%s: it does not say needs, exercise, verify and smaller", file)
	}
	if out, err := exec.Command("./images", strings.Fields(says["needs"])...).CombinedOutput(); err != nil {
		t.Fatalf("prove/images: %v\n%s", err, out)
	}
	dir, home := proof{files: a.Files}.layOut(t), t.TempDir()
	image := "drydock-minify/" + strings.TrimSuffix(filepath.Base(file), ".txtar")
	b := exec.Command(docker, "build", "-q", "--network", "host", "-t", image, dir)
	b.Env = append(os.Environ(), "DOCKER_BUILDKIT=1")
	if out, err := b.CombinedOutput(); err != nil {
		t.Fatalf("docker build: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		for _, tag := range []string{":latest", ":package", ":file"} {
			_ = exec.Command(docker, "rmi", "-f", image+tag).Run()
		}
	})
	for _, by := range []string{"package", "file"} {
		args := append([]string{"minify", "--format", "json", "--granularity", by, "-t", image + ":" + by, "--verify", says["verify"]}, split(says["exercise"])...)
		code, out, errs := drydock(t, home, append(args, image)...)
		if code != 0 {
			t.Errorf("by %s: exit code %d\n%s", by, code, errs)
			continue
		}
		var d printed.DocMinified
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatal(err)
		}
		saved := 100 * float64(d.Before.Size-d.After.Size) / float64(d.Before.Size)
		t.Logf("MINIFIED %s by %s: %s → %s (%.0f %%), packages %d → %d, rounds %d, %v → %v", image, by, printed.Bytes(d.Before.Size), printed.Bytes(d.After.Size),
			saved, d.Before.Packages, d.After.Packages, d.Rounds, d.Before.Vulnerabilities["high"], d.After.Vulnerabilities["high"])
		if d.Proof != "ran" || len(d.Verified) == 0 {
			t.Errorf("by %s: proved %s, %q", by, d.Proof, d.Verified)
		}
		if by == "file" && saved < least {
			t.Errorf("by %s: %.0f %% smaller, want %.0f", by, saved, least)
		}
		gone := func(p string) bool {
			return slices.ContainsFunc(d.Removed, func(f printed.DocMinifyFile) bool { return f.Path == p })
		}
		if p := says["stays"]; p != "" && gone(p) {
			t.Errorf("by %s: %s is gone", by, p)
		}
		if p := says["gone"]; p != "" && by == "file" && !gone(p) {
			t.Errorf("by %s: %s is still there", by, p)
		}
	}
}
