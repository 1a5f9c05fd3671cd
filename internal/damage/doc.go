// Package damage makes broken bytes of sound ones, for fuzz tests.
//
// A fuzz test over the bytes of an archive or a database spends its time on
// making inputs smaller that are large because the format is, and chance seldom
// gets past a checksum. A test that fuzzes a short script of what to do to a sound
// file instead reaches every part of it:
//
//	f.Fuzz(func(t *testing.T, which byte, script []byte) {
//		b := damage.Do(sound[int(which)%len(sound)], script)
//		…
//	})
package damage
