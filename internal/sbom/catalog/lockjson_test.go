package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestLockJSONReadsMembersInOrder(t *testing.T) {
	j := newLockJSON([]byte("\xef\xbb\xbf{\n \"a\" : \"x\\u0041\", \"Name\":1, \"b\":[1,-2.5e+3,{}],\"c\":true}"))
	var got []string
	err := j.document(func(name []byte, at int) error {
		if string(name) == "b" {
			n := 0
			if err := j.array(func() error { n++; return j.skip() }); err != nil {
				return err
			}
			got = append(got, strings.Repeat("i", n))
			return nil
		}
		s, err := j.str()
		got = append(got, string(name)+"="+s)
		return err
	})
	if err != nil || strings.Join(got, " ") != "a=xA Name= iii c=" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestLockJSONSaysTheLine(t *testing.T) {
	j := newLockJSON([]byte("{\n\"a\": 1,\n\"b\" 2}"))
	err := j.document(func([]byte, int) error { return j.skip() })
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Fatalf("error %v does not say line 3", err)
	}
}

// The law: the cursor accepts exactly what encoding/json accepts, up to the
// bound on nesting.
func FuzzLockJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,2,{"b":null}],"c":"\u00e9\n"}`, `{"a":01}`, `{"a":1.}`, `{"a":1e}`, `{"a":tru}`, `{"a":"\x"}`,
		"{\"a\":\"\x01\"}", `{"a":1,}`, `{,}`, `[1]`, ``, `{"a"`, `{"a":"b`, `{"a":1}x`, "{\"\xff\":\"\xff\"}", `{"\ud800":-0}`,
		strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300), `{"a":"\`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		j := newLockJSON(b)
		got := map[string]string{}
		err := j.document(func(name []byte, _ int) error {
			k := string(name)
			if j.kind() == '"' {
				s, err := j.str()
				got[k] = s
				return err
			}
			delete(got, k)
			return j.skip()
		})
		if errors.Is(err, errLockJSONDepth) {
			return
		}
		var want map[string]any
		wantErr := json.Unmarshal([]byte(strings.TrimPrefix(string(b), "\xef\xbb\xbf")), &want)
		if wantErr != nil && strings.Contains(wantErr.Error(), "cannot unmarshal number") {
			return // out of float64's range: still JSON
		}
		if (err == nil) != (wantErr == nil && want != nil) {
			t.Fatalf("got %v, encoding/json %v", err, wantErr)
		}
		if err != nil {
			return
		}
		for k, v := range want {
			if s, ok := v.(string); ok && got[k] != s {
				t.Fatalf("member %q: got %q, want %q", k, got[k], s)
			}
		}
	})
}
