package observe

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	engine "github.com/drydock-dev/drydock/internal/runtime"
)

// remote is an eye in a container of the Engine, for an Engine on a machine on which this
// program does not run, or may not watch.
type remote struct {
	*wire
	c      *engine.Container
	s      *engine.Stream
	volume string // with the start gate
	said   response
}

// Observer is the word by which the program is told that it is an observer in a
// container: the first of its arguments. See [Serve] and [Dial].
const Observer = "__observer"

// observerGate is where the start gate's volume is mounted in the observer.
const observerGate = "/gate"

// question is what a user is asked, once.
const question = "An observer is started as a container on the Engine. It sees, and can trace, all processes of the Engine's machine. Go on?"

// newRemote starts an observer.
func newRemote(ctx context.Context, opt Options) (_ *remote, err error) {
	defer func() {
		if err != nil {
			clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, opt.Engine.Clear(clean))
		}
	}()
	if opt.Consent == nil || !opt.Consent(question) {
		return nil, &Error{errors.New("an observer in a container may trace all processes of the Engine's machine, and nobody has agreed to it"), "--yes agrees"}
	}
	file, arch, err := observerProgram(opt.Observer)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	if on := opt.Engine.Architecture(); on != "" && on != arch {
		return nil, &Error{fmt.Errorf("the Engine's machine is %s, and the observer a program for %s", on, arch), "--observer FILE names drydock for linux/" + on}
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	opt.progress("sends the observer to the Engine")
	image, err := opt.Engine.ImageOf(ctx, "drydock", file, info.Size())
	if err != nil {
		return nil, err
	}
	r := &remote{}
	if r.volume, err = opt.Engine.Volume(ctx); err != nil {
		return nil, err
	}
	r.c, r.s, err = opt.Engine.StartStream(ctx, engine.Spec{
		Config: &container.Config{
			Image: image, Entrypoint: []string{"/drydock"}, Cmd: []string{Observer, "serve", observerGate}, User: "0:0",
			Labels: map[string]string{"dev.drydock.observe": "1"},
		},
		Host: &container.HostConfig{
			NetworkMode: "none", PidMode: "host", CgroupnsMode: "host", ReadonlyRootfs: true,
			CapDrop:     []string{"ALL"},
			CapAdd:      []string{"SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "MKNOD"},
			SecurityOpt: []string{"no-new-privileges", "seccomp=unconfined", "apparmor=unconfined", "label=disable"},
			LogConfig:   container.LogConfig{Type: "none"},
			Mounts:      []mount.Mount{{Type: mount.TypeVolume, Source: r.volume, Target: observerGate}},
		},
	})
	if err != nil {
		return nil, &Error{fmt.Errorf("start the observer: %w", err), "the Engine must let a container see its machine's processes (--pid=host) and have SYS_ADMIN"}
	}
	r.wire = newWire(r.s)
	if r.said, err = r.ask(ctx, request{Op: "begin", Raw: opt.Raw}); err != nil {
		if said := r.s.Close(); said == nil && r.s.Said() != "" {
			err = fmt.Errorf("%w: %s", err, r.s.Said())
		}
		return nil, err
	}
	return r, nil
}

// observerProgram opens the program that is to be the observer: a file, or this program
// where it is one for Linux.
func observerProgram(name string) (_ *os.File, arch string, err error) {
	if name == "" {
		if runtime.GOOS != "linux" {
			return nil, "", &Error{
				errors.New("this program cannot run in a container of the Engine: it is one for " + runtime.GOOS),
				"--observer FILE names drydock for Linux, from the same release",
			}
		}
		if name, err = os.Executable(); err != nil {
			return nil, "", err
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	p, err := elf.NewFile(f)
	if err != nil {
		return nil, "", errors.Join(&Error{fmt.Errorf("%s is no program for Linux", name), "--observer FILE names drydock for Linux"}, f.Close())
	}
	for _, s := range p.Progs {
		if s.Type == elf.PT_INTERP {
			return nil, "", errors.Join(&Error{
				fmt.Errorf("%s needs a loader, which a container of nothing else does not have", name),
				"--observer FILE names drydock as it is released, or as CGO_ENABLED=0 builds it",
			}, f.Close())
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[p.Machine], err
}

func (r *remote) way() string      { return r.said.Way }
func (r *remote) observer() string { return "container" }
func (r *remote) holds() bool      { return r.said.Holds }
func (r *remote) filtered() bool   { return r.said.Filtered }

func (r *remote) mount() engine.Mount {
	return engine.Mount{Source: r.volume, Target: gateFolder, Volume: true}
}

func (r *remote) hold(ctx context.Context) (string, error) {
	a, err := r.ask(ctx, request{Op: "hold"})
	return a.FIFO, err
}

func (r *remote) own(ctx context.Context, pid int, fifo string) (string, error) {
	a, err := r.ask(ctx, request{Op: "own", PID: pid, FIFO: fifo})
	return a.Profile, err
}

func (r *remote) expect(ctx context.Context, id string) error {
	_, err := r.ask(ctx, request{Op: "expect", Container: id})
	return err
}

func (r *remote) watch(ctx context.Context, s subject) (Default, error) {
	a, err := r.ask(ctx, request{Op: "watch", Subject: &s})
	if err != nil || a.Default == nil {
		return Default{}, err
	}
	return *a.Default, nil
}

func (r *remote) open(ctx context.Context, id, fifo, program string) error {
	_, err := r.ask(ctx, request{Op: "open", Container: id, FIFO: fifo, Program: program})
	return err
}

func (r *remote) phase(ctx context.Context, id string, p Phase) error {
	_, err := r.ask(ctx, request{Op: "phase", Container: id, Phase: p})
	return err
}

func (r *remote) finish(ctx context.Context, id string) (*Observation, error) {
	a, err := r.ask(ctx, request{Op: "finish", Container: id})
	if err == nil && a.Seen == nil {
		err = errors.New("observer: no answer")
	}
	return a.Seen, err
}

// dial connects to a port of a container in its own network: the Engine's machine may
// publish it nowhere that is reached from here.
func (r *remote) dial(pid int) func(ctx context.Context, port uint16) (net.Conn, error) {
	return func(ctx context.Context, port uint16) (net.Conn, error) {
		st, err := r.c.State(ctx)
		if err != nil {
			return nil, err
		}
		// The observer has entered the machine's mounts, where its file has no other name.
		self := "/proc/" + strconv.Itoa(st.PID) + "/exe"
		s, err := r.c.ExecStream(ctx, []string{self, Observer, "dial", strconv.Itoa(pid), strconv.Itoa(int(port))})
		if err != nil {
			return nil, err
		}
		// It says that it is connected, or why not.
		var first [len(greeting)]byte
		_, err = io.ReadFull(s, first[:])
		if err == nil && string(first[:]) == greeting {
			return s, nil
		}
		if cerr := s.Close(); cerr == nil && s.Said() != "" {
			err = errors.New(s.Said())
		}
		if err == nil {
			err = fmt.Errorf("the observer says %q", first)
		}
		return nil, fmt.Errorf("connect in the container: %w", err)
	}
}

// greeting is what an observer says when it is connected.
const greeting = "connected\n"

func (r *remote) close() error { return errors.Join(r.s.CloseWrite(), r.s.Close()) }
