package api_test

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/server/index"
)

// overview asks for the fleet in numbers, today and by days.
func overview(t *testing.T, w *world, try func(route, path, body string, want int, header ...string) answer) {
	t.Helper()
	try("GET /api/v1/overview", "/api/v1/overview?env=prod", "", 200)
	if err := (&index.Recorder{Index: w.svc.Index, Store: w.svc.Store}).Record(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := try("GET /api/v1/history", "/api/v1/history?env=prod&days=7", "", 200); !strings.Contains(string(a.body), `"env":"prod"`) {
		t.Errorf("%s", a.body)
	}
	try("GET /api/v1/history", "/api/v1/history?format=csv", "", 200)
	for _, days := range []string{"0", "1101", "x"} {
		try("GET /api/v1/history", "/api/v1/history?days="+days, "", 400)
	}
}
