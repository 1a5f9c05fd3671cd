package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
)

// fakeEngine is a Docker Engine that has things by their names.
type fakeEngine struct {
	id   string
	has  map[string]string // name -> id
	late map[string]int    // name -> how often it is asked for before it is there
	busy error             // of every removal
}

func (f *fakeEngine) Identity() string { return f.id }

func (f *fakeEngine) Take(_ context.Context, e Entry) (Fate, error) {
	if n := f.late[e.Name]; n > 0 {
		f.late[e.Name]--
		return Absent, nil
	}
	id, ok := f.has[e.Name]
	switch {
	case !ok:
		return Absent, nil
	case e.ID != "" && e.ID != id:
		return Spared, nil
	case f.busy != nil:
		return Absent, f.busy
	}
	delete(f.has, e.Name)
	return Removed, nil
}

func (f *fakeEngine) dial(context.Context, string) Engine { return f }

// heard is a ledger in a folder, with what it tells.
func heard(dir string) (*Ledger, *[]string) {
	var told []string
	return Open(dir, disk.User{}, func(what string) { told = append(told, what) }), &told
}

// die ends the page of a ledger as the death of its process does.
func (l *Ledger) die(t *testing.T) {
	t.Helper()
	if l.page == nil {
		t.Fatal("there is no page")
	}
	if err := l.page.f.Close(); err != nil {
		t.Fatal(err)
	}
	l.page = nil
}

