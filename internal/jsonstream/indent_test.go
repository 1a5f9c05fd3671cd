package jsonstream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzIndent holds the layout to the standard library's.
func FuzzIndent(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `null`, `"a\"b,{}\\"`, `{"a":[],"b":{},"c":[1,-2.5e3,true,null,"x:y"],"d":{"e":[{"f":"["}]}}`, `[[[]]]`, `["\\\\",""]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var compact, want, got bytes.Buffer
		if json.Compact(&compact, in) != nil || json.Indent(&want, compact.Bytes(), "", "  ") != nil {
			return
		}
		e := &encoder{w: bufio.NewWriter(&got)}
		e.indented(compact.Bytes())
		if err := e.w.Flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Error(diff)
		}
	})
}
