package runtime

import "testing"

func TestVersionIn(t *testing.T) {
	for said, want := range map[string]string{
		"1.1.5+ds1": "1.1.5",
		"1.5.3":     "1.5.3",
		"crun version 1.8.1\ncommit: f8a096\n+SYSTEMD": "1.8.1",
		"": "",
	} {
		if got := versionIn(said, "crun"); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}
