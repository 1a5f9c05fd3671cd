package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// unread names the archives in which an image may run packages and into which
// no cataloger looks: each is an Unknown.
func unread() Cataloger {
	return Cataloger{
		Name: "unread", Version: 2, Limit: unreadHead,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode.IsRegular() && size > 0 && unreadKind(p) != ""
		},
		Read: func(_ context.Context, f layer.Input) ([]sbom.Package, error) {
			head := make([]byte, unreadHead)
			n, err := io.ReadFull(f.Body, head)
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("read: %w", err)
			}
			if !unreadArchive(path.Ext(f.Path), head[:n]) {
				return nil, nil // another program's file of such a name
			}
			return nil, fmt.Errorf("%s is not looked into; what it holds is not listed", unreadKind(f.Path))
		},
	}
}

const unreadHead = 4 << 10

// unreadKind is what kind of archive a file is by its name, or "".
func unreadKind(p string) string {
	switch path.Ext(p) {
	case ".pex", ".pyz", ".shiv":
		return "a zipped application of Python"
	case ".phar":
		return "an archive of PHP"
	case ".asar":
		return "an archive of Electron"
	}
	return ""
}

// unreadArchive reports whether a file begins as its kind does.
func unreadArchive(ext string, head []byte) bool {
	switch ext {
	case ".phar": // PHP, and then the archive
		return bytes.Contains(head, []byte("<?php")) || bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("\x1f\x8b"))
	case ".asar": // a pickle of four bytes, which say 4
		return bytes.HasPrefix(head, []byte{4, 0, 0, 0})
	}
	if bytes.HasPrefix(head, []byte("#!")) { // the interpreter's line comes first
		_, head, _ = bytes.Cut(head, []byte{'\n'})
	}
	return bytes.HasPrefix(head, []byte("PK\x03\x04"))
}
