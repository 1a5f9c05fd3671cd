package exercise_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

func Example() {
	x := exercise.Exercise{Probes: []string{"http://localhost:8080/"}}
	ports, err := x.Ports([]uint16{80, 443}) // what to publish when it is started
	fmt.Println(ports, err)
	// Output: [8080] <nil>
}

func ExampleExercise() {
	ctx := context.Background()
	var container exercise.Workload // one that was started
	x := exercise.Exercise{Probes: []string{"http://localhost:8080/"}}
	if err := x.Ready(ctx, container); err != nil { // nil: it is up
		log.Fatal(err)
	}
	result, err := x.Do(ctx, container) // what came of it
	fmt.Println(result, err)
}
