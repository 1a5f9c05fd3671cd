package dockerfile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// A lone variable stands for the literal that the same script sets it to, and for
// nothing where it may be anything else.
func TestShellValues(t *testing.T) {
	for text, want := range map[string]string{
		`P="a b" && apt-get install $P`:                                   "a b",
		`P='a  b'; apt-get install ${P}`:                                  "a b",
		`export P=a; apt-get install "$P"`:                                "a",
		`{ P=a; }; apt-get install $P`:                                    "a",
		`for p in a "b"; do apt-get install $p; done`:                     "a b",
		`apt-get install $P; P=a`:                                         "",
		`P=a apt-get install $P`:                                          "",
		`P="a b"; apt-get install "$P"`:                                   "",
		`P=a; P=b; apt-get install $P`:                                    "",
		`P=a; P+=b; apt-get install $P`:                                   "",
		`P+=b; apt-get install $P`:                                        "",
		`P=$(cat x); apt-get install $P`:                                  "",
		`P="a $Q"; apt-get install $P`:                                    "",
		`P=a*; apt-get install $P`:                                        "",
		`true || P=a; apt-get install $P`:                                 "",
		`if x; then P=a; fi; apt-get install $P`:                          "",
		`(P=a); apt-get install $P`:                                       "",
		`P=a; read P; apt-get install $P`:                                 "",
		`P=a; . ./x; apt-get install $P`:                                  "",
		`P=a; eval "$X"; apt-get install $P`:                              "",
		`P=a; unset P; apt-get install $P`:                                "",
		`P=a; sh -c 'apt-get install $P'`:                                 "",
		`P=a; f() { apt-get install $P; }; f`:                             "",
		`P=a; for P in b; do x; done; apt-get install $P`:                 "",
		`for p in a; do x; done; for p in b; do apt-get install $p; done`: "",
		`P=a; apt-get install ${P}-dev`:                                   "",
		`P=a; apt-get install ${P:-b}`:                                    "",
		`echo | P=a; apt-get install $P`:                                  "",
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte("FROM a\nRUN "+text+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got []string
		for _, c := range f.Script(&f.Instructions[1], nil).Commands {
			if c.Is("apt-get", "install") {
				got = c.Operands()[1].Values
			}
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
