package stream_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	dir, err := os.MkdirTemp("", "stream")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: dir, Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	x := index.New(db.NewStack(), time.Now)

	s := &stream.Service{Store: st, Index: x, Log: slog.New(slog.DiscardHandler)}
	inv := &sbom.Inventory{Packages: []sbom.Package{{Type: "npm", Name: "lodash", Version: "4.17.20", LayerIndex: -1}}}
	img, err := s.AddImage(ctx, store.NewImage{Ref: "acme/web:1.4", Inventory: inv}) // stored; a task tells the workers
	if err != nil {
		log.Fatal(err)
	}
	record := `{"id":"GHSA-35jh-r3h4-6jhm","modified":"2026-01-01T00:00:00Z",` +
		`"affected":[{"package":{"ecosystem":"npm","name":"lodash"},` +
		`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"4.17.21"}]}]}]}` + "\n"
	if _, err := s.Advise(ctx, strings.NewReader(record)); err != nil { // OSV records, a line each: a delta
		log.Fatal(err)
	}
	for more := true; more; { // what s.Work(ctx) does until ctx ends: take tasks, follow events
		if more, err = s.Step(ctx); err != nil {
			log.Fatal(err)
		}
	}
	if err := x.Follow(ctx, st); err != nil {
		log.Fatal(err)
	}
	for _, f := range x.Findings(img.ID) {
		fmt.Println(f.Vuln.ID, f.Vuln.Name)
	}
	// Output: GHSA-35jh-r3h4-6jhm lodash
}
