// Package cache keeps what may be thrown away: values by key, in a folder that
// is bounded, shared by concurrent runs, and never half written. Losing it costs
// time only.
//
// A [Key] names one value of one type. What the value depends on is in the key,
// so that nothing has to be invalidated; what no key asks for any more is the
// first to go:
//
//	key := cache.KeyOf[layer.Record]("layer", 2, string(diffID), readers)
//	rec, ok := cache.Get(c, key)
//	if !ok {
//		rec = read()
//		err = cache.Put(c, key, rec)
//	}
//
// A type that writes and reads itself (encoding.BinaryAppender and
// encoding.BinaryUnmarshaler) is kept in its own form, any other as JSON. What
// cannot be read back is told once, thrown away, and counts as not there.
//
// [Cache.Verified] is a memory of another kind: which digest certain bytes were
// found to have.
package cache
