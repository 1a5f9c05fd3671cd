package check

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// sbomFor is how long an SBOM of some 20 MB may take.
const sbomFor = 2 * time.Minute

// AttestedInventory is what an SBOM says that a build left beside an open image;
// nil: there is none that says anything. What takes too long for an SBOM does for
// the image: that is slow.
func AttestedInventory(ctx context.Context, im *image.Image) (inv *sbom.Inventory, slow bool, err error) {
	if !im.Attested {
		return nil, false, nil
	}
	ctx, stop := context.WithTimeout(ctx, sbomFor)
	defer stop()
	statements, err := im.SBOMs(ctx)
	var late *egress.TimeoutError
	slow = ctx.Err() != nil || errors.As(err, &late)
	for _, s := range statements {
		inv, bad := sbom.Decode(bytes.NewReader(s.Body), "SBOM attestation")
		if bad == nil && len(inv.Packages) > 0 {
			return inv, slow, err
		}
	}
	return nil, slow, err
}
