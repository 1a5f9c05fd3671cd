package dockerfile

import "testing"

func TestWorse(t *testing.T) {
	for _, tt := range []struct{ before, after, want string }{
		{"CMD [\"npm\", \"start\"]", "CMD [\"node\", \"a.js\"]", ""},
		{"CMD [\"npm\", \"start\"]", "CMD [[\"node\", \"a.js\"]", "line 2: CMD begins like the JSON form and is no JSON"},
		{"COPY [\"a\", \"/b\"]", "COPY [\"a\", \"/b\"]/", "line 2: COPY begins like the JSON form and is no JSON"},
		{"CMD ['a']", "CMD ['a']", ""},
		{"RUN [ -f /a ] && b", "RUN [ -f /a ] && b; c", ""},
		{"RUN a && b", "RUN a &&", "line 2: RUN is nothing that its shell can read"},
		{"RUN a &&", "RUN a && ;", ""}, // it was as broken before
		{"HEALTHCHECK CMD a", "HEALTHCHECK CMD a '", "line 2: HEALTHCHECK is nothing that its shell can read"},
		{"SHELL [\"powershell\"]\nRUN if (a) { b }", "SHELL [\"powershell\"]\nRUN if (a) { c }", ""},
	} {
		before, err := Parse("", []byte("FROM a\n"+tt.before+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		after, err := Parse("", []byte("FROM a\n"+tt.after+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := Worse(before, after); got != tt.want {
			t.Errorf("%q to %q: %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}
