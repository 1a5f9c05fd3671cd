// Package keyring is what this machine keeps of content trust: private keys, each
// under a passphrase in a file of its own, and for each repository the metadata
// that was trusted last, from the pinned root on.
//
//	ring := &keyring.Ring{Dir: dir, Passphrase: ask}
//	entry, err := ring.Add(private, keyring.Entry{Name: "release", Role: keyring.Signer})
//	signer, err := ring.Signer(entry.ID)
//
//	pins := keyring.Pins{Dir: dir}
//	pin, err := pins.Load("127.0.0.1:5000/me/app") // nil: never seen
//
// Both are believed only where nobody else could have written them. No private
// key leaves the package but through [Ring.Signer] and [Ring.Private].
package keyring
