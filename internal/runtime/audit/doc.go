// Package audit holds rules over containers and the daemon that runs them.
//
//	doc, err := audit.ReadCompose("compose.yaml", b, expand) // or ReadManifest, ReadCommands, Inspect
//	for _, c := range doc.Containers {
//		looked := audit.Run(c, audit.Checks()) // findings, and what could not be told
//	}
//
// A [Container] is what a compose file, a line of docker run and an inspected
// container all say, so that a rule is written once. What could not be read of it
// is an unknown of each rule that needs it.
//
// A fix of a compose file is an edit of its bytes: comments, order and anchors
// stay. It is offered only after the result was read again and differs from the
// file in the place that the fix names and nowhere else.
package audit
