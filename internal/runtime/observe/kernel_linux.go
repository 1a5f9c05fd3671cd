package observe

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// licence is what the programs declare to the kernel.
const licence = "Dual MIT/GPL"

// Sizes of the tables in the kernel. What does not fit is counted as lost.
const (
	maxCalls   = 1 << 16
	maxArgs    = 1 << 14
	maxTargets = 1 << 10
	maxTasks   = 1 << 14
	ringBytes  = 8 << 20

	// noWakeup is BPF_RB_NO_WAKEUP: waking the reader for each event costs the workload
	// an interrupt of the processor. It looks by itself, every lookEvery.
	noWakeup  = 1
	lookEvery = 5 * time.Millisecond
)

// The counters of what was lost, places in the table of that name.
const (
	lostCalls = iota
	lostArgs
	lostEvents
	lostCaps
	lostKinds
)

// The ABIs as the programs tell them.
const (
	abiNative = iota
	abiCompat
	abiX32
)

// idLength is that of a container's id: the name of its cgroup, or what follows
// "docker-" in it.
const idLength = 64

// argvBytes is how much of a command line is compared with a health check's.
const argvBytes = 128

// maxPath limits the bytes of a path of an observed container.
const maxPath = 256

// maxAddress is how many bytes of a socket address are read: a sockaddr_un.
const maxAddress = 110

// callKey is a row of the table of calls, and of arguments (with Arg).
type callKey struct {
	Cgroup uint64
	Number uint32
	ABI    uint8
	Phase  uint8
	_      uint16
}

type argKey struct {
	callKey
	Value uint64
}

type userKey struct {
	Cgroup   uint64
	UID, GID uint32
}

type capKey struct {
	Cgroup uint64
	Cap    uint32
	Denied uint8
	Phase  uint8
	_      uint16
}

// event is one call with a path or an address, or one program executed.
type event struct {
	Cgroup uint64
	Dir    uint64 // the argument before the path
	Next   uint64 // the argument after it: flags, a length
	Return int64
	PID    uint32
	Number uint32
	Kind   uint32
	Length int32 // of Data, its end included; negative: it could not be read
	Phase  uint32
	Parent uint32 // of a program that was executed
	Data   [maxPath]byte
}

const (
	eventHead = 56
	eventSize = eventHead + maxPath
)

// folder is what follows an event whose path is relative: the mount, and the names
// of the folder that the path begins at, the innermost first.
type folder struct {
	Mount int32
	Depth uint32 // how many names there are; more than maxDepth: too many
	Names [maxDepth][maxName]byte
}

const (
	maxDepth   = 16
	maxName    = 64
	folderSize = 8 + maxDepth*maxName
)

// pendingSize is an event without its data and length, as it is kept between the
// entry of a call and its exit.
const pendingSize = eventHead

// kernel is the programs and tables.
type kernel struct {
	targets, tasks, rules, pending         *ebpf.Map
	calls, args, caps, users, lost, events *ebpf.Map
	expected, health                       *ebpf.Map
	programs                               []*ebpf.Program
}

func (k *kernel) maps() map[string]**ebpf.Map {
	return map[string]**ebpf.Map{
		"targets": &k.targets, "tasks": &k.tasks, "rules": &k.rules, "pending": &k.pending,
		"expected": &k.expected, "health": &k.health, "calls": &k.calls, "args": &k.args, "caps": &k.caps, "users": &k.users, "lost": &k.lost, "events": &k.events,
	}
}

func (k *kernel) Close() error {
	var errs []error
	for _, p := range k.programs {
		errs = append(errs, p.Close())
	}
	for _, m := range k.maps() {
		if *m != nil {
			errs = append(errs, (*m).Close())
		}
	}
	return errors.Join(errs...)
}

