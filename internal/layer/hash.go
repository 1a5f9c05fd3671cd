package layer

import (
	"context"
	"io"
)

// Hash tells a stored layer's two digests and the size of its uncompressed
// tar in bytes, and looks at nothing else: it is for bytes whose record is
// already kept, but which are not known to be those that they claim to be.
func Hash(ctx context.Context, r io.Reader, lim Limits) (blob, diffID Digest, size int64, err error) {
	t, err := openTar(ctx, r, lim.withDefaults())
	defer t.close()
	if err == nil {
		err = t.drain()
	}
	if err != nil {
		return "", "", 0, errAt("layer", "", t.n, t.blame(Want{}, err))
	}
	blob, diffID = t.digests()
	return blob, diffID, t.n, nil
}
