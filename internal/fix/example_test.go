package fix_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/runtime"
)

func Example() {
	const name = "Dockerfile"
	before := []byte("FROM alpine:3.20\nMAINTAINER me\n")
	at := strings.Index(string(before), "MAINTAINER")
	fixes := []finding.Fix{{Title: "Remove MAINTAINER", Edits: []finding.Edit{
		{File: name, Base: finding.DigestOf(before), Start: at, End: len(before)},
	}}}

	files := map[string][]byte{name: before}
	plan := fix.Compose(files, fixes)
	for _, r := range plan.Refused {
		fmt.Println(fixes[r.Index].Title, r.Why)
	}
	fmt.Print(fix.Unified(name, fix.Diff(before, plan.Files[name])))

	root, err := os.MkdirTemp("", "fix")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(root) }()
	path := filepath.Join(root, name)
	if err := os.WriteFile(path, before, 0o600); err != nil {
		log.Fatal(err)
	}
	edits := []fix.Rewrite{{File: path, Base: finding.DigestOf(before), New: plan.Files[name]}}
	if err := fix.Write(root, edits, disk.Options{}); err != nil { // only over the bytes that were read
		log.Fatal(err)
	}
	b, err := os.ReadFile(path)
	fmt.Printf("%q %v\n", b, err)
	// Output:
	// --- a/Dockerfile
	// +++ b/Dockerfile
	// @@ -1,2 +1 @@
	//  FROM alpine:3.20
	// -MAINTAINER me
	// "FROM alpine:3.20\n" <nil>
}

func ExampleProver() {
	before := []byte("FROM alpine:3.20\nCMD date\n")
	after := []byte("FROM alpine:3.20\nCMD [\"date\"]\n")
	prover := &fix.Prover{Context: "."}
	v, err := prover.Prove(context.Background(), fix.Candidate{
		Dockerfile: "Dockerfile",
		Before:     map[string][]byte{"Dockerfile": before},
		After:      map[string][]byte{"Dockerfile": after},
	}, finding.Parsed)
	if err != nil {
		log.Fatal(err)
	}
	if v.Failed != nil {
		fmt.Println(v.Failed.Step, v.Failed.Why)
	}
	fmt.Println(v.Reached)
	// Output: parsed
}

// What a proof builds and runs needs a Docker Engine.
func ExampleProver_Prove() {
	files := map[string][]byte{"Dockerfile": []byte("FROM alpine:3.20\nCMD date\n")}
	plan := fix.Plan{Files: map[string][]byte{"Dockerfile": []byte("FROM alpine:3.20\nCMD [\"date\"]\n")}}
	prover := &fix.Prover{
		Context: ".",
		Dial: func(ctx context.Context) (*runtime.Engine, error) {
			return runtime.Dial(ctx, runtime.Options{})
		},
	}
	v, err := prover.Prove(context.Background(), fix.Candidate{
		Dockerfile: "Dockerfile", Before: files, After: plan.Files,
	}, finding.Ran)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.Reached)
}
