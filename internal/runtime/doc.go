// Package runtime is the Docker Engine as Drydock sees it: builds, containers,
// networks, and nothing left behind.
//
//	e, err := runtime.Dial(ctx, runtime.Options{Ledger: l})   // DOCKER_HOST or the current context
//	b, err := e.Build(ctx, runtime.Build{Context: dir, Dockerfile: file})
//	cached, all := b.Cached()                                 // of the steps that the builder could keep
//	c, err := e.Start(ctx, runtime.Run{Image: b.ID, Network: net, Publish: []uint16{8080}})
//	code, out, err := c.Exec(ctx, []string{"/bin/sh", "-c", "nginx -t"})
//	err = e.Clear(ctx)                                        // whatever was made through e
//
// Everything is in the ledger before it is made, under a name that nobody else
// has, and is removed by that name and its id: labels are for people. Without a
// ledger that can be written, nothing is made.
//
// The Engine's API does all but builds: BuildKit is spoken to by the docker
// program, which knows the user's builders, credentials and plugins. What it
// prints is read for its steps, and only the end of it is kept.
//
// What a container prints, a build logs or an image says of itself is a
// stranger's text: it is returned as it is, bounded, for the caller to redact
// and clean.
package runtime
