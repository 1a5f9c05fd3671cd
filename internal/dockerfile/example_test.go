package dockerfile_test

import (
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

func Example() {
	b := []byte("FROM golang:1.26 AS build\nRUN go build -o /app .\n\nFROM scratch\nCOPY --from=build /app /app\n")
	f, err := dockerfile.Parse("Dockerfile", b) // an error says file and line
	if err != nil {
		log.Fatal(err)
	}
	stage, err := f.Target("") // the one that a build makes
	if err != nil {
		log.Fatal(err)
	}
	for _, in := range f.Of(stage) {
		fmt.Println(in.Span.Line, in.Cmd, in.Args)
	}
	// Output: 5 COPY [/app /app]
}
