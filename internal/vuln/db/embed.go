package db

import _ "embed"

//go:generate go run ./snapshot ../../../../shared/advisories-2026-11 snapshot.db

//go:embed snapshot.db
var snapshot []byte

// Embedded opens the snapshot that is compiled into the program. It always says
// its dates, source by source; what was fetched later goes before it in a [Stack].
func Embedded() (*DB, error) {
	return open("", bytesAt(snapshot), int64(len(snapshot)))
}
