package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v4"
)

// BenchmarkLockLayouts reads 5,000 packages as their programs write them, in
// another layout, and by the libraries, which is why these are not used for all.
func BenchmarkLockLayouts(b *testing.B) {
	var pnpm, cargo strings.Builder
	pnpm.WriteString("lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      p0:\n        specifier: ^1.0.0\n        version: 1.0.0\n\npackages:\n\n")
	for i := range 5000 {
		fmt.Fprintf(&pnpm, "  '@scope/p%d@1.0.%d':\n    resolution: {integrity: sha512-TZYCiDMPDcbXlrdZfo0nHqHMeSZYkbfsRmUGPTpCVMhHHEBpwqNWlUxNs5+0XnNvnn9Hw==}\n    engines: {node: '>=18'}\n\n", i, i)
		fmt.Fprintf(&cargo, "[[package]]\nname = \"p%d\"\nversion = \"1.0.%d\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"%064d\"\ndependencies = [\n \"a\",\n]\n\n", i, i, i)
	}
	pnpm.WriteString("snapshots:\n\n")
	for i := range 5000 {
		fmt.Fprintf(&pnpm, "  '@scope/p%d@1.0.%d':\n    dependencies:\n      '@scope/p%d': 1.0.%d\n\n", i, i, i+1, i+1)
	}
	for name, c := range map[string]struct {
		body string
		read func(body []byte) error
	}{
		"pnpm as written": {pnpm.String(), func(body []byte) error { _, err := pnpmRead("x", body); return err }},
		"pnpm indented":   {strings.ReplaceAll(pnpm.String(), "  ", "    "), func(body []byte) error { _, err := pnpmRead("x", body); return err }},
		"pnpm by library": {pnpm.String(), func(body []byte) error { var n yaml.Node; return yaml.Unmarshal(body, &n) }},
		"cargo":           {cargo.String(), func(body []byte) error { _, err := cargoRead("x", body); return err }},
		"cargo by library": {cargo.String(), func(body []byte) error {
			var doc struct {
				Package []struct{ Name, Version, Source string }
			}
			return toml.Unmarshal(body, &doc)
		}},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.read([]byte(c.body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
