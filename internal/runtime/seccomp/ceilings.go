package seccomp

// NewNamespaces are clone(2)'s CLONE_NEW… flags.
const NewNamespaces = 0x7e020000

// Ceilings are the conditions under which calls are no wider than an Engine's default:
// of a call, one of them must hold.
func Ceilings() map[string][]Condition {
	none := Condition{Value: NewNamespaces, Op: CmpMaskedEq}
	return map[string][]Condition{
		"clone": {none.Because("no new namespaces")},
		"socket": {
			{Op: CmpLess, Value: 38},
			{Op: CmpEqual, Value: 39}, // neither AF_ALG nor AF_VSOCK
			{Op: CmpEqual, Value: 41},
			{Op: CmpEqual, Value: 42},
			{Op: CmpEqual, Value: 43},
			{Op: CmpEqual, Value: 44},
			{Op: CmpEqual, Value: 45},
		},
		"personality": {
			{Op: CmpEqual, Value: 0},
			{Op: CmpEqual, Value: 8},
			{Op: CmpEqual, Value: 0x20000},
			{Op: CmpEqual, Value: 0x20008},
			{Op: CmpEqual, Value: 0xffffffff},
		},
	}
}
