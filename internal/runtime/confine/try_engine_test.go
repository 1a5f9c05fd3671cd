package confine

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

func TestTryEngine(t *testing.T) {
	l := ledger.Open(t.TempDir(), disk.Caller(os.Getenv), nil)
	e, err := runtime.Dial(t.Context(), runtime.Options{Ledger: l})
	if err != nil {
		t.Skip(err)
	}
	b, _ := os.ReadFile("/tmp/obs.json")
	o, err := observe.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Draft(o, Options{})
	if err != nil {
		t.Fatal(err)
	}
	q, proof, err := Prove(t.Context(), p, Proving{Engine: e, Exercise: o.Exercise, Exit: o.Exit.Code, Default: o.Default, Users: o.Users, Progress: func(s string) { t.Log(s) }})
	b, _ = json.MarshalIndent(proof, "", " ")
	t.Logf("%s", b)
	if err != nil {
		t.Fatal(err)
	}
	b, _ = json.MarshalIndent(q, "", " ")
	t.Logf("%s", b)
}
