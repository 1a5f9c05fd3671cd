package catalog

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	_ "modernc.org/sqlite"
)

// dnfHistoryOf is a history of dnf 4, with the columns of libdnf's tables, in which
// statements put something.
func dnfHistoryOf(t testing.TB, statements string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "history.sqlite")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`CREATE TABLE trans (id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL);
CREATE TABLE rpm (item_id INTEGER UNIQUE NOT NULL, name TEXT NOT NULL, epoch INTEGER NOT NULL, version TEXT NOT NULL, release TEXT NOT NULL, arch TEXT NOT NULL);
CREATE TABLE trans_item (id INTEGER PRIMARY KEY AUTOINCREMENT, trans_id INTEGER, item_id INTEGER, repo_id INTEGER, action INTEGER NOT NULL, reason INTEGER NOT NULL, state INTEGER NOT NULL);` + statements)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReasonsOfRPM: what zypp, yum, dnf 4 and dnf 5 installed for another package is
// none that somebody asked for; where they do not say, nothing is said.
func TestReasonsOfRPM(t *testing.T) {
	names := []string{}
	for _, p := range inventoryOf(t, scanOf(t, tarOf(t, file{name: "var/lib/rpm/rpmdb.sqlite", body: string(sampleRPM(t))}))).Packages {
		names = append(names, p.Name)
	}
	if len(names) != 2 {
		t.Fatal(names)
	}
	asked, brought := names[0], names[1]
	history := func(reason string) string {
		return string(dnfHistoryOf(t, `INSERT INTO rpm VALUES (1,'`+asked+`',0,'1','1','x86_64'), (2,'`+brought+`',0,'1','1','x86_64'), (3,'`+brought+`',0,'2','1','x86_64');
INSERT INTO trans_item VALUES (NULL,1,1,1,1,2,1), (NULL,1,2,1,1,2,1), (NULL,2,3,1,6,`+reason+`,1), (NULL,3,3,1,6,2,2);`))
	}
	for name, c := range map[string]struct {
		files []file
		want  []string // nil: not known
	}{
		"zypp":             {[]file{{name: "var/lib/zypp/AutoInstalled", body: "# The following packages were auto-installed\n\n" + brought + "\n"}}, []string{asked}},
		"dnf 5":            {[]file{{name: "usr/lib/sysimage/libdnf5/packages.toml", body: "version = \"1.0\"\n[packages]\n[packages.\"" + brought + ".x86_64\"]\nreason = \"Weak Dependency\"\n[packages.\"" + asked + ".x86_64\"]\nreason = \"External User\"\n"}}, []string{asked}},
		"dnf 5, damaged":   {[]file{{name: "usr/lib/sysimage/libdnf5/packages.toml", body: "[packages"}}, nil},
		"dnf 4":            {[]file{{name: "var/lib/dnf/history.sqlite", body: history("1")}}, []string{asked}},
		"dnf 4, weak":      {[]file{{name: "var/lib/dnf/history.sqlite", body: history("4")}}, []string{asked}},
		"dnf 4, a group":   {[]file{{name: "var/lib/dnf/history.sqlite", body: history("5")}}, names},
		"dnf 4, unsaved":   {[]file{{name: "var/lib/dnf/history.sqlite", body: history("1")}, {name: "var/lib/dnf/history.sqlite-wal", body: "more"}}, nil},
		"dnf 4, saved":     {[]file{{name: "var/lib/dnf/history.sqlite", body: history("1")}, {name: "var/lib/dnf/history.sqlite-wal", body: ""}}, []string{asked}},
		"dnf 4, no tables": {[]file{{name: "var/lib/dnf/history.sqlite", body: "SQLite format 3\x00" + strings.Repeat("\x00", 200)}}, nil},
		"yum": {[]file{
			{name: "var/lib/yum/yumdb/x/0a1b-" + asked + "-1-1-x86_64/reason", body: "user"}, {name: "var/lib/yum/yumdb/x/0a1c-" + brought + "-1-1-x86_64/reason", body: "dep"},
		}, []string{asked}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := inventoryOf(t, scanOf(t, tarOf(t, append([]file{{name: "var/lib/rpm/rpmdb.sqlite", body: string(sampleRPM(t))}}, c.files...)...)))
			var got []string
			for _, root := range inv.Components {
				if root.Guessed != (c.want == nil) {
					t.Errorf("guessed: %v", root.Guessed)
				}
				if needs, _ := inv.Graph.Of(root.Node); !root.Guessed {
					for _, p := range inv.Packages {
						if slices.Contains(needs, p.Node) {
							got = append(got, p.Name)
						}
					}
				}
			}
			if len(inv.Components) != 1 || !slices.Equal(got, c.want) {
				t.Errorf("asked for: %q, not %q; %+v", got, c.want, inv.Components)
			}
		})
	}
}

// FuzzDNFHistory: any damage to a history is a list of names or none, in time bounded
// by its size.
func FuzzDNFHistory(f *testing.F) {
	db := dnfHistoryOf(f, `INSERT INTO rpm VALUES (1,'a',0,'1','1','x86_64'), (2,'b',0,'1','1','x86_64'); INSERT INTO trans_item VALUES (NULL,1,1,1,1,2,1), (NULL,1,2,1,1,1,1);`)
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		names, ok := dnfBrought(bytes.NewReader(damage.Do(db, script)))
		if !ok && len(names) > 0 || !slices.IsSorted(names) {
			t.Errorf("%v %q", ok, names)
		}
		if names, ok := dnfBrought(bytes.NewReader(db)); !ok || !slices.Equal(names, []string{"b"}) {
			t.Errorf("the sound one: %v %q", ok, names)
		}
	})
}
