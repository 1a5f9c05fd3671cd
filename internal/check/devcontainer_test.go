package check

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestPlainJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a": 1, // one
		  "b": [1, 2, ], /* two, */ }`: `{"a":1,"b":[1,2]}`,
		`{"url": "http://x/*no*/", "q": "\\", /**/ "r": "a\",}",}`: `{"url":"http://x/*no*/","q":"\\","r":"a\",}"}`,
		"\xef\xbb\xbf{\"a\":[],} // end":                           `{"a":[]}`,
	} {
		var got, expected any
		if err := json.Unmarshal(plainJSON([]byte(in)), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if err := json.Unmarshal([]byte(want), &expected); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("%s is read as %v", in, got)
		}
	}
	for _, in := range []string{`{"a" 1}`, `{,}x`, `[1,,]`, `/* open {"a":1}`} {
		if json.Valid(plainJSON([]byte(in))) {
			t.Errorf("%s is taken", in)
		}
	}
}

// FuzzPlainJSON holds the reader to this: what is JSON stays as it is, and what
// is not becomes blank and nothing else, on the same lines.
func FuzzPlainJSON(f *testing.F) {
	for _, seed := range []string{`{"a": "//", "b": [1, "\"/*"]}`, "{ // x\n\"a\": 1, }", `/* , */ [1, /**/ ]`, `"\`, `{"build": {"dockerfile": "Dockerfile", "args": {"V": "1",},},}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out := plainJSON(b)
		if json.Valid(b) && !bytes.Equal(out, b) {
			t.Errorf("%q became %q", b, out)
		}
		for i, c := range bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) {
			if out[i] != c && out[i] != ' ' {
				t.Fatalf("%q became %q", b, out)
			}
		}
		if bytes.Count(out, []byte("\n")) != bytes.Count(b, []byte("\n")) {
			t.Errorf("%q became %q", b, out)
		}
	})
}
