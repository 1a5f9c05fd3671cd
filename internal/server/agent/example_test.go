package agent_test

import (
	"context"
	"log"
	"log/slog"
	"net/url"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/server/agent"
	"github.com/drydock-dev/drydock/internal/server/client"
)

func Example() {
	c, err := client.New("https://drydock.example", "the token", nil)
	if err != nil {
		log.Fatal(err)
	}
	dial := func(ctx context.Context) (agent.Engine, error) { return runtime.Dial(ctx, runtime.Options{}) }
	scan := func(context.Context, finding.Digest) (document []byte, facts url.Values, err error) {
		return []byte("{}"), nil, nil // an image's SBOM
	}
	a := &agent.Agent{Dial: dial, Service: c, Scan: scan, Host: "web-1", Env: "prod", Log: slog.Default()}
	if err := a.Run(context.Background()); err != nil { // until the context ends
		log.Fatal(err)
	}
}
