// Package dockerfile reads Dockerfiles and knows where everything in them is.
// The grammar is BuildKit's, so that a file is accepted here if BuildKit
// accepts it; on top of it every instruction has the span of its bytes, and
// between the spans there is nothing but comments and blank lines:
//
//	f, err := dockerfile.Parse("Dockerfile", b) // an error says file and line
//	stage, err := f.Target("")                  // the one that a build makes
//	for _, in := range f.Of(stage) {
//		fmt.Println(in.Span.Line, in.Cmd, in.Args)
//	}
//
// [Join] says which instruction made which step of an image's history, and
// [JoinLayers] where in the Dockerfile each layer comes from, for images that
// BuildKit, Docker's older builder, Buildah or Kaniko built. Where the history
// and the file do not agree, nothing is said to be known.
package dockerfile
