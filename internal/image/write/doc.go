// Package write makes an image out of parts of another: its layers with some of their
// files left out, its configuration with everything kept that does not name layers.
//
//	layers, err := write.Content{Scan: scan, Keep: keep, Base: 1}.Layers(ctx, dir)
//	im, err := write.New(scan.Image, layers, createdBy, comment)
//	err = im.Docker(w, "app:slim")   // what `docker load` reads
//	digest, err := im.Layout(folder, "slim") // an OCI layout
//
// The same image and the same choice give the same bytes: files come in the order of the
// source's layers, with the owners, modes, times, extended attributes and hard links that
// they have there, and nothing of the machine or the day goes in.
package write
