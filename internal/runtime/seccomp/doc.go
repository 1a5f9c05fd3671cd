// Package seccomp is what the kernel lets a process call: the names and numbers
// of system calls, profiles as Docker reads them, and the filters that are really
// loaded.
//
//	filters, err := seccomp.Loaded(pid)                    // as the kernel has them
//	act, err := seccomp.Evaluate(filters, seccomp.Call{ABI: seccomp.X8664, Number: 165})
//	diff, err := profile.Differences(filters)              // none: the kernel enforces the profile
//
// A profile that was handed to an Engine is a wish: an Engine may change it, ignore
// parts of it, or not apply it at all. "Seccomp: 2" in /proc says only that some
// filter is there. So the loaded filter is read from the process and run, for every
// call of every ABI.
package seccomp
