package gate_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/drydock-dev/drydock/internal/gate"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

func Example() {
	p, err := admission.Parse("policy.yaml", []byte("schema: drydock/policy/v1\ndefault: deny\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	g := &gate.Gate{Policy: p, Log: slog.New(slog.DiscardHandler), Now: time.Now} // and its Engine and Facts

	request := &gate.Request{Method: "POST", URI: "/v1.43/containers/create?name=a&name=b"}
	answer := g.Authorize(context.Background(), request) // before the Engine obeys
	fmt.Println(answer.Allow)
	g.Done(request) // after it has answered
	// Output: false
}

// The Engine asks at a socket in its folder for plugins.
func ExampleGate_Serve() {
	g := &gate.Gate{Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Now: time.Now}
	if err := g.Serve(context.Background(), "/run/docker/plugins/drydock.sock", false, func() {}); err != nil {
		log.Fatal(err)
	}
}
