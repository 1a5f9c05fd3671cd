// Package notary is content trust as Docker had it: the Notary v1 protocol. A
// server beside the registry holds a TUF repository of an older form for each
// repository of images, whose name is its GUN ("docker.io/library/alpine").
//
// A [Client] follows a repository's metadata from what is trusted so far:
//
//	c := &notary.Client{GUN: gun, State: state, Source: source, Now: now}
//	repo, err := c.Update(ctx)
//	verdict := repo.View().Judge("v1.0", digest)
//
// What is trusted lies in Docker's own folder ([Folder]), and so do private keys:
// docker trust and Drydock see the same pins and sign with the same keys.
//
// A [Draft] changes the metadata: tags, signers, keys. [Validate] holds what is
// published to what was there, for a server; a [Server] keeps it and signs
// snapshots and timestamps.
//
// The form differs from today's TUF: ECDSA signatures are r and s side by side,
// root keys are certificates whose name is the GUN, snapshots name hashes and no
// versions, and what counts as signed is what the role targets/releases names.
package notary
