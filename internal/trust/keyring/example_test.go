package keyring_test

import (
	"fmt"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

func Example() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ask := func(_ string, _ bool) ([]byte, error) { return []byte("correct horse"), nil }
	private, err := trust.GenerateKey(trust.ECDSA)
	if err != nil {
		log.Fatal(err)
	}

	ring := &keyring.Ring{Dir: dir, Passphrase: ask}
	entry, err := ring.Add(private, keyring.Entry{Name: "release", Role: keyring.Signer})
	if err != nil {
		log.Fatal(err)
	}
	signer, err := ring.Signer(entry.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signer.Key().ID() == entry.ID, entry.Role)

	pins := keyring.Pins{Dir: dir}
	pin, err := pins.Load("127.0.0.1:5000/me/app") // nil: never seen
	fmt.Println(pin, err)
	// Output:
	// true signer
	// <nil> <nil>
}
