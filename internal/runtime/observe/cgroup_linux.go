package observe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// cgroups are the folders in which the kernel keeps account of a process, by
// controller; "" is the unified hierarchy, and whole what the kernel says of them all.
type cgroups map[string]string

const whole = "*"

// groups reads where a process is accounted, in both versions of cgroups
// (cgroups(7)).
func groups(pid int) (cgroups, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, fmt.Errorf("the container's cgroups: %w", err)
	}
	mounts, err := cgroupMounts()
	if err != nil {
		return nil, err
	}
	in := cgroups{whole: string(b)}
	for line := range strings.Lines(string(b)) {
		p := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(p) != 3 {
			continue
		}
		for c := range strings.SplitSeq(p[1], ",") {
			if at, ok := mounts[c]; ok {
				in[c] = filepath.Join(at, p[2])
			}
		}
	}
	return in, nil
}

// cgroupMounts is where hierarchies are mounted, by controller.
func cgroupMounts() (map[string]string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("mounts: %w", err)
	}
	at := map[string]string{}
	for line := range strings.Lines(string(b)) {
		head, tail, ok := strings.Cut(line, " - ")
		h, t := strings.Fields(head), strings.Fields(tail)
		if !ok || len(h) < 5 || len(t) < 3 {
			continue
		}
		switch t[0] {
		case "cgroup2":
			at[""] = h[4]
		case "cgroup":
			for c := range strings.SplitSeq(t[2], ",") {
				at[c] = h[4]
			}
		}
	}
	return at, nil
}

// folder is where a controller keeps account; false: nowhere.
func (in cgroups) folder(controller string) (string, bool) {
	if dir, ok := in[controller]; ok {
		return dir, true
	}
	dir, ok := in[""]
	return dir, ok
}

// number reads the first file that there is; 0 if there is none.
func (in cgroups) number(controller string, names ...string) int64 {
	dir, ok := in.folder(controller)
	if !ok {
		return 0
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// peaks reads the largest values so far.
func (in cgroups) peaks() Peaks {
	p := Peaks{
		Memory: in.number("memory", "memory.max_usage_in_bytes", "memory.peak"),
		PIDs:   in.number("pids", "pids.peak"),
		CPU:    float64(in.number("cpuacct", "cpuacct.usage")) / 1e9,
	}
	if dir, ok := in.folder(""); ok && p.CPU == 0 {
		if b, err := os.ReadFile(filepath.Join(dir, "cpu.stat")); err == nil {
			s := bufio.NewScanner(bytes.NewReader(b))
			for s.Scan() {
				if v, ok := strings.CutPrefix(s.Text(), "usage_usec "); ok {
					p.CPU = float64(atoi(v)) / 1e6
				}
			}
		}
	}
	return p
}

// processes are those of the container, as this machine counts them. Where its folders
// cannot be reached, all processes of the machine are asked which are in the same.
func (in cgroups) processes() []int {
	if dir, ok := in.folder("pids"); ok {
		if b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs")); err == nil {
			var pids []int
			for f := range strings.FieldsSeq(string(b)) {
				pids = append(pids, atoi(f))
			}
			return pids
		}
	}
	var pids []int
	for _, pid := range processes() {
		if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup"); err == nil && string(b) == in[whole] {
			pids = append(pids, pid)
		}
	}
	return pids
}

func inode(st fs.FileInfo) (uint64, error) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("no inode")
	}
	return s.Ino, nil
}

// sample looks at the processes as they are now: who they run as, and how many
// files each has open.
func sample(in cgroups, users *[]User, files *int) {
	for _, pid := range in.processes() {
		at := "/proc/" + strconv.Itoa(pid)
		b, err := os.ReadFile(at + "/status")
		if err != nil {
			continue // it ended
		}
		u := User{UID: idOf(b, "Uid:"), GID: idOf(b, "Gid:")}
		if !slices.Contains(*users, u) && len(*users) < maxUsers {
			*users = append(*users, u)
		}
		if fds, err := os.ReadDir(at + "/fd"); err == nil {
			*files = max(*files, len(fds))
		}
	}
}

// idOf is the effective id of a line of /proc/PID/status.
func idOf(status []byte, name string) int {
	for line := range bytes.Lines(status) {
		if f := bytes.Fields(line); len(f) > 2 && string(f[0]) == name {
			return atoi(string(f[2]))
		}
	}
	return 0
}

// CgroupLimits are what the kernel holds a container to; 0 is no limit.
type CgroupLimits struct {
	Memory int64 // bytes
	PIDs   int64
	CPUs   float64
}

// Limits reads what a process's cgroups are limited to.
func Limits(pid int) (CgroupLimits, error) {
	in, err := groups(pid)
	if err != nil {
		return CgroupLimits{}, err
	}
	l := CgroupLimits{
		Memory: in.number("memory", "memory.limit_in_bytes", "memory.max"),
		PIDs:   in.number("pids", "pids.max"),
	}
	if quota, period := in.number("cpu", "cpu.cfs_quota_us"), in.number("cpu", "cpu.cfs_period_us"); quota > 0 && period > 0 {
		l.CPUs = float64(quota) / float64(period)
	} else if dir, ok := in.folder("cpu"); ok {
		if b, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err == nil {
			if f := strings.Fields(string(b)); len(f) == 2 && atoi(f[1]) > 0 {
				l.CPUs = float64(atoi(f[0])) / float64(atoi(f[1]))
			}
		}
	}
	return l, nil
}
