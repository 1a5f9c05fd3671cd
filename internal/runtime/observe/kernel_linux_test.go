package observe

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
)

// TestLoad has the kernel verify the programs.
func TestLoad(t *testing.T) {
	k, err := load()
	if err != nil && (os.Geteuid() != 0 || errors.Is(err, ebpf.ErrNotSupported)) {
		t.Skipf("no BPF here: %v", err)
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
}
