// Package disk puts files on the user's disk: whole or not at all, with the
// mode and the owner that they should have, and in folders that nobody else can
// change.
//
// [Write] replaces a file by one rename. Whoever reads it sees the old bytes or
// the new ones, whenever the program is killed and however full the disk is:
//
//	err := disk.Write(path, disk.Options{}, func(w io.Writer) error {
//		_, err := io.WriteString(w, text)
//		return err
//	})
//
// [Create] is the same in steps, for several files that are to change together.
// A file in the making lies beside its target, locked for as long as its writer
// lives, so that [Sweep] can tell what a killed program left behind.
//
// [Private] is asked before a folder's files are believed: it reports who else
// could have written them. A [User] is whose folders they are; with sudo, what
// is made in the folders of the user who called it belongs to that user.
package disk
