package confine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// workload is the test's own image, as a proof is told of it.
func workload(t *testing.T, e *runtime.Engine, name string, command ...string) (observe.Image, confine.Proving) {
	t.Helper()
	im, err := e.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return observe.Image{Name: name, ID: im.ID, ABI: string(seccomp.Native()), Exposed: im.Exposed, Command: append(im.Command, command...)},
		confine.Proving{Engine: e, Exercise: exercise.Exercise{Probes: []string{"http://localhost:8080/x"}, Within: exercise.Duration(20 * time.Second)}}
}

func lacks(t *testing.T, err error, kind, name string) confine.Missing {
	t.Helper()
	var tight *confine.TooTight
	if !errors.As(err, &tight) {
		t.Fatalf("got %v", err)
	}
	i := slices.IndexFunc(tight.Missing, func(m confine.Missing) bool { return m.Kind == kind && strings.HasPrefix(m.Name, name) })
	if i < 0 {
		t.Fatalf("no %s %s among %v", kind, name, tight.Missing)
	}
	return tight.Missing[i]
}

// TestEngineGiven proves profiles that somebody already has: what one lacks is named,
// with where it was needed.
func TestEngineGiven(t *testing.T) {
	e, l := engineWith(t, "drydock-test/given", `["/workload"]`)
	o := observed(t, e, l, "drydock-test/given")
	im, how := workload(t, e, "drydock-test/given")
	filter := func(t *testing.T, without ...string) confine.Given {
		t.Helper()
		names := slices.DeleteFunc(slices.Clone(o.Default.Calls), func(n string) bool { return slices.Contains(without, n) })
		b, err := seccomp.New([]seccomp.ABI{seccomp.Native()}, names, nil).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		g, err := confine.ReadGiven(b)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}

	t.Run("a filter that is wide enough", func(t *testing.T) {
		p, proof, err := confine.ProveGiven(t.Context(), filter(t, "flock"), im, how)
		if err != nil {
			t.Fatal(err)
		}
		if proof.Level != "ran" || !proof.Enforced.FilterEqualsProfile || proof.Syscalls.Allowed != proof.Syscalls.EngineDefault-1 {
			t.Errorf("%+v", proof)
		}
		if p.Capabilities != nil || p.ReadOnly || slices.Contains(p.Seccomp.Allowed(), "flock") {
			t.Errorf("more than the filter is set: %+v", p)
		}
	})
	t.Run("a filter without a call of the start", func(t *testing.T) {
		_, _, err := confine.ProveGiven(t.Context(), filter(t, "fchownat", "setuid"), im, how)
		if m := lacks(t, err, "call", "fchownat"); m.Where != "at startup" {
			t.Errorf("%+v", m)
		}
		if m := lacks(t, err, "call", "setuid"); !strings.Contains(m.Where, "at startup") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("a filter without a call of the exercise", func(t *testing.T) {
		_, _, err := confine.ProveGiven(t.Context(), filter(t, "accept4"), im, how)
		if m := lacks(t, err, "call", "accept4"); !strings.Contains(m.Where, "at serving") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("a filter without what the runtime calls", func(t *testing.T) {
		_, _, err := confine.ProveGiven(t.Context(), filter(t, "execve"), im, how)
		if m := lacks(t, err, "call", "execve"); !strings.Contains(m.Where, "by the runtime") {
			t.Errorf("%+v", m)
		}
	})

	whole, err := confine.Draft(o, confine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("a profile without a capability", func(t *testing.T) {
		p := *whole
		p.Capabilities = []string{"SETUID", "SETGID"}
		_, _, err := confine.ProveGiven(t.Context(), confine.Given{Profile: &p}, im, how)
		if m := lacks(t, err, "capability", "CHOWN"); m.Where != "at startup" {
			t.Errorf("%+v", m)
		}
		var tight *confine.TooTight
		if errors.As(err, &tight) && len(tight.Missing) != 1 {
			t.Errorf("it lacks one thing: %v", tight.Missing)
		}
	})
	t.Run("a profile without a folder", func(t *testing.T) {
		p := *whole
		p.Tmpfs, p.Volumes = []string{}, []string{}
		_, _, err := confine.ProveGiven(t.Context(), confine.Given{Profile: &p}, im, how)
		if m := lacks(t, err, "path", "/var/lib"); !strings.Contains(m.Where, "EROFS") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("too few processes", func(t *testing.T) {
		p := *whole
		p.PIDs = 3
		_, _, err := confine.ProveGiven(t.Context(), confine.Given{Profile: &p}, im, how)
		lacks(t, err, "pids", "3")
	})
	t.Run("an exercise that fails anyway", func(t *testing.T) {
		how := how
		how.Exercise.Probes = []string{"http://localhost:8081/"}
		how.Exercise.Within = exercise.Duration(time.Second)
		_, _, err := confine.ProveGiven(t.Context(), filter(t), im, how)
		var tight *confine.TooTight
		if !errors.As(err, &tight) || !tight.Alone || !strings.Contains(err.Error(), "without the profile, too") {
			t.Errorf("got %v", err)
		}
	})
}
