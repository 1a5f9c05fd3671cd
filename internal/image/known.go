package image

import (
	"fmt"

	"github.com/drydock-dev/drydock/internal/cache"
)

// Known reports whether every layer's bytes were hashed before and are what the
// configuration says, so that what is remembered of such layers may be taken
// for theirs without reading any. Bytes that are known to be others are a
// [*layer.MismatchError], as in [Image.Scan]. A root file system never is known.
func (im *Image) Known(c *cache.Cache) (bool, error) {
	all := len(im.Layers) > 0
	for i := range im.Layers {
		l := &im.Layers[i]
		if l.root != "" {
			return false, nil
		}
		known, err := l.known(c)
		if err != nil {
			return false, fmt.Errorf("read layer %d of %d: %w", i+1, len(im.Layers), err)
		}
		all = all && known
	}
	return all, nil
}
