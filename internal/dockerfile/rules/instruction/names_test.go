package instruction

import (
	"strings"
	"testing"
)

func TestTrusted(t *testing.T) {
	for _, test := range []struct {
		list  string
		image string
		want  bool
	}{
		{"docker.io", "ubuntu:18.04", true},
		{"docker.io", "zemanlx/ubuntu:18.04", true},
		{"docker.io", "docker.io/zemanlx/ubuntu:18.04", true},
		{"hub.docker.com", "ubuntu", true},
		{"docker.io", "random.com/debian", false},
		{"x.com random.com", "random.com/debian", true},
		{"*.random.com", "foo.random.com/debian", true},
		{"*.random.com", "random.com/debian", false},
		{"*", "ubuntu", true},
		{"foo.*", "foo.example/x", true},
		{"a*a", "a.a/x", true},
		{"aa*aa", "aaa:1/x", false},
		{"localhost:5000", "localhost:5000/x", true},
		{"localhost", "localhost:5000/x", false},
		{"docker.io/library", "ubuntu", true},
		{"docker.io/library", "docker.io/ubuntu", true},
		{"docker.io/library", "zemanlx/ubuntu", false},
		{"gcr.io/team", "gcr.io/team/app", true},
		{"gcr.io/team", "gcr.io/teamster/app", false},
		{"gcr.io/team/app", "gcr.io/team/app:1", true},
	} {
		if got := trusted(test.image, strings.Fields(test.list)); got != test.want {
			t.Errorf("%s of %s: %t", test.image, test.list, got)
		}
	}
}

func TestOneOff(t *testing.T) {
	for a, b := range map[string]string{"build": "biuld", "app": "apps", "base": "bsae", "deps": "dep", "x": "y"} {
		if !oneOff(a, b) || !oneOff(b, a) || oneOff(a, a+"zz") {
			t.Errorf("%s and %s", a, b)
		}
	}
}
