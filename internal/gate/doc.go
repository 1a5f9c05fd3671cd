// Package gate enforces an image policy in front of a Docker Engine, as its
// authorization plugin.
//
//	g := &gate.Gate{Policy: p, Engine: engine, Facts: facts, Log: log, Now: time.Now}
//	err := g.Serve(ctx, "/run/docker/plugins/drydock.sock", false, ready)
//	answer := g.Authorize(ctx, request) // before the Engine obeys
//	g.Done(request)                     // after it has answered
//
// A request passes only when it is understood as the Engine will understand it: its
// path and version are known ([Parse]), its JSON has no key twice, in another case or
// unknown, and its body is there where one is due. Whatever moves a name waits for
// whatever uses one, from the decision to the Engine's answer, with a time limit.
//
// What cannot be found out is refused. Every decision is one line of JSON.
package gate
