package rewrite_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
)

func Example() {
	b := []byte("FROM alpine:3.20\nCMD cat /etc/os-release\n")
	f, err := dockerfile.Parse("Dockerfile", b)
	if err != nil {
		log.Fatal(err)
	}
	_, err = rewrite.MultiStage(rewrite.Request{File: f})
	var no *rewrite.Refused
	if errors.As(err, &no) {
		fmt.Println(no) // why it cannot be done, in plain words
	}
	w, err := rewrite.ExecForm(rewrite.Request{File: f})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range w.Fix.Edits { // to apply and to prove
		fmt.Println(string(b[e.Start:e.End]), "->", e.New)
	}
	fmt.Println(w.Notes, w.Undecided) // to show
	// Output:
	// Dockerfile:1: what is built here is in no language whose builds are known
	// cat /etc/os-release -> ["cat", "/etc/os-release"]
	// [] []
}
