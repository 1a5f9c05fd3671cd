package observe

import (
	"os"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

func TestTryEngine(t *testing.T) {
	l := ledger.Open(t.TempDir(), disk.Caller(os.Getenv), nil)
	e, err := runtime.Dial(t.Context(), runtime.Options{Ledger: l})
	if err != nil {
		t.Skip(err)
	}
	o, err := Run(t.Context(), Options{Engine: e, Ledger: l, Image: os.Getenv("TRY"), Exercise: exercise.Exercise{Probes: []string{"http://localhost/"}, Within: exercise.Duration(10 * time.Second)}, Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := o.Marshal()
	os.WriteFile("/tmp/obs.json", b, 0o644)
}
