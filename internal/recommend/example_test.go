package recommend_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/recommend"
)

// The target is the user's Dockerfile, image or base.
func Example() {
	surroundings := check.Surroundings{Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	rec, err := recommend.For(context.Background(), surroundings, "nginx:1.20", recommend.Wish{})
	if err != nil {
		log.Fatal(err)
	}
	if rec.Nothing() { // nothing is known of any base
		return
	}
	for _, p := range rec.Places { // a place per base
		for i, o := range p.Advice.Options {
			fmt.Println(o.Ref, o.Recommended, p.Fixes[i])
		}
	}
}
