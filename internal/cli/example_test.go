package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/drydock-dev/drydock/internal/cli"
)

func Example() {
	var out bytes.Buffer
	env := cli.Env{
		Stdout: &out, Stderr: &out, Now: time.Now, Version: "1.2.3",
		Getenv: func(string) string { return "" },
	}
	code := cli.Main(context.Background(), env, "drydock", "version")
	fmt.Println(code)
	fmt.Println(bytes.Contains(out.Bytes(), []byte("1.2.3")))
	// Output:
	// 0
	// true
}
