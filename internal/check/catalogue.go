package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
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
		return nil, finding.WithHint(fmt.Errorf("catalogue %s: %w", file, err), "remove "+file+" and learn the images again")
	}
	return entries, nil
}

// Catalogue reads the user's catalogue of learned images; none where there is no
// file.
func (s *Surroundings) Catalogue() ([]*base.Entry, error) {
	file := s.Learned
	if file == "" && s.DataDir != "" {
		file = filepath.Join(s.DataDir, CatalogueName)
	}
	if file == "" {
		return nil, nil
	}
	if err := disk.Caller(s.Getenv).Private(file); err != nil {
		return nil, fmt.Errorf("catalogue of learned images: %w", err)
	}
	return ReadCatalogue(file)
}
