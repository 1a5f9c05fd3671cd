package inspect

import "testing"

func TestPrivateHost(t *testing.T) {
	for host, want := range map[string]bool{
		"http://10.0.0.5/x": true, "http://192.168.1.4:8081": true, "http://172.17.0.1/": true, "http://100.64.0.9": true, "http://[fd00::1]:80/a": true,
		"http://nexus/x": true, "http://user:pw@nexus.internal:8081/x": true, "pypi.corp.local": true, "artifacts.LAN.": true, "http://$MIRROR/x": true,
		"http://host.docker.internal": true, "127.0.0.1": true,
		"http://example.org/x": false, "pypi.org": false, "http://8.8.8.8/": false, "https://[2001:db8::1]/": false, "http://10.example.org": false,
		"http://example.org/?to=nexus.internal": false,
	} {
		if got := PrivateHost(host); got != want {
			t.Errorf("privateHost(%q) = %v", host, got)
		}
	}
}
