package api_test

import (
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	svc := &stream.Service{Index: index.New(db.NewStack(), time.Now), Log: slog.Default()} // and its Store
	a := &api.API{Service: svc, Guard: &api.Guard{Token: "the token"}, Log: slog.Default(), Version: "1.2.3"}
	h := a.Handler(http.NotFoundHandler()) // pages answer what is not under /api
	server := &http.Server{Addr: "127.0.0.1:8480", Handler: h, ReadHeaderTimeout: time.Minute}
	log.Fatal(server.ListenAndServe())
}
