package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/drydock-dev/drydock/internal/disk"
)

// writeTo lets print write to a file, or to standard output where file is
// empty. A regular file appears whole or not at all; a device, a pipe or a link
// is written through.
func (f *flags) writeTo(file string, print func(io.Writer) error) error {
	if file == "" {
		return print(f.env.Stdout)
	}
	info, err := os.Lstat(file)
	switch {
	case err == nil && info.IsDir():
		return usageError{fmt.Errorf("--output %s is a folder", file), "name a file in it"}
	case err == nil && !info.Mode().IsRegular():
		out, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return err
		}
		return errors.Join(print(out), out.Close())
	}
	dir := filepath.Dir(file)
	disk.Sweep(dir, filepath.Base(file))
	err = disk.Write(file, disk.Options{User: disk.Caller(f.env.Getenv), Record: f.ledger}, print)
	if _, e := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(e, fs.ErrNotExist) {
		return usageError{fmt.Errorf("--output %s: no folder %s", file, dir), "mkdir -p " + dir}
	}
	return err
}

// progress shows how far long work is, on a terminal only.
type progress struct {
	w     io.Writer
	mu    sync.Mutex
	last  time.Time
	shown bool
	now   func() time.Time
}

func (f *flags) progress() *progress {
	p := &progress{now: f.env.Now}
	if f.env.TerminalErr && !f.quiet && f.env.Getenv("CI") == "" {
		p.w = f.env.Stderr
	}
	return p
}

// update shows done of total bytes; a total of 0 is not known.
func (p *progress) update(done, total int64, what string) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if (done > 0 || total > 0) && now.Sub(p.last) < 100*time.Millisecond { // a step that was not shown could last for minutes
		return
	}
	p.last, p.shown = now, true
	var b bytes.Buffer
	b.WriteString(what)
	if done > 0 || total > 0 {
		fmt.Fprintf(&b, "  %d MB", done/1_000_000)
	}
	if total > 0 {
		fmt.Fprintf(&b, " of %d MB  %d%%", total/1_000_000, min(100, 100*done/total))
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", ansi.Truncate(b.String(), 78, "…"))
}

// done takes the line away.
func (p *progress) done() {
	if p.w != nil && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
