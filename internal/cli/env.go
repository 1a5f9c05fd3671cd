package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/drydock-dev/drydock/internal/egress"
)

// Env is everything of the outside world that the command line sees.
type Env struct {
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Environ func() []string // all variables, for compose files; nil: none
	Now     func() time.Time

	Dial   egress.Dial                         // makes every connection to a network; nil: the system does
	Secret func(prompt string) ([]byte, error) // asks for a passphrase; nil: nobody is there to be asked

	Version string // of the program; empty: as it was built
	Name    string // how the user calls it: "drydock" or "docker drydock"

	Terminal    bool // stdout is a terminal
	TerminalErr bool // stderr is a terminal
	Width       int  // of stdout in columns: its terminal's, else as COLUMNS says; 0: not known
}

// System is the environment of the process.
func System() Env {
	e := Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: os.Environ, Now: time.Now}
	e.Secret = asker(os.Stdin, os.Stderr)
	e.TerminalErr = term.IsTerminal(os.Stderr.Fd())
	if e.Terminal = term.IsTerminal(os.Stdout.Fd()); e.Terminal {
		e.Width, _, _ = term.GetSize(os.Stdout.Fd())
	}
	return e
}

// withDefaults fills what a caller left out: nothing to read, nobody listening.
func (e Env) withDefaults() Env {
	if e.Stdin == nil {
		e.Stdin = eof{}
	}
	if e.Stdout == nil {
		e.Stdout = io.Discard
	}
	if e.Stderr == nil {
		e.Stderr = io.Discard
	}
	if e.Getenv == nil {
		e.Getenv = func(string) string { return "" }
	}
	if e.Environ == nil {
		e.Environ = func() []string { return nil }
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Version == "" {
		e.Version = buildVersion()
	}
	if e.Name == "" {
		e.Name = "drydock"
	}
	if e.Width == 0 {
		e.Width = columns(e.Getenv("COLUMNS"))
	}
	return e
}

// columns is a page's width as the environment has it; 0: it has none that a
// page could be printed in.
func columns(s string) int {
	const least, most = 40, 1000
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return min(max(n, least), most)
	}
	return 0
}

// stamp is the time to write into files: SOURCE_DATE_EPOCH, or now.
func (e Env) stamp() time.Time {
	if s, err := strconv.ParseInt(e.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil && s >= 0 {
		return time.Unix(s, 0).UTC()
	}
	return e.Now()
}

// interruptible reads r until ctx ends: a read of a terminal or a pipe that
// nobody writes to would wait for ever.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	return &pump{ctx: ctx, from: r}
}

type pump struct {
	ctx  context.Context
	from io.Reader
	once sync.Once
	pipe *io.PipeReader
}

func (p *pump) Read(b []byte) (int, error) {
	p.once.Do(func() {
		var w *io.PipeWriter
		p.pipe, w = io.Pipe()
		go func() {
			_, err := io.Copy(w, p.from)
			w.CloseWithError(err)
		}()
		context.AfterFunc(p.ctx, func() { w.CloseWithError(p.ctx.Err()) })
	})
	return p.pipe.Read(b)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// dataDir is where the database lies, cacheDir where layer records do; empty: the
// environment names no folder of the user's, and none that others share will do.
func (e Env) dataDir() string { return e.dir("XDG_DATA_HOME", ".local/share", "LOCALAPPDATA") }

func (e Env) cacheDir() string { return e.dir("XDG_CACHE_HOME", ".cache", "LOCALAPPDATA") }

func (e Env) dir(xdg, underHome, windows string) string {
	if d := e.Getenv(xdg); filepath.IsAbs(d) {
		return filepath.Join(d, "drydock")
	}
	if d := e.Getenv(windows); filepath.IsAbs(d) {
		return filepath.Join(d, "drydock", filepath.Base(underHome))
	}
	if h := e.Getenv("HOME"); filepath.IsAbs(h) {
		return filepath.Join(h, underHome, "drydock")
	}
	if h := e.Getenv("USERPROFILE"); filepath.IsAbs(h) {
		return filepath.Join(h, underHome, "drydock")
	}
	return ""
}
