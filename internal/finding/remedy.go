package finding

import (
	"fmt"
	"strings"
)

// raiseShown is how many of what brings a package a sentence names.
const raiseShown = 3

// Remedy says what fixes the vulnerability: the package at its fixed version and,
// where a project does not ask for the package itself, the direct dependencies
// to raise. It is empty where there is no fix.
func (v *Vuln) Remedy() string {
	if v.FixedIn == "" {
		return ""
	}
	out := "Upgrade " + v.Name + " to " + v.FixedIn
	raise := v.Raise()
	switch {
	case raise == "":
		return out
	case len(v.Path) == 2:
		return out + ", and " + raise + " too" // one project asks for it, another does not
	}
	return out + ": " + raise
}

// Raise names the direct dependencies to raise: "raise express 4.17.1, which brings
// it". It is empty for a package that is asked for itself, and for a
// distribution's, which its package manager raises by itself.
func (v *Vuln) Raise() string {
	if len(v.Via) == 0 || v.PackageType == "deb" || v.PackageType == "apk" || v.PackageType == "rpm" {
		return ""
	}
	list, brings := v.Via, "brings"
	if len(list) > 1 {
		brings = "bring"
	}
	names := strings.Join(list[:min(len(list), raiseShown)], ", ")
	switch n := len(list); {
	case n > raiseShown:
		names += fmt.Sprintf(" and %d more", n-raiseShown)
	case n > 1:
		names = strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return "raise " + names + ", which " + brings + " it"
}
