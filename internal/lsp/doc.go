// Package lsp is a language server: what `lint` and `audit` find in a file, while it
// is typed.
//
//	err := lsp.Serve(ctx, os.Stdin, os.Stdout, lsp.Options{Version: "1.2.3", Pipeline: open})
//
// It speaks the Language Server Protocol 3.17 over a pair of streams, for Dockerfiles,
// compose files and manifests of Kubernetes. The text that is looked at is the editor's
// and not the one on the disk; other files that are open in the editor count as they
// are there. Nothing is asked over the network: [Options] gives a pipeline that is
// offline.
//
// Completion reads the line alone, since a file that is being typed seldom parses;
// what is asked of stages reads the file without the instructions that are broken.
//
// A [Text] is one version of a document and never changes; an edit makes another. A
// request works on the version that was current when it came in, and what was found in
// that version is worked out once and kept with it.
package lsp
