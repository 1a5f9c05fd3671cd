// Package stream is what happens to the state of the service: images come in,
// advisories change, and workers match again what that touches.
//
//	s := &stream.Service{Store: st, Index: x, Log: log}
//	img, err := s.AddImage(ctx, store.NewImage{…})     // stored; a task tells the workers
//	rep, err := s.Advise(ctx, r)                       // OSV records, a line each: a delta
//	more, err := s.Step(ctx)                           // a task, or more; [Service.Work] does them until ctx ends
//
// The database is the truth. A task is taken with a lease and taken off the list in
// the transaction of its effects: a worker that is killed leaves a task whose lease
// ends, and another does it. Two that do the same have one effect. A task that
// fails [store.MaxTries] times is set aside and shown.
package stream
