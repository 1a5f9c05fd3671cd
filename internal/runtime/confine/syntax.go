package confine

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Checked is a document that a program of its own kind has read.
type Checked struct {
	Document string `json:"document"`
	By       string `json:"by"`
	Error    string `json:"error,omitempty"` // what it says is wrong; empty: nothing
}

//go:embed selinux-base.cil
var selinuxBase []byte

// checkWithin is how long such a program may take.
const checkWithin = 30 * time.Second

// Check has documents read by apparmor_parser and secilc, as far as they are here.
// dir is an empty folder for them to read from; nothing is loaded into the kernel.
func Check(ctx context.Context, dir string, docs []Document) ([]Checked, error) {
	var out []Checked
	base := filepath.Join(dir, "base.cil")
	if err := os.WriteFile(base, selinuxBase, 0o600); err != nil {
		return nil, err
	}
	for _, d := range docs {
		var args []string
		file := filepath.Join(dir, filepath.Base(d.Name))
		switch d.Name {
		case "apparmor.profile":
			args = []string{"apparmor_parser", "-Q", "-K", file}
		case "selinux.cil":
			args = []string{"secilc", "-o", os.DevNull, "-f", os.DevNull, base, file}
		default:
			continue
		}
		program, err := look(args[0])
		if err != nil {
			continue // it is not here
		}
		if err := os.WriteFile(file, d.Body, 0o600); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, checkWithin)
		said, err := exec.CommandContext(ctx, program, args[1:]...).CombinedOutput() //nolint:gosec // a program of the system's
		cancel()
		c := Checked{Document: d.Name, By: args[0]}
		var ended *exec.ExitError
		switch {
		case errors.As(err, &ended):
			c.Error = strings.TrimSpace(strings.ReplaceAll(string(said), file, d.Name))
			if c.Error == "" {
				c.Error = err.Error()
			}
		case err != nil:
			return nil, fmt.Errorf("check %s: %w", d.Name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// look finds a program, also where programs for administrators lie.
func look(name string) (string, error) {
	at, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err == nil {
			break
		}
		at, err = exec.LookPath(filepath.Join(dir, name))
	}
	return at, err
}
