package repair_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
)

func Example() {
	dir, err := os.MkdirTemp("", "repair")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, []byte("FROM alpine:3.20\nMAINTAINER me@example.com\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	pipeline := &check.Pipeline{Surroundings: check.Surroundings{
		Offline: true, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}}
	res, err := repair.Fix(context.Background(), pipeline, []string{file}, repair.Options{
		Only: []string{"dockerfile/maintainer-deprecated"}, Prove: finding.Rechecked,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range res.Fixed {
		fmt.Println(filepath.Base(f.Subject.Name), len(f.Applied), f.Verdict.Reached)
		for _, c := range f.Files {
			fmt.Print(fix.Unified("Dockerfile", fix.Diff(c.Before, c.After)))
		}
	}
	if res.Short() {
		fmt.Println("a proof failed, or did not go as far as was asked")
	}
	// Output:
	// Dockerfile 1 rechecked
	// --- a/Dockerfile
	// +++ b/Dockerfile
	// @@ -1,2 +1,2 @@
	//  FROM alpine:3.20
	// -MAINTAINER me@example.com
	// +LABEL org.opencontainers.image.authors="me@example.com"
}
