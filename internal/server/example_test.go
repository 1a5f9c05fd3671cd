package server_test

import (
	"context"
	"log"
	"log/slog"
	"time"

	"github.com/drydock-dev/drydock/internal/server"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := server.Run(ctx, server.Options{ // until ctx ends
		Data: "data", Listen: "127.0.0.1:8480", Role: server.All, Now: time.Now, Log: slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
}
