package inspect_test

import (
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
)

func Example() {
	b := []byte("FROM debian:12\nRUN apt-get update && apt-get install -y curl git\n")
	f, err := dockerfile.Parse("Dockerfile", b)
	if err != nil {
		log.Fatal(err)
	}
	in := inspect.New(f, inspect.Options{}) // Base and Context, where they are known
	in.EachCommand(func(_ int, c *dockerfile.Command) {
		if m, ok := inspect.ParsePackageCommand(c, "apt-get"); ok && m.Is("install") {
			for _, w := range m.Operands {
				fmt.Println(w.Text)
			}
		}
	})
	// Output:
	// curl
	// git
}
