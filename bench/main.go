//go:build unix

// Command bench times whole commands beside a peer and a lower bound, in one
// run, and prints medians and ratios. See README.md.
package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

func main() {
	images := flag.String("images", "bench/out", "the `DIR` that bench/images made")
	drydock := flag.String("drydock", "./drydock", "the program")
	peer := flag.String("scalibr", "", "osv-scalibr's program; empty: no peer")
	runs := flag.Int("n", 5, "counted runs of each command")
	mirror := flag.String("mirror", "", "advisories as their upstreams serve them, below this `DIR`; empty: db update is not measured")
	lower := flag.String("lower-bound", "", "only read, decompress and hash the layers of this archive, or the documents of a mirror (bench runs itself so)")
	flag.Parse()
	if *lower != "" {
		if err := lowerBound(*lower); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	b := bench{drydock: *drydock, peer: *peer, runs: *runs, images: *images, mirror: *mirror}
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

type bench struct {
	drydock, peer, images, mirror string
	runs                          int
	tmp                           string
}

func (b *bench) run() (err error) {
	if b.tmp, err = os.MkdirTemp("", "drydock-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.tmp) //nolint:errcheck // it is temporary
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("medians of %d runs after one warm-up; CPU is user and system\n\n", b.runs)
	fmt.Printf("%-44s %9s %9s %9s\n", "", "CPU s", "wall s", "peak MB")
	b.row("drydock version", b.command(b.drydock, "version"))
	archives, err := filepath.Glob(filepath.Join(b.images, "*.tar"))
	if err != nil {
		return err
	}
	if len(archives) == 0 {
		return fmt.Errorf("%s: no images; bench/images makes them", b.images)
	}
	slices.Sort(archives)
	for _, a := range archives {
		name := strings.TrimSuffix(filepath.Base(a), ".tar")
		fmt.Println()
		low := b.row(name+": lower bound", b.command(self, "-lower-bound", a))
		full := b.row(name+": sbom, nothing cached", b.command(b.drydock, "sbom", "--no-cache", "-f", "json", "archive://"+a))
		b.row(name+": sbom, layers cached", b.command(b.drydock, "sbom", "-f", "json", "archive://"+a))
		b.row(name+": cves, layers cached", b.command(b.drydock, "cves", "-f", "json", "archive://"+a))
		b.row(name+": check, layers cached", b.command(b.drydock, "check", "-f", "json", "archive://"+a))
		fmt.Printf("%-44s %8.2fx\n", "  CPU, to the lower bound", full.cpu/low.cpu)
		if b.peer == "" || strings.HasSuffix(name, ".oci") {
			continue
		}
		p := b.row(name+": scalibr", b.command(b.peer, "--image-tarball="+a, "--result="+filepath.Join(b.tmp, "scalibr.textproto"), "--plugins=os,python,java,javascript,go,rust,ruby,php,dotnet"))
		fmt.Printf("%-44s %8.2fx CPU %6.2fx memory\n", "  to scalibr", full.cpu/p.cpu, full.peak/p.peak)
	}
	return b.update(self)
}

// update measures db update of all that a mirror has, nothing stored, beside its bound.
func (b *bench) update(self string) error {
	if b.mirror == "" {
		return nil
	}
	srv := httptest.NewServer(http.FileServer(http.Dir(b.mirror)))
	defer srv.Close()
	folders, err := filepath.Glob(filepath.Join(b.mirror, "osv", "*", "all.zip"))
	if err != nil {
		return err
	}
	args := []string{"db", "update", "-q", "--mirror", srv.URL}
	for _, f := range folders {
		args = append(args, filepath.Base(filepath.Dir(f)))
	}
	fmt.Println()
	low := b.row("advisories: lower bound", b.command(self, "-lower-bound", b.mirror))
	full := b.row("advisories: db update, nothing stored", func() *exec.Cmd {
		dir := filepath.Join(b.tmp, "advisories")
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
		}
		return b.command(b.drydock, append(args, "--data-dir", dir)...)()
	})
	fmt.Printf("%-44s %8.2fx\n", "  CPU, to the lower bound", full.cpu/low.cpu)
	return nil
}

// figures are one command's medians: seconds and megabytes.
type figures struct{ cpu, wall, peak float64 }

func (b *bench) row(name string, cmd func() *exec.Cmd) figures {
	var cpu, wall, peak []float64
	var failed error
	for i := range b.runs + 1 {
		c := cmd()
		start := time.Now()
		if err := c.Run(); err != nil {
			failed = err
			break
		}
		took := time.Since(start)
		if i == 0 {
			continue
		}
		u := c.ProcessState.SysUsage().(*syscall.Rusage)
		cpu = append(cpu, c.ProcessState.UserTime().Seconds()+c.ProcessState.SystemTime().Seconds())
		wall = append(wall, took.Seconds())
		peak = append(peak, float64(u.Maxrss)/1024)
	}
	if failed != nil {
		fmt.Printf("%-44s %v\n", name, failed)
		return figures{}
	}
	f := figures{median(cpu), median(wall), median(peak)}
	fmt.Printf("%-44s %9.3f %9.3f %9.0f\n", name, f.cpu, f.wall, f.peak)
	return f
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func (b *bench) command(name string, args ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		c := exec.Command(name, args...)
		c.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(b.tmp, "cache"), "XDG_DATA_HOME="+filepath.Join(b.tmp, "data"))
		return c
	}
}

// lowerBound does with an archive's layers what nobody can do without: read
// them, decompress them, hash what was stored and what came out.
func lowerBound(path string) error {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return errors.Join(err, documents(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Size < 2048 {
			continue
		}
		stored, plain := sha256.New(), sha256.New()
		buf := make([]byte, 1<<20)
		head := make([]byte, 2)
		if _, err := io.ReadFull(r, head); err != nil {
			return err
		}
		if head[0] != 0x1f || head[1] != 0x8b {
			if _, err := io.CopyBuffer(stored, r, buf); err != nil {
				return err
			}
			continue
		}
		z, err := gzip.NewReader(io.TeeReader(io.MultiReader(strings.NewReader(string(head)), r), stored))
		if err != nil {
			return err
		}
		if _, err := io.CopyBuffer(plain, z, buf); err != nil {
			return err
		}
	}
}

// documents does the same with the documents of a mirror.
func documents(dir string) error {
	sum := sha256.New()
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "modified_id.csv" {
			return err
		}
		if strings.HasSuffix(path, ".zip") {
			return members(path, sum)
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		var in io.Reader = f
		if strings.HasSuffix(path, ".gz") {
			if in, err = gzip.NewReader(f); err != nil {
				return err
			}
		}
		_, err = io.Copy(sum, in)
		return err
	})
}

func members(path string, sum io.Writer) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // read only
	in := bufio.NewReader(nil)
	var inflate io.ReadCloser // one for all members, which are read one after the other
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser {
		in.Reset(r)
		if again, ok := inflate.(flate.Resetter); ok && again.Reset(in, nil) == nil {
			return inflate
		}
		inflate = flate.NewReader(in)
		return inflate
	})
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		_, err = io.Copy(sum, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}
