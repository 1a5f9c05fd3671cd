package seccomp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// allowOnly is a filter that allows some calls of one ABI and refuses the others
// with EPERM, written as the kernel's documentation does.
func allowOnly(abi ABI, numbers ...int) Filter {
	f := Filter{
		{Op: 0x20, K: 4}, // A = arch
		{Op: 0x15, K: abi.audit(), JT: 1},
		{Op: 0x06, K: uint32(KillProcess)},
		{Op: 0x20, K: 0}, // A = nr
	}
	for _, n := range numbers {
		f = append(f, Instruction{Op: 0x15, K: uint32(n), JF: 1}, Instruction{Op: 0x06, K: uint32(Allow)})
	}
	return append(f, Instruction{Op: 0x06, K: uint32(Errno | 1)})
}

func TestEvaluate(t *testing.T) {
	read, _ := X8664.Number("read")
	write, _ := X8664.Number("write")
	one := allowOnly(X8664, read, write)
	two := allowOnly(X8664, read)
	for _, c := range []struct {
		filters []Filter
		call    Call
		want    Action
	}{
		{nil, Call{ABI: X8664, Number: 999}, Allow},
		{[]Filter{one}, Call{ABI: X8664, Number: write}, Allow},
		{[]Filter{one}, Call{ABI: X8664, Number: 2}, Errno | 1},
		{[]Filter{one}, Call{ABI: I386, Number: read}, KillProcess},
		{[]Filter{one}, Call{ABI: X32, Number: read}, Errno | 1}, // the same ABI to audit, another number
		{[]Filter{one, two}, Call{ABI: X8664, Number: write}, Errno | 1},
		{[]Filter{two, one}, Call{ABI: X8664, Number: write}, Errno | 1},
		{[]Filter{{{Op: 0x06, K: uint32(Log)}}, one}, Call{ABI: X8664, Number: read}, Log},
	} {
		got, err := Evaluate(c.filters, c.call)
		if err != nil || got != c.want {
			t.Errorf("%s %d: %v, %v; want %v", c.call.ABI, c.call.Number, got, err, c.want)
		}
	}
}

// TestEvaluateArguments compares both halves of an argument, as a filter must.
func TestEvaluateArguments(t *testing.T) {
	f := Filter{
		{Op: 0x20, K: 16}, // lower half of the first argument
		{Op: 0x54, K: 0xff},
		{Op: 0x15, K: 7, JF: 3},
		{Op: 0x20, K: 20},
		{Op: 0x15, K: 0, JF: 1},
		{Op: 0x06, K: uint32(Allow)},
		{Op: 0x06, K: uint32(Errno | 13)},
	}
	for arg, want := range map[uint64]Action{7: Allow, 0x107: Allow, 8: Errno | 13, 1<<32 | 7: Errno | 13} {
		if got, err := Evaluate([]Filter{f}, Call{ABI: X8664, Args: [6]uint64{arg}}); err != nil || got != want {
			t.Errorf("%#x: %v, %v; want %v", arg, got, err, want)
		}
	}
}

func TestDifferences(t *testing.T) {
	if Native() != X8664 {
		t.Skip("the filters of this test are for x86_64")
	}
	p := &Profile{DefaultAction: ActErrno, Architectures: []string{"SCMP_ARCH_X86_64"}, Rules: []Rule{{Names: []string{"read", "write"}, Action: ActAllow}}}
	read, _ := X8664.Number("read")
	write, _ := X8664.Number("write")
	for _, c := range []struct {
		filters []Filter
		want    []string
	}{
		{[]Filter{allowOnly(X8664, read, write)}, nil},
		{[]Filter{allowOnly(X8664, read)}, []string{"write"}},
		{[]Filter{allowOnly(X8664, read, write, 165)}, []string{"mount"}},
	} {
		diff, err := p.Differences(c.filters)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range diff {
			names = append(names, d.Name)
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("differences %q, want %q", names, c.want)
		}
	}
	all, err := p.Differences(nil) // nothing is loaded
	if err != nil || len(all) < 1000 {
		t.Errorf("without a filter %d calls differ, %v", len(all), err)
	}
}

