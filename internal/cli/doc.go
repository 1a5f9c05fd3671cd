// Package cli is Drydock's command line: one file a verb.
//
// [Main] is the whole program with its streams, environment and clock passed
// in, so that a test runs it as a user would:
//
//	var out bytes.Buffer
//	code := cli.Main(ctx, cli.Env{Stdout: &out, Now: time.Now}, "drydock", "version")
//
// A verb reads its flags, asks package check for a result, hands it to package
// report and returns; what takes more than that belongs in a room of its own.
package cli
