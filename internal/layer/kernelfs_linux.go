package layer

import (
	"os"
	"syscall"
)

// isKernels reports whether an open folder is on a file system that holds no
// files, but what the kernel says of itself. The numbers are those of
// linux/magic.h.
func isKernels(dir *os.File) bool {
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(int(dir.Fd()), &st); err != nil {
		return false
	}
	switch uint32(st.Type) {
	case 0x9fa0, // proc
		0x62656572, // sysfs
		0x1cd1,     // devpts
		0x27e0eb,   // cgroup
		0x63677270, // cgroup2
		0x64626720, // debugfs
		0x74726163, // tracefs
		0x73636673, // securityfs
		0xf97cff8c, // selinux
		0x6165676c, // pstore
		0xcafe4a11, // bpf
		0x19800202, // mqueue
		0x958458f6, // hugetlbfs
		0x62656570, // configfs
		0x65735543, // fusectl
		0x42494e4d, // binfmt_misc
		0xde5e81e4, // efivarfs
		0x6e736673, // nsfs
		0x0187:     // autofs
		return true
	}
	return false
}