func pages(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, folderName(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestWhatIsRemovedLeavesNoPage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	l, told := heard(dir)
	a, b := must(l.Folder("proof")), must(l.Folder("build"))
	f, err := disk.Create(filepath.Join(dir, "done"), disk.Options{Record: l})
	if err != nil || len(pages(t, dir)) != 1 {
		t.Fatalf("%v, pages %v", err, pages(t, dir))
	}
	if err := os.WriteFile(filepath.Join(a.Path, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	l.Sweep(t.Context(), nil) // its own page has an owner
	if !there(a.Path) || !there(b.Path) {
		t.Fatal("a run sweeps its own things")
	}
	if err := errors.Join(a.Remove(), b.Remove(), b.Remove()); err != nil {
		t.Fatal(err)
	}
	if there(a.Path) || len(pages(t, dir)) != 0 || len(*told) != 0 || !there(filepath.Join(dir, "done")) {
		t.Errorf("pages %v, told %v", pages(t, dir), *told)
	}
	if err := l.Ready(); err != nil || len(pages(t, dir)) != 0 {
		t.Errorf("%v, pages %v", err, pages(t, dir))
	}
}

func TestSweepTakesWhatTheDeadLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	dead, _ := heard(dir)
	folder := must(dead.Folder("proof"))
	if err := os.MkdirAll(filepath.Join(folder.Path, "context", "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Create(filepath.Join(dir, "Dockerfile"), disk.Options{Record: dead}); err != nil {
		t.Fatal(err)
	}
	file := must(filepath.Glob(filepath.Join(dir, ".Dockerfile.drydock-*")))[0]
	soon := time.Now().Add(time.Minute)
	entry := func(kind Kind) *Mark {
		return must(dead.Add(Entry{Kind: kind, Name: Name("proof"), Engine: "E", Until: soon}))
	}
	network, known, unknown, another, gone, late := entry(Network), entry(Container), entry(Container), entry(Container), entry(Image), entry(Volume)
	elsewhere := must(dead.Add(Entry{Kind: Container, Name: Name("proof"), Engine: "F", Until: soon}))
	for m, id := range map[*Mark]string{known: "1", another: "2", gone: "3", elsewhere: "4"} {
		if err := m.Made(id); err != nil {
			t.Fatal(err)
		}
	}
	e := &fakeEngine{id: "E", late: map[string]int{late.Entry().Name: 3}, has: map[string]string{
		"mine": "1", network.Entry().Name: "n", known.Entry().Name: "1", unknown.Entry().Name: "u", another.Entry().Name: "9",
		late.Entry().Name: "l", elsewhere.Entry().Name: "4",
	}}
	live, _ := heard(dir)
	lives := must(live.Folder("proof"))
	defer lives.Remove()
	dead.die(t)

	l, told := heard(dir)
	l.Sweep(t.Context(), e.dial)
	if there(folder.Path) || there(file) || !there(lives.Path) {
		t.Errorf("folder %v, file %v, that of a live run %v", there(folder.Path), there(file), there(lives.Path))
	}
	want := map[string]string{"mine": "1", another.Entry().Name: "9", elsewhere.Entry().Name: "4"}
	if fmt.Sprint(e.has) != fmt.Sprint(want) {
		t.Errorf("the Engine has %v, want %v", e.has, want)
	}
	said := strings.Join(*told, "\n")
	if strings.Count(said, "removed ") != 6 || strings.Count(said, "left alone: ") != 1 || !strings.Contains(said, folder.Path) {
		t.Errorf("told:\n%s", said)
	}
	if len(pages(t, dir)) != 2 {
		t.Errorf("pages: %v", pages(t, dir)) // of the live run, and of what is in another Engine
	}

	// In its own Engine, what stayed is found and goes.
	other := &fakeEngine{id: "F", has: map[string]string{elsewhere.Entry().Name: "4"}}
	l.Sweep(t.Context(), func(context.Context, string) Engine { return nil })
	l.Sweep(t.Context(), other.dial)
	if len(other.has) != 0 || len(pages(t, dir)) != 1 {
		t.Errorf("the other Engine has %v; pages %v", other.has, pages(t, dir))
	}
}

// TestWhatMayStillCome: what was asked for and is not there is looked for until
// it can no longer come.
func TestWhatMayStillCome(t *testing.T) {
	dir := t.TempDir()
	dead, _ := heard(dir)
	name := Name("proof")
	must(dead.Add(Entry{Kind: Image, Name: name, Engine: "E", Until: time.Now().Add(time.Hour)}))
	past := must(dead.Add(Entry{Kind: Image, Name: Name("proof"), Engine: "E", Until: time.Now().Add(-time.Hour)}))
	dead.die(t)
	old := time.Now().Add(-time.Minute) // nobody waits for what a run asked for long ago
	if err := os.Chtimes(pages(t, dir)[0], old, old); err != nil {
		t.Fatal(err)
	}
	e := &fakeEngine{id: "E", has: map[string]string{}}
	l, told := heard(dir)
	l.Sweep(t.Context(), e.dial)
	text, err := os.ReadFile(pages(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	if b, err := parse(text); err != nil || len(b.live) != 1 || b.live[1].Name != name || b.damaged != 0 {
		t.Fatalf("%+v %v; %s must be forgotten", b, err, past.Entry().Name)
	}
	e.has[name] = "i"
	l.Sweep(t.Context(), e.dial)
	if len(e.has) != 0 || len(pages(t, dir)) != 0 || len(*told) != 1 {
		t.Errorf("the Engine has %v; pages %v; told %v", e.has, pages(t, dir), *told)
	}
}

func TestWhatCannotBeRemovedStaysWrittenDown(t *testing.T) {
	dir := t.TempDir()
	dead, _ := heard(dir)
	m := must(dead.Add(Entry{Kind: Network, Name: Name("proof"), Engine: "E"}))
	dead.die(t)
	e := &fakeEngine{id: "E", has: map[string]string{m.Entry().Name: "n"}, busy: errors.New("it has active endpoints")}
	l, told := heard(dir)
	l.Sweep(t.Context(), e.dial)
	if len(pages(t, dir)) != 1 || len(*told) != 1 || !strings.Contains((*told)[0], "active endpoints") {
		t.Fatalf("pages %v, told %v", pages(t, dir), *told)
	}
	e.busy = nil
	l.Sweep(t.Context(), e.dial)
	if len(e.has) != 0 || len(pages(t, dir)) != 0 {
		t.Errorf("pages %v, told %v", pages(t, dir), *told)
	}
}

// TestHostilePages: whatever lies in the ledger's folder, nothing goes that was
// not made by Drydock.
func TestHostilePages(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and modes as here are Unix's")
	}
	dir, home := t.TempDir(), t.TempDir()
	l, told := heard(dir)
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, folderName(), name) }
	precious := filepath.Join(home, "precious")
	trap := filepath.Join(home, Name("proof")) // a link with a name of ours
	file := filepath.Join(home, ".f.drydock-"+disk.Random())
	for _, err := range []error{
		os.MkdirAll(filepath.Join(precious, "data"), 0o755), os.Symlink(precious, trap), os.Mkdir(file, 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	page := header("h", 1, time.Now())
	page = append(page, Entry{Kind: Folder, Name: trap, At: time.Now()}.line(1)...)
	page = append(page, Entry{Kind: Folder, Name: precious, At: time.Now()}.line(2)...)
	page = append(page, Entry{Kind: File, Name: file, At: time.Now()}.line(3)...)
	page = append(page, Entry{Kind: Container, Name: "nginx", Engine: "E", At: time.Now()}.line(4)...)
	write := func(name string, b []byte, mode fs.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(in(name), b, mode), os.Chmod(in(name), mode)); err != nil {
			t.Fatal(err)
		}
	}
	hostile := disk.Random()
	write(hostile+suffix, page, 0o600)
	e := &fakeEngine{id: "E", has: map[string]string{"nginx": "1"}}
	l.Sweep(t.Context(), e.dial)
	if !there(filepath.Join(precious, "data")) || !there(trap) || !there(file) || len(e.has) != 1 {
		t.Fatal("something is gone")
	}
	if said := strings.Join(*told, "\n"); !strings.Contains(said, "2 lines of "+in(hostile)) || strings.Count(said, "left alone") != 3 {
		t.Errorf("told:\n%s", said)
	}
	if !there(in(hostile + suffix + ".damaged")) {
		t.Error("a damaged page is not kept")
	}

	// What is not read at all.
	good := filepath.Join(home, Name("proof"))
	if err := os.Mkdir(good, 0o700); err != nil {
		t.Fatal(err)
	}
	page = append(header("h", 1, time.Now()), Entry{Kind: Folder, Name: good, At: time.Now()}.line(1)...)
	outside := filepath.Join(home, "page")
	if err := os.WriteFile(outside, page, 0o600); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(home, "big")
	if err := errors.Join(os.WriteFile(big, nil, 0o600), os.Truncate(big, maxPage+1)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"a link":        os.Symlink(outside, in(disk.Random()+suffix)),
		"a folder":      os.Mkdir(in(disk.Random()+suffix), 0o700),
		"a large file":  os.Rename(big, in(disk.Random()+suffix)),
		"another's way": os.WriteFile(in("x"+suffix), page, 0o600),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	write(disk.Random()+suffix, page, 0o666)
	*told = nil
	l.Sweep(t.Context(), e.dial)
	if !there(good) {
		t.Error("a page that others can write is believed")
	}
	if len(*told) != 4 {
		t.Errorf("told:\n%s", strings.Join(*told, "\n"))
	}

	// A folder that others can write is not believed, and nothing is written there.
	write(disk.Random()+suffix, page, 0o600)
	if err := os.Chmod(filepath.Join(dir, folderName()), 0o777); err != nil {
		t.Fatal(err)
	}
	*told = nil
	l.Sweep(t.Context(), e.dial)
	var no *UnwritableError
	if err := l.Ready(); !errors.As(err, &no) || !there(good) || len(*told) != 1 {
		t.Errorf("%v, told %v", err, *told)
	}
	if err := os.Chmod(filepath.Join(dir, folderName()), 0o700); err != nil {
		t.Fatal(err)
	}
	l.Sweep(t.Context(), e.dial)
	if there(good) {
		t.Error("a page as it should be is not believed")
	}
}

func TestNowhereToWrite(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	entry := Entry{Kind: Container, Name: Name("proof"), Engine: "E"}
	for name, l := range map[string]*Ledger{"nil": nil, "no folder": Open("", disk.User{}, nil), "a file": Open(file, disk.User{}, nil), "below a file": Open(filepath.Join(file, "x"), disk.User{}, nil)} {
		var no *UnwritableError
		if _, err := l.Add(entry); !errors.As(err, &no) || no.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := l.Ready(); !errors.As(err, &no) {
			t.Errorf("%s: %v", name, err)
		}
		l.Sweep(t.Context(), nil)
		// A folder of temporary files is made all the same.
		d, err := l.Folder("proof")
		if err != nil || !there(d.Path) || d.Remove() != nil || there(d.Path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(t.TempDir(), disk.User{}, nil).Add(Entry{Kind: Container, Name: "nginx", Engine: "E"}); err == nil {
		t.Error("a name that somebody may have is written down")
	}
}

// TestFullDisk: what cannot be written is not made, and what was written before
// is still read.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no /dev/full: %v", err)
	}
	defer full.Close()
	dir := t.TempDir()
	l, _ := heard(dir)
	m := must(l.Add(Entry{Kind: Container, Name: Name("proof"), Engine: "E"}))
	disk := l.page.f
	l.page.f = full
	var no *UnwritableError
	if _, err := l.Add(Entry{Kind: Container, Name: Name("proof"), Engine: "E"}); !errors.As(err, &no) {
		t.Errorf("%v", err)
	}
	if err := m.Made("1"); err == nil {
		t.Error("an id is taken as written")
	}
	l.page.f = disk
	l.die(t)
	e := &fakeEngine{id: "E", has: map[string]string{m.Entry().Name: "1"}}
	l.Sweep(t.Context(), e.dial)
	if len(e.has) != 0 || len(pages(t, dir)) != 0 {
		t.Errorf("the Engine has %v; pages %v", e.has, pages(t, dir))
	}
}

// TestManyRuns: processes that make, sweep and are killed at any instant lose
// nothing that lives and leave nothing.
func TestManyRuns(t *testing.T) {
	if os.Getenv("LEDGER_TEST_CHILD") != "" {
		child()
	}
	dir, tmp := t.TempDir(), t.TempDir()
	const runs = 12
	var cmds []*exec.Cmd
	for i := range runs {
		cmd := exec.Command(os.Args[0], "-test.run=^TestManyRuns$")
		cmd.Env = append(os.Environ(), "LEDGER_TEST_CHILD="+dir, "TMPDIR="+tmp)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
		ready := bufio.NewScanner(out)
		if !ready.Scan() {
			t.Fatal("a child does not begin")
		}
		go func() {
			for ready.Scan() {
				if line := ready.Text(); strings.HasPrefix(line, "lost") {
					t.Errorf("run %d: %s", i, line)
				}
			}
		}()
	}
	for i, cmd := range cmds {
		time.Sleep(time.Duration(7*i%11) * 5 * time.Millisecond)
		_ = cmd.Process.Kill()
	}
	for _, cmd := range cmds {
		_ = cmd.Wait()
	}
	Open(dir, disk.User{}, nil).Sweep(t.Context(), nil)
	left := must(os.ReadDir(tmp))
	if len(left) > 0 || len(pages(t, dir)) > 0 {
		t.Errorf("left: %v, pages %v", left, pages(t, dir))
	}
}

// child makes folders, keeps some, sweeps, and says what of its own is lost.
func child() {
	l := Open(os.Getenv("LEDGER_TEST_CHILD"), disk.User{}, nil)
	fmt.Println("ready")
	var kept []*Temp
	for {
		d, err := l.Folder("proof")
		if err != nil {
			fmt.Println("lost:", err)
			os.Exit(1)
		}
		kept = append(kept, d)
		l.Sweep(context.Background(), nil)
		if i := slices.IndexFunc(kept, func(d *Temp) bool { return !there(d.Path) }); i >= 0 {
			fmt.Println("lost:", kept[i].Path)
		}
		if len(kept) > 3 {
			for _, d := range kept {
				if err := d.Remove(); err != nil {
					fmt.Println("lost:", err)
				}
			}
			kept = nil
		}
	}
}

func TestUnnamed(t *testing.T) {
	dir := t.TempDir()
	f, err := Unnamed(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if left := must(os.ReadDir(dir)); len(left) > 0 {
			t.Errorf("it has the name %v", left)
		}
	}
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "text" {
		t.Errorf("%q %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left := must(os.ReadDir(dir)); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
	if _, err := Unnamed(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if g, err := unlinked(dir); err != nil || g.Close() != nil || len(must(os.ReadDir(dir))) > 0 {
		t.Errorf("%v", err)
	}
}

func BenchmarkSweepNothing(b *testing.B) {
	l := Open(b.TempDir(), disk.User{}, nil)
	for b.Loop() {
		l.Sweep(b.Context(), nil)
	}
}
