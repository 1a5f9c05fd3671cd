package audit

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Limits on what the kernel is listened to for.
const (
	listRules = 1013 // AUDIT_LIST_RULES
	// maxRules limits the audit rules of the kernel that are read.
	maxRules   = 100_000
	rulesEvery = time.Second // the most that one answer may take
)

// loadedWatches asks the kernel for the watches that it has. It takes root.
func loadedWatches() ([]watch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is written
	limit := unix.NsecToTimeval(rulesEvery.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return nil, err
	}
	request := make([]byte, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint32(request, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint16(request[4:], listRules)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(request[8:], 1)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var out []watch
	b := make([]byte, 64<<10)
	for range maxRules {
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			return nil, err
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // not from the kernel
		}
		done, err := answers(b[:n], func(rule []byte) {
			if w, ok := parseRule(rule); ok {
				out = append(out, w)
			}
		})
		if done || err != nil {
			return out, err
		}
	}
	return nil, errors.New("the kernel has more audit rules than are read")
}

// answers reads the messages of an answer; done: it was the last.
func answers(b []byte, rule func([]byte)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return false, errors.New("the kernel's answer is cut off")
		}
		body := b[unix.NLMSG_HDRLEN:size]
		switch binary.NativeEndian.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) >= 4 {
				if code := int32(binary.NativeEndian.Uint32(body)); code != 0 { //nolint:gosec // an error's number, as the kernel has it
					return true, unix.Errno(-code)
				}
			}
		case listRules:
			rule(body)
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return false, nil
}
