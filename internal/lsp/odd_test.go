package lsp_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// A completion within a word says what of it there is to replace, to a client that
// asks for that; any other keeps what follows the cursor.
func TestCompletionWithinAWord(t *testing.T) {
	const text = "FROM alpine AS build\r\nRUN echo '😀' \\\r\n  && true\r\nFROM alpine\r\nCOPY --from=buxx-y /a /b\r\nEXPxx\r\n"
	type edit struct{ Range, Insert, Replace map[string]map[string]int }
	at := func(can string, line, character int, label string) edit {
		c := begin(t, nil)
		c.hello(can)
		c.open("Dockerfile", "dockerfile", text)
		var got struct {
			Items []struct {
				Label    string
				TextEdit edit
			}
		}
		c.call("textDocument/completion", map[string]any{
			"textDocument": map[string]any{"uri": c.uri("Dockerfile")}, "position": map[string]int{"line": line, "character": character},
		}, &got)
		for _, it := range got.Items {
			if it.Label == label {
				return it.TextEdit
			}
		}
		t.Fatalf("%d:%d: %s is not offered", line, character, label)
		return edit{}
	}
	const both = `{"textDocument":{"completion":{"completionItem":{"insertReplaceSupport":true}}}}`
	for _, tt := range []struct {
		line, character int
		label           string
		start, end      int
	}{
		{4, 14, "build", 12, 18},
		{5, 3, "EXPOSE", 0, 5},
	} {
		got := at(both, tt.line, tt.character, tt.label)
		if got.Insert["end"]["character"] != tt.character || got.Replace["start"]["character"] != tt.start || got.Replace["end"]["character"] != tt.end || got.Range != nil {
			t.Errorf("%s: %v", tt.label, got)
		}
		got = at(capabilities, tt.line, tt.character, tt.label)
		if got.Range["start"]["character"] != tt.start || got.Range["end"]["character"] != tt.character || got.Insert != nil || got.Replace != nil {
			t.Errorf("%s, of which only one range is taken: %v", tt.label, got)
		}
	}
}

// Who takes no Markdown is shown none, and behind the last line is nothing.
func TestHoverInPlainText(t *testing.T) {
	c := begin(t, nil)
	c.hello(`{}`)
	c.open("Dockerfile", "dockerfile", "FROM nginx:1.20\nUSER nobody\n")
	hover := func(line int) string {
		var got json.RawMessage
		c.call("textDocument/hover", map[string]any{
			"textDocument": map[string]any{"uri": c.uri("Dockerfile")}, "position": map[string]int{"line": line, "character": 7},
		}, &got)
		return string(got)
	}
	if got := hover(0); !strings.Contains(got, "plaintext") || !strings.Contains(got, "nginx:1.20") || strings.Contains(got, "**") || strings.Contains(got, "`") {
		t.Error(got)
	}
	if got := hover(7); got != "null" {
		t.Error(got)
	}
}
