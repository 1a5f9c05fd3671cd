// Package explore shows an image's layers in the terminal: the layers on the
// left, and on the right the tree of what the chosen one adds, changes, removes
// and wastes, with filters for each.
//
//	err := explore.Run(ctx, os.Stdin, os.Stdout, target)
//
// The model is a value that keys change and that draws itself; only Run speaks
// to a terminal.
package explore
