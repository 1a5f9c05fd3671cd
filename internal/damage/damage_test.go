package damage

import (
	"bytes"
	"testing"
)

func TestDo(t *testing.T) {
	const sound = "one\ntwo\nthree\n"
	for _, c := range []struct {
		script []byte
		want   string
	}{
		{nil, sound},
		{[]byte{0, 0, 1}, sound},
		{[]byte{0, 0, 1, 0, 'X', 0}, "oXe\ntwo\nthree\n"},
		{[]byte{1, 0, 0, 0, 1, 0}, "mne\ntwo\nthree\n"},
		{[]byte{2, 0, 3, 2, '!', 0}, "one!!!\ntwo\nthree\n"},
		{[]byte{3, 0, 3, 3, 0, 0}, "one\nthree\n"},
		{[]byte{4, 0, 0, 2, 0, 4}, "two\ntwo\nthree\n"},
		{[]byte{5, 0, 7, 0, 0, 0}, "one\ntwo"},
		{[]byte{6, 0, 0, 0, 2, 0}, "\xff\xff\xff\xfftwo\nthree\n"},
		{[]byte{7, 0, 0, 2, 7, 0}, "777\ntwo\nthree\n"},
		{[]byte{8, 0, 0, 0, 1, 0}, "bone\ntwo\nthree\n"},
		{[]byte{9, 0, 5, 0, 0, 1}, "one\na\ntwo\nthree\n"},
		{[]byte{9, 0, 5, 0, 0, 0}, "one\nthree\n"},
		{[]byte{9, 0, 5, 0, 0, 0, 0, 0, 0, 0, 'X', 0}, "Xne\nthree\n"},
	} {
		if got := Do([]byte(sound), c.script, "a", "b"); string(got) != c.want {
			t.Errorf("%v gives %q, want %q", c.script, got, c.want)
		}
	}
}

// FuzzDo: any script is one, what it is done to stays as it was, and what comes
// out is not much larger.
func FuzzDo(f *testing.F) {
	f.Add([]byte("a\nb"), []byte{9, 0, 5, 0, 0, 1})
	f.Add([]byte(""), bytes.Repeat([]byte{4, 9, 9, 9, 9, 9}, 20))
	f.Fuzz(func(t *testing.T, b, script []byte) {
		before := bytes.Clone(b)
		if got := Do(b, script, "word", ""); len(got) > len(b)+maxGrowth+256 {
			t.Errorf("%d bytes of %d", len(got), len(b))
		}
		if !bytes.Equal(b, before) {
			t.Error("the sound bytes were changed")
		}
	})
}
