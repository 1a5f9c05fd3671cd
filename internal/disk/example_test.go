package disk_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
)

func Example() {
	dir, err := os.MkdirTemp("", "disk")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	path := filepath.Join(dir, "report.json")
	err = disk.Write(path, disk.Options{}, func(w io.Writer) error {
		_, err := io.WriteString(w, `{"findings": []}`)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	b, err := os.ReadFile(path)
	fmt.Println(string(b), err)
	// Output: {"findings": []} <nil>
}
