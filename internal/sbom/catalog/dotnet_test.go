package catalog

import (
	"slices"
	"testing"
)

// TestDepsJSON: a library counts where a target takes a file of it.
func TestDepsJSON(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t, file{name: "app/a.deps.json", body: `{
		"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64"},
		"targets": {
			".NETCoreApp,Version=v8.0": {},
			".NETCoreApp,Version=v8.0/linux-x64": {
				"app/1.0.0": {"dependencies": {"Newtonsoft.Json": "12.0.1"}, "runtime": {"app.dll": {}}},
				"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"runtime": {"System.dll": {}}},
				"Newtonsoft.Json/12.0.1": {"runtime": {"lib/netstandard2.0/Newtonsoft.Json.dll": {}}},
				"System.Net.Http/4.3.0": {},
				"System.Text.Json/4.7.0": {"compile": {"ref/System.Text.Json.dll": {}}},
				"System.Buffers/4.5.0": {"runtime": {"lib/netcoreapp2.0/_._": {}}},
				"SQLitePCLRaw.lib.e_sqlite3/2.1.2": {"native": {"libe_sqlite3.so": {}}},
				"System.Drawing.Common/4.7.0": {"runtimeTargets": {"runtimes/unix/lib/System.Drawing.Common.dll": {"rid": "unix"}}}
			}
		},
		"libraries": {
			"app/1.0.0": {"type": "project"},
			"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"},
			"Newtonsoft.Json/12.0.1": {"type": "package"}, "System.Net.Http/4.3.0": {"type": "package"},
			"System.Text.Json/4.7.0": {"type": "package"}, "System.Buffers/4.5.0": {"type": "package"},
			"SQLitePCLRaw.lib.e_sqlite3/2.1.2": {"type": "package"}, "System.Drawing.Common/4.7.0": {"type": "package"}
		}}`},
		file{name: "none/b.deps.json", body: `{"targets": {"x": {"System.Net.Http/4.3.0": {}}}, "libraries": {"System.Net.Http/4.3.0": {"type": "package"}}}`},
		file{name: "old/c.deps.json", body: `{"libraries": {"Old/1.0.0": {"type": "package"}}}`},
	)))
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.Name+" "+p.Version)
	}
	slices.Sort(got)
	want := []string{
		"Microsoft.NETCore.App.Runtime.linux-x64 8.0.1", "Newtonsoft.Json 12.0.1", "Old 1.0.0",
		"SQLitePCLRaw.lib.e_sqlite3 2.1.2", "System.Drawing.Common 4.7.0",
	}
	if !slices.Equal(got, want) || len(inv.Unknown) > 0 {
		t.Errorf("got %q, want %q, unknown %v", got, want, inv.Unknown)
	}
}
