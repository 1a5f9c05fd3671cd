// Package agent stands beside a Docker Engine and tells a service what runs there, and
// which images were built or pulled, with the SBOM of each that the service lacks.
//
//	a := &agent.Agent{Dial: dial, Service: client, Scan: scan, Host: "web-1", Env: "prod", …}
//	err := a.Run(ctx) // until ctx ends
//
// It asks the Engine for lists and for its events, and changes nothing there. An event
// only says that something is to be looked at: what is told is always the whole list,
// read after the Engine began to send its events. So an Engine that keeps its last 256
// events, an agent that is killed, and a service that is away lose nothing: the next
// list says all of it, and the service shows what had drifted meanwhile.
//
// Variables, commands and labels of containers stay where they are.
package agent
