package egress_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/drydock-dev/drydock/internal/egress"
)

func Example() {
	ctx := context.Background()
	say := func(host string) { fmt.Println("asking", host) }

	t := egress.New(egress.Options{Offline: true, Notice: say})
	ctx = egress.With(ctx, egress.Ask{What: "the versions of lodash", Max: 64 << 20})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://registry.npmjs.org/lodash", nil)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := t.Client().Do(req)
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
	}
	var offline *egress.OfflineError
	fmt.Println(errors.As(err, &offline))
	// Output: true
}
