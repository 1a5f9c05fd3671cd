package seccomp

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed kernel-cves.tsv
var kernelCVEs string

// KernelCVEs are vulnerabilities of the kernel with the calls of x86_64 by which
// each is reached, from the table that the authors of Confine published (MIT).
func KernelCVEs() map[string][]string {
	table := map[string][]string{}
	for line := range strings.Lines(kernelCVEs) {
		id, calls, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			table[id] = strings.Split(calls, ",")
		}
	}
	return table
}

// Blocked are those that cannot be reached by the calls that pass, sorted.
func Blocked(pass []string) []string {
	out := []string{}
	for id, calls := range KernelCVEs() {
		if !slices.ContainsFunc(calls, func(c string) bool { return slices.Contains(pass, c) }) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
