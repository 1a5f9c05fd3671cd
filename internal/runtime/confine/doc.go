// Package confine makes of an observation the smallest profile under which the
// workload still works, and proves that it does.
//
//	draft, err := confine.Draft(o, confine.Options{})              // what was seen, and nothing more
//	p, proof, err := confine.Prove(ctx, draft, confine.Proving{…}) // run again under it, smaller and smaller
//	docs, err := p.Documents(dir, proof, o.Files)                  // for Docker, compose, Kubernetes, systemd …
//	err = confine.Write(dir, docs, disk.Options{})
//
// A profile is never wider than what the Engine allows anyway: a workload that is
// hostile while it is observed gains nothing by what it does.
//
// A draft is a superset: the kernel asks for capabilities that nobody needs, and a
// path that was written need not have been. The search takes one privilege away at
// a time and runs the workload again; what stays has the failure that was seen
// without it. What the proof states is what the kernel had in force, read from the
// running process: flags are wishes, and some are ignored without a word.
package confine
