package seccomp_test

import (
	"fmt"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

func Example() {
	profile := seccomp.New([]seccomp.ABI{seccomp.X8664}, []string{"read", "write"}, nil)
	fmt.Println(profile.Wants(seccomp.Call{ABI: seccomp.X8664, Number: 0}) == profile.Wants(seccomp.Call{
		ABI: seccomp.X8664, Number: 165, // mount
	}))
	// Output: false
}

func ExampleLoaded() {
	profile := seccomp.New([]seccomp.ABI{seccomp.X8664}, []string{"read", "write"}, nil)
	filters, err := seccomp.Loaded(os.Getpid()) // as the kernel has them
	if err != nil {
		log.Fatal(err)
	}
	act, err := seccomp.Evaluate(filters, seccomp.Call{ABI: seccomp.X8664, Number: 165})
	fmt.Println(act, err)
	diff, err := profile.Differences(filters) // none: the kernel enforces the profile
	fmt.Println(diff, err)
}
