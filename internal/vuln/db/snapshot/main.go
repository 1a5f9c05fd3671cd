// Command snapshot compiles the advisory database that is embedded in drydock.
//
//	go run ./internal/vuln/db/snapshot DIR internal/vuln/db/snapshot.db
//
// DIR holds the facts as files: OSV records a line each in <Ecosystem>.jsonl.xz,
// alpine-secdb.tar.xz, wolfi-security.json.xz, cvss.jsonl.xz, kev.json.xz and
// epss.csv.xz, debian-security-support.tsv.xz. The same files give the same bytes.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func main() {
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: snapshot DIR OUT")
		os.Exit(1)
	}
	if err := run(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(dir, out string) error {
	in, err := gather(dir)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := db.Compile(&buf, in); err != nil {
		return err
	}
	for _, s := range in.Sources {
		fmt.Printf("%-14s %7d records, newest %s\n", s.Name, s.Records, s.Newest.Format("2006-01-02"))
	}
	fmt.Printf("%d bytes\n", buf.Len())
	return os.WriteFile(out, buf.Bytes(), 0o644)
}
