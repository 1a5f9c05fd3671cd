package exercise

import "testing"

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		probe   string
		exposed []uint16
		want    uint16
	}{
		{"http://localhost:8080/x", []uint16{80}, 8080},
		{"http://localhost/", []uint16{3000}, 3000},
		{"http://localhost/", []uint16{80, 443}, 80},
		{"https://localhost/", nil, 443},
		{"http://app.example/", nil, 80},
	} {
		got, err := Targets([]string{c.probe}, c.exposed)
		if err != nil || got[0].Port != c.want {
			t.Errorf("%s with %v is port %v, %v", c.probe, c.exposed, got, err)
		}
	}
	for _, bad := range []string{"", "localhost:80", "ftp://x/", "http://x:99999/", "http://x:0/", "http://", "http://x:y/"} {
		if _, err := ParseProbe(bad); err == nil {
			t.Errorf("%q is a probe", bad)
		}
	}
}
