package lsp_test

import (
	"context"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/lsp"
)

// The streams are an editor's.
func Example() {
	open := func(string) (*check.Pipeline, error) {
		return &check.Pipeline{Surroundings: check.Surroundings{
			Offline: true, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		}}, nil
	}
	err := lsp.Serve(context.Background(), os.Stdin, os.Stdout, lsp.Options{Version: "1.2.3", Pipeline: open})
	if err != nil {
		log.Fatal(err)
	}
}