// TestX32 holds that the calls which x32 has numbers of its own for are known by
// those.
func TestX32(t *testing.T) {
	for name, want := range map[string]int{"read": 0, "ioctl": 514, "execve": 520, "pwritev2": 547, "mount": 165} {
		if n, ok := X32.Number(name); !ok || n != want {
			t.Errorf("%s is %d, %t", name, n, ok)
		}
		if got, ok := X32.Name(want); !ok || got != name {
			t.Errorf("%d is %s, %t", want, got, ok)
		}
	}
	if name, ok := X32.Name(16); ok {
		t.Errorf("16 is %s", name)
	}
}

// TestYoung holds that calls which programs only try are answered so that they go on.
func TestYoung(t *testing.T) {
	p := New([]ABI{X8664}, []string{"clone", "statx"}, nil)
	for name, want := range map[string]Action{
		"clone3": Errno | 38, "faccessat2": Errno | 38, "rseq": Errno | 38, "io_uring_setup": Errno | 38, "renameat2": Errno | 38,
		"mount": Errno | 1, "ptrace": Errno | 1, "clone": Allow, "statx": Allow,
	} {
		n, ok := X8664.Number(name)
		if got := p.Wants(Call{ABI: X8664, Number: n}); !ok || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestOnly holds that a condition compares what the kernel looks at: of an int, the
// lower half, whatever else is in the register.
func TestOnly(t *testing.T) {
	only := map[string][]Condition{
		"socket": {{Value: 0xffffffff, ValueTwo: 1, Op: CmpMaskedEq}, {Value: 0xffffffff, ValueTwo: 2, Op: CmpMaskedEq}},
		"clone":  {{Value: 0x7e020000, Op: CmpMaskedEq}},
	}
	p := New([]ABI{X8664}, []string{"clone", "read", "socket"}, only)
	for _, c := range []struct {
		name string
		arg  uint64
		want Action
	}{
		{"socket", 1, Allow},
		{"socket", 2, Allow},
		{"socket", 1<<32 | 1, Allow},
		{"socket", 38, Errno | 1},
		{"socket", 1<<32 | 38, Errno | 1},
		{"socket", 3, Errno | 1},
		{"clone", 0x1200011, Allow},
		{"clone", 0x10000011, Errno | 1},
		{"clone", 0x20000, Errno | 1},
		{"read", 38, Allow},
	} {
		n, _ := X8664.Number(c.name)
		if got := p.Wants(Call{ABI: X8664, Number: n, Args: [6]uint64{c.arg}}); got != c.want {
			t.Errorf("%s(%#x): %v, want %v", c.name, c.arg, got, c.want)
		}
	}
	if !slices.Equal(p.Allowed(), []string{"clone", "read", "socket"}) {
		t.Errorf("allowed: %q", p.Allowed())
	}
}

// TestDifferencesInErrno holds that a rule's errno is compared, and the default's is
// not.
func TestDifferencesInErrno(t *testing.T) {
	if Native() != X8664 {
		t.Skip("the filters of this test are for x86_64")
	}
	read, _ := X8664.Number("read")
	clone3, _ := X8664.Number("clone3")
	none := uint(38)
	p := &Profile{DefaultAction: ActErrno, Architectures: []string{"SCMP_ARCH_X86_64"}, Rules: []Rule{
		{Names: []string{"read"}, Action: ActAllow}, {Names: []string{"clone3"}, Action: ActErrno, ErrnoRet: &none},
	}}
	loaded := allowOnly(X8664, read)
	if diff, err := p.Differences([]Filter{loaded}); err != nil || len(diff) != 1 || diff[0].Name != "clone3" || diff[0].GotAction != "errno 1" {
		t.Errorf("%v, %v", diff, err)
	}
	answered := slices.Concat(loaded[:4], Filter{{Op: 0x15, K: uint32(clone3), JF: 1}, {Op: 0x06, K: uint32(Errno | 38)}}, loaded[4:])
	if diff, err := p.Differences([]Filter{answered}); err != nil || len(diff) > 0 {
		t.Errorf("%v, %v", diff, err)
	}
}

// TestResolve reads a profile of Docker's own format as an Engine does.
func TestResolve(t *testing.T) {
	p, err := ReadProfile([]byte(`{"defaultAction":"SCMP_ACT_ERRNO",
		"archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]},
			{"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],
		"syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW"},
			{"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
			{"names":["userfaultfd"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"5.4"}},
			{"names":["arch_prctl"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["amd64","x32"]}},
			{"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
			{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}],
				"excludes":{"caps":["CAP_SYS_ADMIN"],"arches":["s390","s390x"]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		on   Machine
		want []string
		abis int
	}{
		{Machine{ABI: X8664, Kernel: "6.18.5-cloud"}, []string{"arch_prctl", "clone", "ptrace", "read"}, 3},
		{Machine{ABI: X8664, Kernel: "4.4.0"}, []string{"arch_prctl", "clone", "read", "userfaultfd"}, 3},
		{Machine{ABI: AArch64, Kernel: "5.10", Capabilities: []string{"SYS_ADMIN"}}, []string{"mount", "ptrace", "read"}, 2},
	} {
		q, err := p.Resolve(c.on)
		if err != nil || !slices.Equal(q.Allowed(), c.want) || len(q.Architectures) != c.abis {
			t.Errorf("%+v: %q of %q, %v", c.on, q.Allowed(), q.Architectures, err)
		}
	}
	for _, text := range []string{
		`{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]}`,
		`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"name":"read","names":["write"],"action":"SCMP_ACT_ALLOW"}]}`,
		`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["write"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"new"}}]}`,
	} {
		p, err := ReadProfile([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if q, err := p.Resolve(Machine{ABI: X8664, Kernel: "6.1"}); err == nil {
			t.Errorf("%s: %+v", text, q)
		}
	}
}

func TestReadProfile(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`: true,
		`{"defaultAction":"SCMP_ACT_MAYBE"}`:                                                                                                   false,
		`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"allow"}]}`:                                                  false,
		`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":9,"op":"SCMP_CMP_EQ"}]}]}`: false,
		`{"defaultAction":"SCMP_ACT_ERRNO"} {}`:                                                                                                false,
		`{`:                                                                                                                                    false,
	} {
		if _, err := ReadProfile([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestBlocked(t *testing.T) {
	all := len(KernelCVEs())
	if all != 29 {
		t.Errorf("%d vulnerabilities, and the table has 29", all)
	}
	if got := len(Blocked(nil)); got != all {
		t.Errorf("%d of %d blocked where no call passes", got, all)
	}
	if slices.Contains(Blocked([]string{"keyctl"}), "CVE-2016-0728") {
		t.Error("CVE-2016-0728 can be reached by keyctl")
	}
}

// FuzzFilter holds that any program ends, with an action or as one that the kernel
// would refuse.
func FuzzFilter(f *testing.F) {
	seed := func(p Filter) []byte {
		var b bytes.Buffer
		if err := binary.Write(&b, binary.LittleEndian, p); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add(seed(allowOnly(X8664, 0, 1, 2)), 1, uint64(0))
	f.Add(seed(Filter{{Op: 0x05, K: 0xffffffff}}), 0, uint64(0))
	f.Add(seed(Filter{{Op: 0x34}, {Op: 0x06}}), 0, uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, number int, arg uint64) {
		p := make(Filter, len(b)/8)
		if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, p); err != nil {
			t.Fatal(err)
		}
		if _, err := Evaluate([]Filter{p}, Call{ABI: X8664, Number: number, Args: [6]uint64{arg}}); err != nil && !errors.Is(err, errProgram) {
			t.Fatal(err)
		}
	})
}

// FuzzReadProfile holds that what is read is written and read again as the same.
func FuzzReadProfile(f *testing.F) {
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_MASKED_EQ"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadProfile(b)
		if err != nil {
			return
		}
		one, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		q, err := ReadProfile(one)
		if err != nil {
			t.Fatalf("%v\n%s", err, one)
		}
		two, err := q.Marshal()
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("%s\n%s", one, two)
		}
	})
}
