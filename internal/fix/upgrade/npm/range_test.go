package npm

import "testing"

func FuzzNPMRange(f *testing.F) {
	for _, s := range []string{"^1.2.3", "~0.1", "1.x || >=2.0.0-rc.1 <3", "1 - 2.3", "*", "", "npm:a@^1", "git+x", ">1", "<=1.2", "=v1.2.3"} {
		f.Add(s, "1.5.0")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		p, ok := ParsePart(version)
		if !ok || p.Have < 3 || p.Low() != version {
			return
		}
		to, ok := raisedRange(spec, version)
		if !ok {
			return
		}
		if admits, known := Admits(to, version); !admits && known && p.Pre == "" {
			t.Fatalf("%q raised to %q does not admit %s", spec, to, version)
		}
	})
}
