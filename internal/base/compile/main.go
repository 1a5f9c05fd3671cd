// Command compile makes the facts embedded in package base from the sources
// they are published in:
//
//	go run ./internal/base/compile -from ../shared -to internal/base/data
//
// The same input gives the same bytes.
package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func main() {
	from := flag.String("from", "../shared", "folder with end-of-life.json.xz and official-images")
	to := flag.String("to", "internal/base/data", "folder to write to")
	archives := flag.String("archives", "", "folder with the Packages files of distributions; empty: the names of packages stay as they are")
	flag.Parse()
	if err := run(*from, *to, *archives); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

type part struct {
	name    string
	compile func(string) ([]byte, error)
}

func run(from, to, archives string) error {
	parts := []part{
		{"eol.zst", func(dir string) ([]byte, error) { return endOfLife(filepath.Join(dir, "end-of-life.json.xz")) }},
		{"official.zst", func(dir string) ([]byte, error) { return official(filepath.Join(dir, "official-images")) }},
		{"facts.zst", configurations},
		{"library.zst", func(dir string) ([]byte, error) {
			return library(filepath.Join(dir, "official-images", "library.tar.xz"))
		}},
		{"alpine.zst", func(dir string) ([]byte, error) {
			return alpineNames(filepath.Join(dir, "advisories", "alpine-secdb.tar.xz"))
		}},
	}
	if archives != "" {
		parts = append(parts, part{"packages.zst", func(string) ([]byte, error) { return packageNames(archives, releases()) }})
	}
	for _, part := range parts {
		text, err := part.compile(from)
		if err != nil {
			return fmt.Errorf("compile %s: %w", part.name, err)
		}
		packed, err := pack(text)
		if err != nil {
			return fmt.Errorf("compress %s: %w", part.name, err)
		}
		if err := os.WriteFile(filepath.Join(to, part.name), packed, 0o644); err != nil {
			return err
		}
		fmt.Printf("%-14s %7d bytes, %6d compressed\n", part.name, len(text), len(packed))
	}
	return nil
}

// releases are those whose packages are known, the bits of the mask in order.
func releases() []string {
	return []string{"debian-11", "debian-12", "debian-13", "ubuntu-20.04", "ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04"}
}

func pack(text []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(text, nil), w.Close()
}

func readXZ(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r, err := xz.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return io.ReadAll(io.LimitReader(r, 64<<20))
}

// eachFile calls fn for every regular file of a .tar.xz, in its order.
func eachFile(name string, fn func(name string, text []byte) error) error {
	b, err := readXZ(name)
	if err != nil {
		return err
	}
	tr := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(tr, 4<<20))
		if err != nil {
			return fmt.Errorf("read %s: %s: %w", name, h.Name, err)
		}
		if err := fn(h.Name, text); err != nil {
			return err
		}
	}
}
