package observe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// newTracer is a way of seeing: the one that is named, or the first that this machine
// allows. A user may trace what an Engine runs that is his own.
func newTracer(via string, own bool) (tracer, error) {
	var errs []error
	for _, way := range tracers() {
		if via != "" && via != way {
			continue
		}
		var t tracer
		var err error
		if way == "ptrace" && via == "" && !own && !capable(unix.CAP_SYS_PTRACE) {
			err = unix.EPERM
		} else {
			t, err = tracerOf(way)
		}
		if err == nil {
			return t, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", way, err))
	}
	if len(errs) == 0 {
		return nil, &Error{fmt.Errorf("no way of seeing is called %q", via), "--via " + strings.Join(Ways(), ", ")}
	}
	return nil, unavailable(errors.Join(errs...))
}

func tracerOf(way string) (tracer, error) {
	switch way {
	case "ptrace":
		return newPtrace()
	case "log":
		return newLogger()
	}
	return newBPF()
}

// tracers are the ways in which a process of the Engine's machine sees.
func tracers() []string { return []string{"bpf", "ptrace", "log"} }

// capable reports whether this process has a capability.
func capable(capability int) bool {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			return err == nil && set&(1<<capability) != 0
		}
	}
	return false
}

// unavailable says what to do where the kernel does not let us watch.
func unavailable(err error) error {
	way := "a kernel of 5.8 or later with BTF (CONFIG_DEBUG_INFO_BTF) is needed"
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) && os.Geteuid() != 0 {
		way = "run as root, or with the capabilities BPF, PERFMON and SYS_ADMIN: sudo drydock observe …"
	}
	return &Error{err, way}
}
