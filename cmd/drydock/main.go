// Drydock takes a container image from its Dockerfile to its running container.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/drydock-dev/drydock/internal/cli"
)

func main() {
	patient()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.System(), os.Args...)
	stop()
	os.Exit(code)
}
