package cli

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// formatNamed gives the format that a name stands for, other tools' names
// included.
func formatNamed(name string) (string, bool) {
	name = strings.ToLower(name)
	switch name {
	case "table":
		name = "text"
	case "cyclonedx-json":
		name = "cyclonedx"
	case "spdx-json":
		name = "spdx"
	case "drydock-json", "syft-json":
		name = "json"
	case "md":
		name = "markdown"
	}
	return name, slices.Contains(formatNames(), name)
}

// formatNames lists what any verb can print, sorted.
func formatNames() []string {
	names := append(report.Formats(), sbom.Formats()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// splitFormats parts "json=a.json,text" at its commas. A comma before anything
// but a format belongs to a file's name.
func splitFormats(value string) []string {
	var out []string
	for i, part := range strings.Split(value, ",") {
		name, _, _ := strings.Cut(part, "=")
		if _, ok := formatNamed(name); i > 0 && !ok && strings.Contains(out[len(out)-1], "=") {
			out[len(out)-1] += "," + part
			continue
		}
		out = append(out, part)
	}
	return out
}
