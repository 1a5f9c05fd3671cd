package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/drydock-dev/drydock/internal/base"
)

// CatalogueName is the file of learned images in the data folder.
const CatalogueName = "catalogue.jsonl"

// ReadCatalogue reads the file of learned images; none where there is no file.
func ReadCatalogue(file string) ([]*base.Entry, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	entries, err := base.ReadCatalogue(f)
	if err != nil {
		return nil, &catalogueError{fmt.Errorf("catalogue %s: %w", file, err), file}
	}
	return entries, nil
}

type catalogueError struct {
	err  error
	file string
}

func (e *catalogueError) Error() string { return e.err.Error() }
func (e *catalogueError) Unwrap() error { return e.err }
func (e *catalogueError) Hint() string  { return "remove " + e.file + " and learn the images again" }