// load makes the tables and loads the programs.
func load() (_ *kernel, err error) {
	at, err := findOffsets()
	if err != nil {
		return nil, err
	}
	k := &kernel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.Close())
		}
	}()
	hash := func(key, value, max uint32) *ebpf.MapSpec {
		return &ebpf.MapSpec{Type: ebpf.Hash, KeySize: key, ValueSize: value, MaxEntries: max}
	}
	array := func(value, max uint32) *ebpf.MapSpec {
		return &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: value, MaxEntries: max}
	}
	specs := map[string]*ebpf.MapSpec{
		"targets": hash(8, targetSize, maxTargets), "health": hash(8, argvBytes, maxTargets), "tasks": hash(4, 4, maxTasks), "rules": array(4, maxRules),
		"expected": array(idLength, 1),
		"pending":  {Type: ebpf.LRUHash, KeySize: 8, ValueSize: pendingSize, MaxEntries: maxTasks},
		"calls":    hash(16, 8, maxCalls), "args": hash(24, 8, maxArgs), "caps": hash(16, 8, 1<<12),
		"users": hash(16, 8, 1<<12), "lost": array(8, lostKinds), "events": {Type: ebpf.RingBuf, MaxEntries: ringBytes},
	}
	for name, to := range k.maps() {
		specs[name].Name = "drydock_" + name
		if *to, err = ebpf.NewMap(specs[name]); err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
	}
	for _, p := range []struct {
		on   string
		code asm.Instructions
	}{
		{"sys_enter", k.enter(at)},
		{"sys_exit", k.exit(at)},
		{"cap_capable", k.capable(at)},
		{"sched_process_exec", k.exec(at)},
		{"sched_process_fork", k.fork(at)},
		{"sched_process_exit", k.ended(at)},
	} {
		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Name: "drydock_" + p.on, Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: p.on,
			Instructions: p.code, License: licence,
		})
		if err != nil {
			return nil, fmt.Errorf("program on %s: %w", p.on, err)
		}
		k.programs = append(k.programs, prog)
	}
	return k, nil
}

// offsets are where the fields lie that the programs read, in this kernel.
type offsets struct {
	mode, comm, pid, tgid, status int16 // of task_struct; status is the word that tells of a 32-bit call
	compat                        int32 // the bit of it
	filename, interp              int16 // of linux_binprm
	number                        int16 // of pt_regs: the number of the call
	group, unified, node, name    int16 // task_struct -> css_set -> cgroup -> kernfs_node -> its name
	parent, mm, argStart, argEnd  int16 // task_struct -> mm_struct
	walk
	args [6]int16
}

func findOffsets() (o offsets, err error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return o, fmt.Errorf("the kernel's types (BTF): %w", err)
	}
	field := func(of, name string) int16 {
		var s *btf.Struct
		if e := spec.TypeByName(of, &s); e != nil {
			err = errors.Join(err, fmt.Errorf("type %s: %w", of, e))
			return 0
		}
		if off, ok := member(s.Members, name); ok {
			return off
		}
		err = errors.Join(err, fmt.Errorf("%s has no %s", of, name))
		return 0
	}
	o.mode = field("task_struct", "seccomp") + field("seccomp", "mode")
	o.comm, o.pid, o.tgid = field("task_struct", "comm"), field("task_struct", "pid"), field("task_struct", "tgid")
	o.filename, o.interp, o.number = field("linux_binprm", "filename"), field("linux_binprm", "interp"), field("pt_regs", machine.number)
	o.group, o.unified = field("task_struct", "cgroups"), field("css_set", "dfl_cgrp")
	o.parent, o.mm = field("task_struct", "real_parent"), field("task_struct", "mm")
	o.argStart, o.argEnd = field("mm_struct", "arg_start"), field("mm_struct", "arg_end")
	o.walk = walk{
		fs: field("task_struct", "fs"), pwd: field("fs_struct", "pwd"),
		files: field("task_struct", "files"), table: field("files_struct", "fdt"), fd: field("fdtable", "fd"), fds: field("fdtable", "max_fds"),
		path: field("file", "f_path"), mnt: field("path", "mnt"), dentry: field("path", "dentry"),
		root: field("vfsmount", "mnt_root"), id: field("mount", "mnt_id") - field("mount", "mnt"),
		up: field("dentry", "d_parent"), called: field("dentry", "d_name") + field("qstr", "name"),
	}
	o.node, o.name = field("cgroup", "kn"), field("kernfs_node", "name")
	o.status = field("task_struct", "thread_info") + field("thread_info", machine.compatField)
	o.compat = machine.compatBit
	for i, reg := range machine.args {
		o.args[i] = field("pt_regs", reg.name) + reg.plus
	}
	return o, err
}

// member is where a field lies, in bytes; those of structures without a name are
// their outer structure's.
func member(of []btf.Member, name string) (int16, bool) {
	for _, m := range of {
		if m.Name == name {
			return int16(m.Offset.Bytes()), true
		}
		if m.Name != "" {
			continue
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if off, ok := member(inner, name); ok {
			return int16(m.Offset.Bytes()) + off, true
		}
	}
	return 0, false
}
