// Package runtime is the Docker Engine as Drydock sees it: builds, containers,
// networks, and nothing left behind.
//
//	e, err := runtime.Dial(ctx, runtime.Options{})   // DOCKER_HOST or the current context
//	b, err := e.Build(ctx, runtime.Build{Context: dir, Dockerfile: file, Labels: labels})
//	cached, all := b.Cached()                        // of the steps that the builder could keep
//	c, err := e.Start(ctx, runtime.Run{Image: b.ID, Network: net, Publish: []uint16{8080}, Labels: labels})
//	code, out, err := c.Exec(ctx, []string{"/bin/sh", "-c", "nginx -t"})
//	err = e.Remove(ctx, labels)                      // whatever carries them
//
// The Engine's API does all but builds: BuildKit is spoken to by the docker
// program, which knows the user's builders, credentials and plugins. What it
// prints is read for its steps, and only the end of it is kept.
//
// What a container prints, a build logs or an image says of itself is a
// stranger's text: it is returned as it is, bounded, for the caller to redact
// and clean.
package runtime
