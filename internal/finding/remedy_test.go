package finding

import "testing"

func TestRemedy(t *testing.T) {
	for want, v := range map[string]Vuln{
		"":                    {Name: "qs", Via: []string{"express 4.17.1"}},
		"Upgrade qs to 6.7.3": {Name: "qs", FixedIn: "6.7.3", PackageType: "npm", Path: []string{"shop", "qs"}},
		"Upgrade qs to 6.7.3: raise express 4.17.1, which brings it":          {Name: "qs", FixedIn: "6.7.3", PackageType: "npm", Via: []string{"express 4.17.1"}, Path: []string{"shop", "express 4.17.1", "qs 6"}},
		"Upgrade qs to 6.7.3, and raise express 4.17.1, which brings it too":  {Name: "qs", FixedIn: "6.7.3", PackageType: "npm", Via: []string{"express 4.17.1"}, Path: []string{"shop", "qs 6"}},
		"Upgrade qs to 6.7.3: raise a 1 and b 2, which bring it":              {Name: "qs", FixedIn: "6.7.3", PackageType: "npm", Via: []string{"a 1", "b 2"}, Path: []string{"shop", "a 1", "qs 6"}},
		"Upgrade qs to 6.7.3: raise a 1, b 2, c 3 and 2 more, which bring it": {Name: "qs", FixedIn: "6.7.3", PackageType: "npm", Via: []string{"a 1", "b 2", "c 3", "d 4", "e 5"}, Path: []string{"shop", "a 1", "qs 6"}},
		"Upgrade openssl to 3": {Name: "openssl", FixedIn: "3", PackageType: "deb", Via: []string{"curl 8"}, Path: []string{"debian 12", "curl 8", "libssl3 3"}},
	} {
		if got := v.Remedy(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
