// Package layer reads a layer of an image once, as a stream, for everyone who
// wants something from it.
//
// [Read] takes the compressed or plain tar of one layer, verifies its digests
// on the way, keeps one [Entry] a file, and hands the files that an [Analyzer]
// wants to that analyzer. What an analyzer learns of a file is a [Fact]: a few
// bytes in a form of its own. Entries and facts together are the layer's
// [Record], which package cache keeps by the layer's digest and the analyzers'
// versions ([RecordKey]), so that no layer is ever read twice:
//
//	key := layer.RecordKey(id, analyzers)
//	rec, ok := cache.Get(c, key) // if the bytes are known to be those of id
//	if !ok {
//		rec, err = layer.Read(ctx, blob, layer.Want{DiffID: id}, analyzers, layer.Limits{})
//		err = cache.Put(c, key, rec) // a warning at most
//	}
//
// A claimed digest is no reason to use a kept record: [Hash] computes those of
// bytes that nobody has verified, and [cache.Cache.Remember] and
// [cache.Cache.Verified] spare doing so twice. [Walk] makes a record of a root file system's folder.
//
// The analyzers of one file are called one after the other, on a view of one
// buffer that is used again; one that takes whole files is given them as they
// pass by; only where several do, of a file over 1 MiB, is there a goroutine
// for each. An analyzer that fails, panics or returns early costs the others
// nothing.
//
// Every byte of a layer is hostile: names that climb, links that loop, sizes
// that lie, archives that never end. [Limits] bounds what a pass will take;
// what is refused is an [*Error] that says where. Memory is bounded by the
// number of files and by each analyzer's declared limit, never by file sizes.
// Nothing is ever written outside the cache.
package layer
