package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
)

// What was verified is one small file of lines of equal length, each appended
// by one write: half of the hash of a key, the digest, and the lines' own
// checksum. A line that is torn or foreign is no line. The last one for a key
// counts.
const (
	verifiedName = "verified"
	verifiedKey  = 16
	verifiedLine = verifiedKey + sha256.Size + 8
	verifiedMax  = 4096 // lines; a file of twice as many is cut to the last so many
)

// Verified is the digest that was remembered for the bytes that key names. The
// key says what makes them these very bytes: path, inode, size, times, offset.
func (c *Cache) Verified(key string) (finding.Digest, bool) {
	if c.off() {
		return "", false
	}
	b, err := c.verified()
	if err != nil {
		return "", false
	}
	sum := sha256.Sum256([]byte(key))
	for end := len(b) - len(b)%verifiedLine; end > 0; end -= verifiedLine {
		line := b[end-verifiedLine : end]
		if bytes.Equal(line[:verifiedKey], sum[:verifiedKey]) && isVerified(line) {
			return finding.Digest("sha256:" + hex.EncodeToString(line[verifiedKey:verifiedLine-8])), true
		}
	}
	return "", false
}

// Remember keeps the digest of the bytes that key names: one that was computed
// from them, never one that was claimed.
func (c *Cache) Remember(key string, d finding.Digest) error {
	if c.off() {
		return nil
	}
	if !d.IsSHA256() {
		return fmt.Errorf("remember digest: no such digest: %q", d)
	}
	sum := sha256.Sum256([]byte(key))
	line := append(make([]byte, 0, verifiedLine), sum[:verifiedKey]...)
	line, err := hex.AppendDecode(line, []byte(d.Hex()))
	if err != nil {
		return fmt.Errorf("remember digest: %w", err)
	}
	line = appendSum(line)
	if err := c.remember(line); err != nil {
		return fmt.Errorf("remember digest: %w", err)
	}
	return nil
}

func (c *Cache) remember(line []byte) error {
	if err := c.User.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(c.Dir, verifiedName)
	f, err := c.User.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(line)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if size := info.Size(); size%verifiedLine != 0 || size >= 2*verifiedMax*verifiedLine {
		return c.compact(path, line)
	}
	return nil
}

// compact keeps the last lines that are whole. What another process appends
// meanwhile may be lost: then it is hashed once more.
func (c *Cache) compact(path string, line []byte) error {
	disk.Sweep(c.Dir, verifiedName)
	b, err := c.verified()
	if err != nil {
		return err
	}
	kept := make([]byte, 0, verifiedMax*verifiedLine)
	first := max(0, len(b)/verifiedLine-verifiedMax+1)
	for b = b[first*verifiedLine:]; len(b) >= verifiedLine; b = b[verifiedLine:] {
		if isVerified(b[:verifiedLine]) {
			kept = append(kept, b[:verifiedLine]...)
		}
	}
	return disk.WriteFile(path, append(kept, line...), c.options())
}

// verified is what is in the file; as much as there may be of it and no more. It
// is read again only when it has changed: an image asks for each of its layers.
func (c *Cache) verified() ([]byte, error) {
	f, err := os.Open(filepath.Join(c.Dir, verifiedName))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: errors.New("not a regular file")}
	}
	size := min(info.Size(), 4*verifiedMax*verifiedLine)
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(len(c.lines)) == size && c.linesOf.Equal(info.ModTime()) {
		return c.lines, nil
	}
	b := make([]byte, size)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c.lines, c.linesOf = b[:n], info.ModTime()
	return c.lines, nil
}

func isVerified(line []byte) bool {
	body := line[:verifiedLine-8]
	return bytes.Equal(appendSum(body[:len(body):len(body)]), line)
}

// appendSum appends the checksum of b to b.
func appendSum(b []byte) []byte {
	var h xxhash.Digest
	h.Reset()
	_, _ = h.Write(b) // a hash takes everything
	return h.Sum(b)
}
