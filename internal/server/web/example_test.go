package web_test

import (
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/server/web"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	svc := &stream.Service{Index: index.New(db.NewStack(), time.Now), Log: slog.Default()} // and its Store
	a := &api.API{Service: svc, Guard: &api.Guard{Token: "the token"}, Log: slog.Default()}
	h := a.Handler((&web.Web{API: a, Index: svc.Index, Store: svc.Store, Log: slog.Default()}).Handler())
	server := &http.Server{Addr: "127.0.0.1:8480", Handler: h, ReadHeaderTimeout: time.Minute}
	log.Fatal(server.ListenAndServe())
}
