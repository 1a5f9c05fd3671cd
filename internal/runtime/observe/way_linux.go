package observe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
)

// newTracer is a way of seeing: the one that is named, or the first that this machine
// allows.
func newTracer(via string) (tracer, error) {
	var errs []error
	for _, way := range Ways() {
		if via != "" && via != way {
			continue
		}
		t, err := tracerOf(way)
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
	}
	return newBPF()
}

// unavailable says what to do where the kernel does not let us watch.
func unavailable(err error) error {
	way := "a kernel of 5.8 or later with BTF (CONFIG_DEBUG_INFO_BTF) is needed"
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) && os.Geteuid() != 0 {
		way = "run as root, or with the capabilities BPF, PERFMON and SYS_ADMIN: sudo drydock observe …"
	}
	return &Error{err, way}
}
