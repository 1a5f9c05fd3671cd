package damage_test

import (
	"encoding/json"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
)

// What a fuzz test draws is a script and not the bytes of the file.
func Example() {
	sound := [][]byte{[]byte(`{"packages": ["a", "b"]}`)}
	_ = func(f *testing.F) {
		f.Fuzz(func(t *testing.T, which byte, script []byte) {
			b := damage.Do(sound[int(which)%len(sound)], script)
			var doc any
			_ = json.Unmarshal(b, &doc) // the parser under test, and its law
		})
	}
}
