package catalog

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	rpmdb "github.com/anchore/go-rpmdb/pkg"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
)

// TestRPMOracle reads the real databases that come with another reader of
// them (its module is in the module cache of whoever builds this) and holds
// both to the same answer, down to the names of the files.
func TestRPMOracle(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anchore/go-rpmdb").Output()
	if err != nil {
		t.Skipf("the module's folder is not known: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "pkg", "testdata")
	dbs, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(dbs) < 10 {
		t.Skipf("%d databases in %s: %v", len(dbs), dir, err)
	}
	for _, db := range dbs {
		t.Run(filepath.Base(filepath.Dir(db))+"/"+filepath.Base(db), func(t *testing.T) {
			got := rpmFacts(t, db)
			want, owned := rpmByOracle(t, db)
			if diff := cmp.Diff(want, nevras(got.packages)); diff != "" {
				t.Errorf("packages (-theirs +ours):\n%s", diff)
			}
			mine := map[string]int{}
			for _, o := range got.owners {
				mine[o.name+"@"+o.version] += len(o.paths) / 8
			}
			if diff := cmp.Diff(owned, mine); diff != "" {
				t.Errorf("owned files (-theirs +ours):\n%s", diff)
			}
			rpmNeedsByOracle(t, db, &got)
		})
	}
}

// rpmNeedsByOracle: a package needs one that provides what it requires, for each
// thing that it requires and that some other has; and it needs no other.
func rpmNeedsByOracle(t *testing.T, name string, got *facts) {
	db, err := rpmdb.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all, err := db.ListPackages()
	if err != nil {
		t.Fatal(err)
	}
	provides := map[string]map[string]bool{} // by package
	for _, p := range all {
		provides[p.Name] = map[string]bool{p.Name: true}
		for _, s := range p.Provides {
			provides[p.Name][s] = true
		}
		files, err := p.InstalledFileNames()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range files {
			provides[p.Name][s] = true
		}
	}
	ours := map[string]map[string]bool{}
	edges := 0
	for _, n := range got.graph.nodes {
		from := got.packages[n.pkg].Name
		if ours[from] == nil {
			ours[from] = map[string]bool{}
		}
		for _, to := range n.needs {
			ours[from][got.packages[got.graph.nodes[to].pkg].Name] = true
			edges++
		}
	}
	if len(all) > 20 && edges < len(all) {
		t.Errorf("%d edges of %d packages", edges, len(all))
	}
	for _, p := range all {
		reason := map[string]bool{}
		for _, r := range p.Requires {
			met, some := false, false
			for other, has := range provides {
				if !has[r] || other == "gpg-pubkey" {
					continue
				}
				some = true
				met = met || other == p.Name || ours[p.Name][other]
				reason[other] = true
			}
			if some && !met && p.Name != "gpg-pubkey" {
				t.Errorf("%s requires %s, which is there", p.Name, r)
			}
		}
		for to := range ours[p.Name] {
			rich := slices.ContainsFunc(p.Requires, func(r string) bool { return strings.HasPrefix(r, "(") || strings.HasPrefix(r, "/") })
			if !reason[to] && !rich {
				t.Errorf("%s needs %s for no reason", p.Name, to)
			}
		}
	}
}

func rpmFacts(t testing.TB, db string) facts {
	t.Helper()
	f, err := os.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := learnRPM(t.Context(), layer.Input{Path: "var/lib/rpm/" + filepath.Base(db), Size: st.Size(), Body: f})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func nevras(ps []sbom.Package) []string {
	var out []string
	for _, p := range ps {
		out = append(out, strings.Join([]string{p.Name, p.Version, p.Arch, p.Source, p.SourceVersion, p.Module, p.Vendor, strings.Join(p.Licenses, " ")}, "|"))
	}
	slices.Sort(out)
	return out
}

func rpmByOracle(t *testing.T, name string) (want []string, owned map[string]int) {
	t.Helper()
	db, err := rpmdb.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all, err := db.ListPackages()
	if err != nil {
		t.Fatal(err)
	}
	owned = map[string]int{}
	for _, p := range all {
		if p.Name == "gpg-pubkey" {
			continue
		}
		h := rpmHeader{
			name: p.Name, version: p.Version, release: p.Release, arch: p.Arch, source: p.SourceRpm, license: p.License, epoch: uint32(p.EpochNum()),
			vendor: p.Vendor, module: p.Modularitylabel,
		}
		want = append(want, nevras([]sbom.Package{h.pkg()})...)
		files, err := p.InstalledFileNames()
		if err != nil {
			t.Fatal(err)
		}
		version := p.Version + "-" + p.Release
		if e := p.EpochNum(); e != 0 {
			version = strconv.Itoa(e) + ":" + version
		}
		for _, f := range files {
			if worthOwning([]byte(path.Base(f))) && path.Base(f) != "/" {
				owned[p.Name+"@"+version]++
			}
		}
	}
	slices.Sort(want)
	return want, owned
}
