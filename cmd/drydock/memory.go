package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// firstCollection is how much of its usual garbage, in percent, the process may
// gather before memory is first collected: with Go's least heap of 4 MiB, 32 MiB.
const firstCollection = 800

// patient leaves the first 32 MiB of garbage lie and collects as usual from
// then on. Most commands end before that; collecting for them would take a
// third of their time, and what they touch at most is the same. Whoever sets
// GOGC is obeyed.
func patient() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(firstCollection)
	runtime.AddCleanup(new([64]*byte), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
