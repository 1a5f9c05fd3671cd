package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// A program of the Engine is looked up as what it is: a distribution's package, a
// module of Go, an Engine by its own version; and not at all where a distribution has
// put fixes into it that nobody here knows.
func TestInventoryOf(t *testing.T) {
	status := filepath.Join(t.TempDir(), "status")
	text := "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1+deb12u1\nDescription: x\n  Version: 9\n\n" +
		"Package: runc\nStatus: deinstall ok config-files\nVersion: 1.0.0+ds1-1\n\nPackage: bash\nVersion: 5\nStatus: install ok installed\n"
	if err := os.WriteFile(status, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	installed := installedPrograms(status)
	if len(installed) != 1 || installed["docker.io"] == "" {
		t.Errorf("installed: %v", installed)
	}
	here := &sbom.Distro{ID: "debian", VersionID: "12"}
	for _, tt := range []struct {
		c    runtime.Component
		want string // purl without its qualifiers, and the distribution; or why none
	}{
		{runtime.Component{Name: "Engine", Version: "20.10.24+dfsg1"}, "deb/docker.io 20.10.24+dfsg1-1+deb12u1 debian 12"},
		{runtime.Component{Name: "Engine", Version: "26.1.5+dfsg1"}, "a distribution built it"},
		{runtime.Component{Name: "Engine", Version: "29.3.0"}, "apk/docker 29.3.0-r0 alpine edge"},
		{runtime.Component{Name: "runc", Version: "1.1.5+ds1", Commit: "1.1.5+ds1-1+deb12u1"}, "deb/runc 1.1.5+ds1-1+deb12u1 debian 12"},
		{runtime.Component{Name: "runc", Version: "1.1.12", Commit: "v1.1.12-0-g51d5e946"}, "golang/runc v1.1.12"},
		{runtime.Component{Name: "containerd", Version: "v2.0.1"}, "golang/v2 v2.0.1"},
		{runtime.Component{Name: "containerd", Version: "1.7.20"}, "golang/containerd v1.7.20"},
		{runtime.Component{Name: "containerd", Version: "1.7.20-0ubuntu1"}, "a distribution built it"},
		{runtime.Component{Name: "containerd", Version: "2.4.2+unknown"}, "golang/v2 v2.4.2"},
		{runtime.Component{Name: "Engine", Version: "29.5.0", Module: "github.com/moby/moby/v2@v2.0.0-beta.14"}, "golang/v2 v2.0.0-beta.14"},
		{runtime.Component{Name: "docker-init", Version: "0.19.0"}, ""},
	} {
		inv, got := inventoryOf(tt.c, installed, here)
		if inv != nil {
			p := inv.Packages[0]
			got = p.Type + "/" + p.Name + " " + p.Version
			if inv.Distro != nil {
				got += " " + inv.Distro.ID + " " + inv.Distro.VersionID
			}
		}
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", tt.c, got, tt.want)
		}
	}
}
