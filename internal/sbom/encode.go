package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// EncodeOptions are what an SBOM says that is not in the inventory.
type EncodeOptions struct {
	// Now is when the SBOM is made: the clock, or SOURCE_DATE_EPOCH for output
	// that is the same every time. Zero leaves the time out where the format
	// allows it, and is 1970 in SPDX, which does not.
	Now         time.Time
	ToolVersion string
	Compact     bool // our JSON on one line, for programs
}

// Formats lists the names that [Encode] takes.
func Formats() []string {
	return []string{"json", "cyclonedx", "cyclonedx-xml", "spdx", "spdx-tag-value"}
}

// Encode writes the inventory as "json" (Drydock's own), "cyclonedx" (the
// latest version, JSON), "cyclonedx-xml", "spdx" (2.3, JSON) or
// "spdx-tag-value". The bytes depend on the arguments alone. Bytes that are not
// UTF-8 are written as U+FFFD; everything else in the inventory survives
// [Decode].
func Encode(w io.Writer, format string, inv *Inventory, opt EncodeOptions) error {
	var err error
	switch strings.ToLower(format) {
	case "json":
		err = writeNative(w, inv, opt)
	case "cyclonedx", "cyclonedx-json":
		err = CycloneDX(inv, opt).Write(w, nil)
	case "cyclonedx-xml":
		err = cdx.NewBOMEncoder(w, cdx.BOMFileFormatXML).SetPretty(true).Encode(CycloneDX(inv, opt).whole())
	case "spdx", "spdx-json":
		err = spdxOf(inv, opt).write(w)
	case "spdx-tag-value":
		err = tagvalue.Write(spdxOf(inv, opt).whole(), w)
	default:
		return fmt.Errorf("unknown SBOM format %q (one of %s)", format, strings.Join(Formats(), ", "))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	return nil
}

// contentUUID names the inventory's content: equal inventories have equal
// names, whenever they are written. It is a version 8 UUID (RFC 9562, 5.8).
func contentUUID(inv *Inventory) string {
	h := sha256.New()
	n := native{Schema: Schema, nativeHeader: toNativeHeader(inv)}
	// A hash does not fail, and neither does encoding strings, ints and bools.
	_ = jsonstream.WriteCompact(htmlEscaper{h}, jsonstream.Value{V: &n, Lists: nativeLists(inv)})
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// htmlEscaper escapes JSON as encoding/json does unless it is told not to: the names of
// inventories were made of that.
type htmlEscaper struct{ w io.Writer }

func (e htmlEscaper) Write(p []byte) (int, error) {
	from := 0
	for i, c := range p {
		if c == '<' || c == '>' || c == '&' {
			_, _ = e.w.Write(p[from:i])
			_, _ = fmt.Fprintf(e.w, `\u%04x`, c)
			from = i + 1
		}
	}
	_, err := e.w.Write(p[from:])
	return len(p), err
}
