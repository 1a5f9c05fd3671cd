// Package client asks a service: it sends an SBOM, reads findings, and listens to
// what happens.
//
//	c, err := client.New("http://127.0.0.1:8480", token, transport)
//	img, err := c.Push(ctx, "acme/web:1.4", document, nil)
//	_, err = c.Wait(ctx, img.ID)                // until it is matched
//	found, err := c.Findings(ctx, img.ID)
//	last, err = c.Watch(ctx, last, func(api.Told) error { … })
package client
