package ledger_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
)

func Example() {
	dataDir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dataDir) }()
	told := func(what string) { fmt.Println(what) }
	soon := time.Now().Add(time.Minute)

	l := ledger.Open(dataDir, disk.Caller(os.Getenv), told)
	m, err := l.Add(ledger.Entry{
		Kind: ledger.Container, Name: ledger.Name("proof"), Engine: "the Engine's id", Until: soon,
	})
	if err != nil {
		log.Fatal(err)
	}
	// Make the container under exactly that name, and write down which it is.
	if err := m.Made("4f66ad9a0b2e"); err != nil {
		log.Fatal(err)
	}
	// Remove it, and write that down.
	if err := m.Gone(); err != nil {
		log.Fatal(err)
	}
	// What a run that was killed left is for the next one to take away.
	l.Sweep(context.Background(), func(context.Context, string) ledger.Engine { return nil })
	fmt.Println(m.Live())
	// Output: false
}
