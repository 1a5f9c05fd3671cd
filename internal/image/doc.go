// Package image opens an image from anywhere (a registry, the Docker Engine, a
// docker-archive, an OCI layout as folder or tar, a root file system folder)
// and shows it as one thing: manifest, configuration, history and layers.
//
//	im, err := image.Open(ctx, "archive://app.tar", image.Options{Cache: cache})
//	defer im.Close()
//	scan, err := im.Scan(ctx, image.ScanOptions{Analyzers: readers, Cache: cache})
//
// [Detect] says how a target is read. What cannot be opened is an error that
// says what to do ([finding.Hinter]), among them [NotImageError], [PlatformError] and
// [AmbiguousError].
//
// [Image.Scan] has every layer read once, several at a time, and what was
// learned kept by the layer's diffID. A diffID is a claim of whoever made the
// image until the bytes were hashed, so that a kept record is used only for
// bytes that are known: hashed in this run; or hashed before and, by path,
// inode, size and times, or by a registry's digest, the same; or of the Engine,
// which addresses layers by content itself. A layer that is not what its digests
// say is a [layer.MismatchError], warm cache or not.
//
// A [Scan] joins the layers' records. Its [Tree] is the merged file system,
// with, for each path, the layer it came from and what lies hidden beneath:
//
//	n, ok := scan.Tree.Lookup("etc/passwd")     // what is there, and from which layer
//	for _, v := range scan.Tree.Versions(path)  // every layer's, and until when it was seen
//	path, n, err := scan.Tree.Resolve("lib/x")  // symbolic links followed, in the image
//	c, ok := scan.Tree.Content(n)               // the file that a hard link shares
//	where, ok := scan.Tree.Live(layer, path)    // whether a layer's file is still in the image
//
// [Scan.Stats] reckons what the layers add and waste, with dive's efficiency
// score, and [Scan.Changes] lists what one layer does.
package image
