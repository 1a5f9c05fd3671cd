// Package gomod raises modules in go.mod and go.sum, and knows what a newer module asks of
// the Go version.
//
//	gomod.Raise(ctx, planner, job)
//
// Hashes for go.sum come from the checksum database with its proof ([NewProxy]), never
// from a module proxy's word.
package gomod
