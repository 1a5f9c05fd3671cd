// Package observe watches what a container does, and writes it down as an
// [Observation]: system calls and their arguments, capabilities, files, ports,
// programs, users, and how much it used of everything.
//
//	o, err := observe.Run(ctx, observe.Options{
//		Engine: engine, Ledger: ledger, Image: "nginx:1.29",
//		Exercise: exercise.Exercise{Probes: []string{"http://localhost/"}},
//	})
//
// The workload runs as the Engine would run it, with the Engine's default filter
// and no-new-privileges, and with nothing of it lost: a start gate holds its first
// program back until it is watched, and what the runtime calls before that, under
// the container's filter, is recorded from the moment on when the filter is loaded.
//
// It is watched by programs in the kernel, keyed by the container's cgroup, so that
// no process escapes by its short life. They count; only paths and addresses come
// out as events, read when the call is done, since a page that was not there when it
// began is there by then.
//
// What a workload does is a stranger's word. Nothing is opened by a name that it
// chose but within its own root; every table has a limit, and what overflows is
// said: an observation that is not complete has its reasons.
package observe
