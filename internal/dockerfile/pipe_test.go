package dockerfile

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

// pipes is a folder whose pipes would be waited for when they are opened.
type pipes struct {
	fstest.MapFS
	t *testing.T
}

func (p pipes) Open(name string) (fs.File, error) {
	if f := p.MapFS[name]; f != nil && f.Mode&fs.ModeNamedPipe != 0 {
		p.t.Errorf("%s is opened", name)
	}
	return p.MapFS.Open(name)
}

func TestContextOpensNoPipe(t *testing.T) {
	folder := pipes{fstest.MapFS{
		".dockerignore": {Mode: fs.ModeNamedPipe | 0o600}, "package.json": {Mode: fs.ModeNamedPipe | 0o600}, "a": {Data: []byte("x")},
	}, t}
	if _, err := OpenContext(folder, "Dockerfile"); err == nil {
		t.Error("a pipe passes for a .dockerignore")
	}
	c := &Context{FS: folder}
	if _, err := c.Read("package.json", 100); err == nil {
		t.Error("a pipe passes for a file")
	}
	if b, err := c.Read("a", 100); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}
