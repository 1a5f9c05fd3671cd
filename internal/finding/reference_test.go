package finding

import "testing"

func TestParseReference(t *testing.T) {
	for s, want := range map[string]Reference{
		"":                               {},
		"node":                           {Name: "node"},
		"node:22-slim":                   {Name: "node", Tag: "22-slim"},
		"localhost:5000/a/b":             {Name: "localhost:5000/a/b"},
		"localhost:5000/a/b:1":           {Name: "localhost:5000/a/b", Tag: "1"},
		"a/b@sha256:00":                  {Name: "a/b", Digest: "sha256:00"},
		"registry.test:443/a:1@sha256:0": {Name: "registry.test:443/a", Tag: "1", Digest: "sha256:0"},
		"a:":                             {Name: "a"},
		"$BASE":                          {Name: "$BASE"},
	} {
		if got := ParseReference(s); got != want {
			t.Errorf("%q is %+v, want %+v", s, got, want)
		}
	}
}
