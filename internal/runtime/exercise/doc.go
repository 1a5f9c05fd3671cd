// Package exercise puts a running container through what it is for: requests to
// its ports, a command of the user's, a length of time.
//
//	x := exercise.Exercise{Probes: []string{"http://localhost:8080/"}}
//	ports, err := x.Ports(exposed)                 // what to publish when it is started
//	err = x.Ready(ctx, container)                  // it is up
//	result, err := x.Do(ctx, container)            // what came of it
//
// A probe names the port as the container has it, and is sent to where that port
// is published on this machine: no other machine is ever asked.
package exercise
