// Package image opens an image from anywhere (a registry, the Docker Engine, a
// docker-archive, an OCI layout as folder or tar, a root file system folder)
// and shows it as one thing: manifest, configuration, history and layers.
//
//	im, err := image.Open(ctx, "archive://app.tar", image.Options{})
//	defer im.Close()
//	scan, err := im.Scan(ctx, image.ScanOptions{Readers: readers, Cache: cache})
//
// A [Scan] joins the layers' records: its [Tree] is the merged file system,
// with, for each path, the layer it came from and what lies hidden beneath.
package image
