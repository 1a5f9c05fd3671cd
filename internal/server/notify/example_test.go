package notify_test

import (
	"context"
	"log"
	"log/slog"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/notify"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: "data", Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	x := index.New(db.NewStack(), time.Now)
	client := egress.New(egress.Options{}).Client()
	n := &notify.Notifier{Store: st, Index: x, Client: client, Log: slog.Default()}
	if err := n.Run(ctx); err != nil { // until ctx ends
		log.Fatal(err)
	}
}
