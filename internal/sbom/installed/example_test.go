package installed_test

import (
	"fmt"

	"github.com/drydock-dev/drydock/internal/sbom/installed"
)

func Example() {
	b := []byte("Package: curl\nArchitecture: amd64\n\nPackage: libc6\nArchitecture: amd64\n")
	without := func(name, _ string) bool { return name == "curl" }
	fmt.Printf("%q\n", installed.DpkgStatus(b, without))

	list := []byte("/.\n/usr\n/usr/bin/curl\n")
	kept := func(path string) bool { return path != "usr/bin/curl" }
	fmt.Printf("%q\n", installed.DpkgList(list, kept))

	db := []byte("P:curl\nV:8.5\n\nP:musl\nV:1.2\n\n")
	gone := func(name, _ string) bool { return name == "curl" }
	fmt.Printf("%q\n", installed.APK(db, gone, kept))
	// Output:
	// "Package: libc6\nArchitecture: amd64\n"
	// "/.\n/usr\n"
	// "P:musl\nV:1.2\n\n"
}
