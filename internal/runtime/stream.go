package runtime

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// Stream is the standard input and output of a program in a container. What it writes
// to standard error, the end of it, is Said.
type Stream struct {
	in   *client.HijackedResponse
	out  *io.PipeReader
	said *ring
	done chan struct{}
}

func newStream(at *client.HijackedResponse) *Stream {
	r, w := io.Pipe()
	s := &Stream{in: at, out: r, said: &ring{}, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_, err := stdcopy.StdCopy(w, s.said, at.Reader)
		_ = w.CloseWithError(err) // nil is the end of the file
	}()
	return s
}

func (s *Stream) Read(b []byte) (int, error)  { return s.out.Read(b) }
func (s *Stream) Write(b []byte) (int, error) { return s.in.Conn.Write(b) }

// CloseWrite ends the program's input.
func (s *Stream) CloseWrite() error { return s.in.CloseWrite() }

// Close ends both. The program may go on.
func (s *Stream) Close() error {
	s.in.Close()
	err := s.out.Close()
	<-s.done
	return err
}

// Said is the end of what the program wrote to standard error, once it has ended.
func (s *Stream) Said() string {
	<-s.done
	return strings.TrimSpace(s.said.String())
}

// LocalAddr is nowhere: a program's standard streams have no address.
func (s *Stream) LocalAddr() net.Addr { return streamAddr{} }

// RemoteAddr is nowhere, too.
func (s *Stream) RemoteAddr() net.Addr { return streamAddr{} }

// SetDeadline does nothing: reads and writes take as long as the program does.
func (s *Stream) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *Stream) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *Stream) SetWriteDeadline(time.Time) error { return nil }

type streamAddr struct{}

func (streamAddr) Network() string { return "container" }
func (streamAddr) String() string  { return "container" }

// StartStream is [Engine.StartSpec] with the program's standard input and output.
func (e *Engine) StartStream(ctx context.Context, s Spec) (*Container, *Stream, error) {
	s.Config.OpenStdin, s.Config.StdinOnce, s.Config.AttachStdin = true, true, true
	s.Config.AttachStdout, s.Config.AttachStderr = true, true
	var stream *Stream
	created := s.Created
	s.Created = func(id string) error {
		at, err := e.api.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
		if err != nil {
			return fmt.Errorf("attach to container: %w", err)
		}
		stream = newStream(&at.HijackedResponse)
		if created == nil {
			return nil
		}
		return created(id)
	}
	c, err := e.StartSpec(ctx, s)
	if err != nil && stream != nil {
		err = errors.Join(err, stream.Close())
	}
	return c, stream, err
}

// ExecStream runs a command in the container, and is its standard input and output.
func (c *Container) ExecStream(ctx context.Context, command []string) (*Stream, error) {
	made, err := c.api.ExecCreate(ctx, c.ID, client.ExecCreateOptions{Cmd: command, AttachStdin: true, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return nil, fmt.Errorf("run in container: %w", err)
	}
	at, err := c.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("run in container: %w", err)
	}
	return newStream(&at.HijackedResponse), nil
}

// importWithin is how long the Engine may take to make an image of one file.
const importWithin = 5 * time.Minute

// ImageOf makes an image with one program in it, /name, and returns its id. It goes with
// what else was made.
func (e *Engine) ImageOf(ctx context.Context, name string, program io.Reader, size int64) (string, error) {
	m, err := e.mark(ctx, ledger.Image, importWithin)
	if err != nil {
		return "", err
	}
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: size, Format: tar.FormatUSTAR})
		if err == nil {
			_, err = io.Copy(t, program)
		}
		_ = w.CloseWithError(errors.Join(err, t.Close()))
	}()
	defer r.Close() //nolint:errcheck // read only
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), importWithin)
	defer cancel()
	got, err := e.api.ImageImport(long, client.ImageImportSource{Source: r, SourceName: "-"}, m.Entry().Name, client.ImageImportOptions{Tag: "latest"})
	if err == nil {
		err = imported(got)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("make an image of %s: %w", name, err), e.unmake(long, m, true))
	}
	im, err := e.Inspect(ctx, m.Entry().Name)
	if err != nil {
		return "", err
	}
	return im.ID, m.Made(im.ID)
}

// imported reads what the Engine says while it makes an image.
func imported(r io.ReadCloser) error {
	defer r.Close() //nolint:errcheck // read only
	for d := json.NewDecoder(io.LimitReader(r, 1<<20)); ; {
		var line struct {
			Error string `json:"error"`
		}
		if err := d.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if line.Error != "" {
			return errors.New(line.Error)
		}
	}
}

// VolumePath is where a volume of the Engine's lies on its machine.
func (e *Engine) VolumePath(ctx context.Context, name string) (string, error) {
	got, err := e.api.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("inspect volume: %w", err)
	}
	return got.Volume.Mountpoint, nil
}
