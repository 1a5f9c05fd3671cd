package rewrite

import "testing"

func TestAllows(t *testing.T) {
	for _, tt := range []struct {
		text, version string
		ok, known     bool
	}{
		{">=16", "22", true, true},
		{"16", "22", false, true},
		{"v16.3.0", "22-alpine", false, true},
		{"14.x || 16.x", "22", false, true},
		{"14.x || >= 16", "22", true, true},
		{"^18", "22", false, true},
		{"^18 || ^22.1", "22", true, true},
		{">=22.5 <23", "22", true, true},
		{"16 - 20", "22", false, true},
		{"lts/*", "22", true, true},
		{"lts/hydrogen", "22", false, false},
		{">=3.6,<3.9", "3.11", false, true},
		{">= 3.6, < 4", "3.11", true, true},
		{"~=3.8", "3.11", true, true},
		{"~=3.8.2", "3.11", false, true},
		{"~> 2.7", "3.3", false, true},
		{"~> 3.1", "3.3", true, true},
		{"~3.1", "3.3", false, true},
		{"!=3.11.*", "3.11", false, true},
		{">=1.21", "1.26", true, true},
		{"*", "3", true, true},
		{"", "3", false, false},
		{"dev-main", "3", false, false},
	} {
		if ok, known := allows(tt.text, versionOf(tt.version)); ok != tt.ok || known != tt.known {
			t.Errorf("%q lets %s be: %v, known %v", tt.text, tt.version, ok, known)
		}
	}
}

// FuzzAllows: a range that is read lets a version be or does not, whoever wrote
// it, and never both by more spaces.
func FuzzAllows(f *testing.F) {
	f.Add(">=16 <20 || ^22", "22")
	f.Add("~> 2.7, !=2.7.1", "2.7.8")
	f.Fuzz(func(t *testing.T, text, version string) {
		ok, known := allows(text, versionOf(version))
		if ok && !known {
			t.Errorf("%q lets %q be, and is not known", text, version)
		}
		if more, read := allows("  "+text+"  ", versionOf(version)); known && len(text) < 190 && (more != ok || read != known) {
			t.Errorf("%q with spaces is another range", text)
		}
	})
}
