package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

// BenchmarkFromScanLarge joins an image of the size of a build server's: 600
// distribution packages in a database that four layers rewrote, 60,000 owned
// files, 1,800 packages of Node. A cached scan pays for this in full, and for
// decoding the records.
func BenchmarkFromScanLarge(b *testing.B) {
	var layers [][]byte
	for l := range 4 {
		var status strings.Builder
		var files []file
		for i := range 150 * (l + 1) {
			status.WriteString(stanza(fmt.Sprintf("package-%d", i), "1:2.3-4+deb12u1"))
			if i < 150*l {
				continue
			}
			var list strings.Builder
			for k := range 100 {
				fmt.Fprintf(&list, "/usr/lib/package-%d/file-%d\n", i, k)
			}
			files = append(files, file{name: fmt.Sprintf("var/lib/dpkg/info/package-%d:amd64.list", i), body: list.String()})
		}
		files = append(files, file{name: statusFile, body: status.String()})
		layers = append(layers, tarOf(b, files...))
	}
	var tree []file
	for i := range 1800 {
		tree = append(tree, file{
			name: fmt.Sprintf("app/node_modules/module-%d/package.json", i),
			body: fmt.Sprintf(`{"name":"module-%d","version":"1.%d.0","license":"MIT"}`, i, i),
		})
	}
	s := scanOf(b, append(layers, tarOf(b, tree...))...)
	if inv := inventoryOf(b, s); count(inv, "deb") != 600 || count(inv, "npm") != 1800 {
		b.Fatalf("%d deb, %d npm", count(inv, "deb"), count(inv, "npm"))
	}
	n := 0
	for _, r := range s.Records {
		for _, f := range r.Facts {
			n += len(f.Data)
		}
	}
	b.ReportMetric(float64(n), "fact-bytes")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FromScan(b.Context(), s, finding.Subject{}); err != nil {
			b.Fatal(err)
		}
	}
}
