package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

func TestJSONDecodesToWhatWasWritten(t *testing.T) {
	for name, res := range map[string]*check.Result{"realistic": realistic(t), "empty": {}} {
		out := printed(t, "json", res, options())
		dec := json.NewDecoder(strings.NewReader(out))
		dec.DisallowUnknownFields()
		var got Document
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(NewDocument(res, options()), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// Foreign bytes that are not UTF-8 are U+FFFD; all else comes back.
	res := hostile(t)
	var got Document
	if err := json.Unmarshal([]byte(printed(t, "json", res, options())), &got); err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(res.Findings[0].Message, "\ufffd"); strings.ReplaceAll(got.Findings[0].Message, "\ufffd\ufffd", "\ufffd") != want {
		t.Errorf("the message is %q, not %q", got.Findings[0].Message, want)
	}
}

// TestJSONIsTheContract holds the report to the names and types of the contract
// as scripts see them: every field there, no array null.
func TestJSONIsTheContract(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(printed(t, "json", realistic(t), options())), &doc); err != nil {
		t.Fatal(err)
	}
	kind := func(v any) string {
		switch v.(type) {
		case nil:
			return "null"
		case string:
			return "string"
		case float64:
			return "number"
		case bool:
			return "bool"
		case []any:
			return "array"
		}
		return "object"
	}
	want := func(where string, in any, fields string) {
		t.Helper()
		m, _ := in.(map[string]any)
		for f := range strings.FieldsSeq(fields) {
			name, kinds, _ := strings.Cut(f, ":")
			v, there := m[name]
			if !there || !strings.Contains("|"+kinds+"|", "|"+kind(v)+"|") {
				t.Errorf("%s.%s is %s (there: %v), not %s", where, name, kind(v), there, kinds)
			}
		}
	}
	want("", doc, "schema:string tool:object subjects:array database:object findings:array unknown:array summary:object")
	want("tool", doc["tool"], "version:string")
	want("database", doc["database"], "date:string sources:object embedded:bool")
	want("summary", doc["summary"], "critical:number high:number medium:number low:number negligible:number unspecified:number")
	for i, s := range doc["subjects"].([]any) {
		want(fmt.Sprintf("subjects[%d]", i), s, "kind:string name:string")
	}
	for i, u := range doc["unknown"].([]any) {
		want(fmt.Sprintf("unknown[%d]", i), u, "subject:number what:string why:string")
	}
	suppressed := 0
	for i, f := range doc["findings"].([]any) {
		at := fmt.Sprintf("findings[%d]", i)
		m := f.(map[string]any)
		want(at, f, "subject:number rule:string aliases:array key:string practice:string severity:string message:string fingerprint:string "+
			"suppressed:null|object at:array evidence:array fixes:array")
		if strings.HasPrefix(m["rule"].(string), "vuln/") {
			want(at, f, "id:string package:string fixedIn:string kev:bool")
		}
		if m["suppressed"] != nil {
			suppressed++
			want(at+".suppressed", m["suppressed"], "by:string reason:string")
		}
		for _, l := range m["at"].([]any) {
			if s := l.(map[string]any)["source"]; s != nil {
				want(at+".at.source", s, "file:string line:number column:number start:number end:number")
			}
		}
		for _, e := range m["evidence"].([]any) {
			want(at+".evidence", e, "kind:string text:string")
		}
		for _, x := range m["fixes"].([]any) {
			want(at+".fixes", x, "title:string safety:string proof:string edits:array")
			for _, e := range x.(map[string]any)["edits"].([]any) {
				want(at+".fixes.edits", e, "file:string base:string start:number end:number new:string")
			}
		}
	}
	if suppressed != len(suppressedBy()) {
		t.Errorf("%d findings are suppressed", suppressed)
	}
	first := doc["findings"].([]any)[1].(map[string]any)
	want("a vulnerability", first, "cvss:object epss:object inBase:bool")
	want("cvss", first["cvss"], "vector:string score:number source:string")
	want("epss", first["epss"], "score:number date:string")
	if n := strings.Count(printed(t, "json", realistic(t), options()), "null"); n != strings.Count(printed(t, "json", realistic(t), options()), `"suppressed": null`) {
		t.Error("something other than suppressed is null")
	}
}

func TestTheSummaryCountsWhatCounts(t *testing.T) {
	got := NewDocument(realistic(t), options()).Summary
	want := map[string]int{"critical": 1, "high": 2, "medium": 2, "low": 1, "negligible": 1, "unspecified": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFormats(t *testing.T) {
	if diff := cmp.Diff([]string{"checkstyle", "codeclimate", "cyclonedx", "github", "gitlab", "html", "json", "markdown", "openvex", "sarif", "spdx", "text"}, Formats()); diff != "" {
		t.Error(diff)
	}
	err := Write(io.Discard, "yaml", realistic(t), options())
	if err == nil || !strings.Contains(err.Error(), `"yaml"`) || !strings.Contains(err.Error(), "cyclonedx, github, gitlab") {
		t.Errorf("an unknown format: %v", err)
	}
}

// broken fails after some bytes, as a full disk does.
type broken struct{ left int }

var errFull = fmt.Errorf("the disk is full")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestNoFormatHidesThatItCouldNotWrite(t *testing.T) {
	res := realistic(t)
	for _, f := range Formats() {
		for _, left := range []int{0, 200} {
			if err := Write(&broken{left}, f, res, options()); err == nil {
				t.Errorf("%s after %d bytes: no error", f, left)
			}
		}
	}
}

// many is a result with n vulnerabilities.
func many(t testing.TB, n int) *check.Result {
	res := realistic(t)
	proto := res.Findings[1]
	res.Findings = nil
	for i := range n {
		f := proto
		v := *proto.Vuln
		v.ID = fmt.Sprintf("CVE-2024-%05d", i)
		f.Vuln, f.Key, f.Severity = &v, v.ID+" "+v.Package, finding.Severity(5-i*6/n)
		res.Findings = append(res.Findings, f)
	}
	return res
}

func BenchmarkFormats(b *testing.B) {
	res := many(b, 3000)
	for _, f := range Formats() {
		if f == "openvex" { // it states what was observed of an image, and nothing was of this one
			continue
		}
		b.Run(f, func(b *testing.B) {
			var size int
			for b.Loop() {
				var buf bytes.Buffer
				if err := Write(&buf, f, res, options()); err != nil {
					b.Fatal(err)
				}
				size = buf.Len()
			}
			b.ReportMetric(float64(size)/1e6, "MB")
		})
	}
}
