package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// alpineNames says which packages the releases of Alpine Linux have, as far as
// its records of fixed vulnerabilities name them: the releases, then a line for
// each mask. "edge" is what comes after the last of them.
func alpineNames(secdb string) ([]byte, error) {
	found := map[string]map[string]bool{} // of a release
	err := eachFile(secdb, func(name string, text []byte) error {
		repository, ok := strings.CutSuffix(path.Base(name), ".json")
		release := strings.TrimPrefix(path.Base(path.Dir(name)), "v")
		if !ok || repository != "main" && repository != "community" {
			return nil
		}
		var doc struct {
			Packages []struct{ Pkg struct{ Name string } }
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if found[release] == nil {
			found[release] = map[string]bool{}
		}
		for _, p := range doc.Packages {
			found[release][p.Pkg.Name] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var releases []string
	for r := range found {
		releases = append(releases, r)
	}
	slices.SortFunc(releases, func(a, b string) int { return minor(a) - minor(b) })
	has := map[string]int{}
	for bit, r := range releases {
		for n := range found[r] {
			has[n] |= 1 << bit
		}
	}
	return masks(releases, has), nil
}

// minor is the number of a release, "3.21"; edge comes after all.
func minor(release string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(release, "3."))
	if err != nil {
		return 1 << 20
	}
	return n
}
