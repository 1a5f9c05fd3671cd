package client_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/client"
)

func Example() {
	ctx := context.Background()
	c, err := client.New("http://127.0.0.1:8480", "the token", nil)
	if err != nil {
		log.Fatal(err)
	}
	document, err := os.ReadFile("app.cdx.json")
	if err != nil {
		log.Fatal(err)
	}
	img, err := c.Push(ctx, "acme/web:1.4", document, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Wait(ctx, img.ID); err != nil { // until it is matched
		log.Fatal(err)
	}
	found, err := c.Findings(ctx, img.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found))
	last, err := c.Last(ctx)
	if err != nil {
		log.Fatal(err)
	}
	last, err = c.Watch(ctx, last, func(t api.Told) error {
		fmt.Println(t)
		return nil
	})
	fmt.Println(last, err)
}
