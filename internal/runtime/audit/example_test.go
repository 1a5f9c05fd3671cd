package audit_test

import (
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

func Example() {
	b := []byte("services:\n  web:\n    image: nginx:1.29\n    privileged: true\n")
	doc, err := audit.ReadCompose("compose.yaml", b, nil) // or ReadManifest, or ReadCommands
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range doc.Containers {
		looked := audit.Run(c, audit.Checks())
		for _, f := range looked.Findings {
			if f.Rule == "runtime/privileged" {
				fmt.Println(f.Line(), f.Message)
			}
		}
		fmt.Println(len(looked.Unknown), "unknown")
	}
	// Output:
	// 4 the container is privileged: root in it is root on the host
	// 1 unknown
}
