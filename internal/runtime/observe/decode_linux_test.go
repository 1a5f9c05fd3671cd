package observe

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// raw is an event as the kernel's programs write it.
func raw(t testing.TB, e event, in *folder) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.NativeEndian, e); err != nil {
		t.Fatal(err)
	}
	if in != nil {
		if err := binary.Write(&b, binary.NativeEndian, in); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// What is decoded is what the layout of the structs says, field by field.
func TestDecode(t *testing.T) {
	e := event{1, 2, 3, -4, 5, 6, 7, -8, 9, 10, [maxPath]byte{'/', 'a'}}
	e.Data[maxPath-1] = 'z'
	in := &folder{Mount: -11, Depth: 12}
	in.Names[0], in.Names[maxDepth-1] = [maxName]byte{'b'}, [maxName]byte{maxName - 1: 'c'}
	b := raw(t, e, in)
	if len(b) != eventSize+folderSize {
		t.Fatalf("%d bytes", len(b))
	}
	if got, f, ok := decode(b); !ok || got != e || f == nil || *f != *in {
		t.Errorf("%+v %+v", got, f)
	}
	if got, f, ok := decode(b[:eventSize]); !ok || got != e || f != nil {
		t.Errorf("without a folder: %+v %+v", got, f)
	}
	if got, f, ok := decode(b[:eventHead]); !ok || got.Parent != 10 || got.Data != [maxPath]byte{} || f != nil {
		t.Errorf("without a path: %+v %+v", got, f)
	}
	if _, _, ok := decode(b[:eventHead-1]); ok {
		t.Error("one that is too short is an event")
	}
}

func BenchmarkDecode(b *testing.B) {
	e := raw(b, event{Data: [maxPath]byte{'/'}}, nil)
	for b.Loop() {
		if _, _, ok := decode(e); !ok {
			b.Fatal("no event")
		}
	}
}
