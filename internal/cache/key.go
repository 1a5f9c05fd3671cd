package cache

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
)

// Key names one value of type V. Under the zero Key nothing is kept.
type Key[V any] struct {
	kind string
	sum  [sha256.Size]byte
}

// KeyOf is the key of a kind of values, in a version of their form, and of all
// that makes this value what it is. The version is raised whenever V is written
// otherwise, or would be another value for the same parts.
func KeyOf[V any](kind string, version int, parts ...string) Key[V] {
	text := strconv.AppendInt(strconv.AppendQuote(nil, kind), int64(version), 10)
	for _, p := range parts {
		text = strconv.AppendQuote(append(text, ' '), p)
	}
	return Key[V]{kind: kind, sum: sha256.Sum256(text)}
}

func (k Key[V]) path(c *Cache) string {
	return filepath.Join(c.Dir, valueDir, k.kind+"-"+hex.EncodeToString(k.sum[:16])+valueExt)
}

// Get is the value kept under k, if there is one.
func Get[V any](c *Cache, k Key[V]) (*V, bool) {
	if c.off() || k.kind == "" {
		return nil, false
	}
	u, ok := c.unpackers.Get().(*unpacker)
	if !ok {
		u = &unpacker{}
	}
	defer func() {
		if cap(u.file)+cap(u.payload) <= maxSpare {
			c.unpackers.Put(u)
		}
	}()
	path := k.path(c)
	b, err := c.load(path, u.file)
	if errors.As(err, new(*fs.PathError)) {
		return nil, false // not there, or not to be had now: nothing is wrong with it
	}
	v := new(V)
	if err == nil {
		u.file = b
		b, err = u.open(b, &k.sum)
	}
	if err == nil {
		err = decode(b, v)
	}
	if err != nil {
		c.discard(path, err)
		return nil, false
	}
	return v, true
}

// Put keeps v under k, and lets go of the least recently used values if all
// together are over the bound. Its error costs nothing but time in the next run.
func Put[V any](c *Cache, k Key[V], v *V) error {
	if c.off() {
		return nil
	}
	if k.kind == "" {
		return errors.New("keep a value: nothing names it")
	}
	payload, err := encode(v)
	if err == nil {
		payload, err = seal(payload, &k.sum)
	}
	if err == nil {
		err = c.write(k.path(c), payload)
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", k.kind, err)
	}
	return nil
}

func encode(v any) ([]byte, error) {
	if own, ok := v.(encoding.BinaryAppender); ok {
		return own.AppendBinary(nil)
	}
	return json.Marshal(v)
}

// decode reads what encode wrote. The value keeps nothing of b, which is used
// again: encoding.BinaryUnmarshaler and encoding/json promise it.
func decode(b []byte, v any) error {
	if own, ok := v.(encoding.BinaryUnmarshaler); ok {
		return own.UnmarshalBinary(b)
	}
	return json.Unmarshal(b, v)
}
