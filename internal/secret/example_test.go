package secret_test

import (
	"fmt"

	"github.com/drydock-dev/drydock/internal/secret"
)

func Example() {
	step := `ENV DATABASE=postgres://app:Tr0ub4dor-3@db/app`
	for _, m := range secret.Find([]byte(step)) {
		fmt.Println(m.Kind, m.Severity, m.Redacted([]byte(step)))
	}
	fmt.Println(secret.Redact(step))
	// Output:
	// url-password high ****
	// ENV DATABASE=postgres://app:****@db/app
}
