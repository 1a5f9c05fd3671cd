// Package ledger keeps what Drydock made outside its own folders until it is
// taken away again: containers, volumes, networks and images of a Docker Engine,
// temporary folders, and files beside the user's own.
//
//	l := ledger.Open(dataDir, disk.Caller(os.Getenv), told)
//	m, err := l.Add(ledger.Entry{Kind: ledger.Container, Name: ledger.Name("proof"), Engine: id, Until: soon})
//	// … make the container under exactly that name …
//	err = m.Made(containerID)
//	// … remove it …
//	err = m.Gone()
//
// The order is the promise: a random name is on the disk before the thing can
// exist, the Engine's id follows it, and the line that it is gone comes last. So
// a kill at any instant leaves either nothing or something that is written down,
// and the next run takes it away:
//
//	l.Sweep(ctx, dial)
//
// Nothing else is an authority. A label is for people to see: any image can
// carry ours, and every container of it inherits them. A thing is removed if its
// name and id are those of an entry, or its name alone where no id was written:
// the name is 130 random bits, and nobody else has it. An entry of another
// Engine is neither removed nor forgotten.
//
// Each process that makes something has a file of its own, a page, which it
// holds locked. The system gives the lock back when the process dies, however it
// dies: a page that can be locked has no owner any more. A process id would not
// do, since they are given out anew. The page goes when nothing is left on it.
//
// A page is a foreign file like any other: it lies where the user, or somebody
// who can write there, may have changed it. Its folder and file must belong to
// this user alone, every line carries a checksum and is read strictly, and
// whatever it says, only names that this package could have made are acted upon.
package ledger
