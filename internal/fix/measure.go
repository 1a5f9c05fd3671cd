package fix

import (
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// Measured is what is to be known of an image that was built.
type Measured struct {
	Size            int64 // of its files, all layers, uncompressed
	Layers          int
	Packages        int
	Vulnerabilities map[finding.Severity]int // nil: not known
	Found           map[string]bool          // vulnerabilities, as [Candidate.GoneBuilt] names them
	Unknown         []finding.Unknown        // what could not be told of it
	Scan            *image.Scan              // its files; the image itself may be closed
}
