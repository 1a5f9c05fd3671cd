// Package bus carries pointers to tasks between machines, over NATS JetStream.
//
//	b, err := bus.Open(ctx, bus.Options{URL: "nats://nats.example", Store: st, Log: log})
//	go b.Run(ctx)                    // publishes what is committed, and rebuilds a stream that is lost
//	given, err := b.Take(ctx)        // the next tasks of this worker
//	given[0].Done()                  // or Later
//
// The database stays the truth. A pointer says which task there is and never what is
// in it; whoever takes it claims the task in the database by its number, and so each
// effect comes once, however often a pointer is delivered. What is committed is
// published afterwards; a pointer that is lost on the way, or with the whole stream, is
// published again from the tasks that still wait.
//
// While NATS is away [Bus.Up] is false, and workers ask the database for tasks, as they
// do without NATS.
package bus
