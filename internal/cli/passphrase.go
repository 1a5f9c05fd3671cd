package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// maxPassphrase is how long one may be, in bytes.
const maxPassphrase = 4096

// passphrases asks for the passphrases of keys: a file descriptor first, then the
// variables, then the user.
type passphrases struct {
	env  Env
	fd   int    // --passphrase-fd; negative: none
	read []byte // of it, which is there once
}

func (p *passphrases) ask(what string, fresh bool) ([]byte, error) {
	if p.fd >= 0 {
		if p.read == nil {
			f := os.NewFile(uintptr(p.fd), "passphrase")
			if f == nil {
				return nil, usageError{fmt.Errorf("--passphrase-fd %d is not open", p.fd), ""}
			}
			b, err := firstLine(f)
			if err != nil {
				return nil, fmt.Errorf("--passphrase-fd %d: %w", p.fd, err)
			}
			p.read = b
		}
		return p.read, nil
	}
	if v := p.env.Getenv("DRYDOCK_TRUST_PASSPHRASE"); v != "" {
		return []byte(v), nil
	}
	if name := p.env.Getenv("DRYDOCK_TRUST_PASSPHRASE_FILE"); name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		b, err := firstLine(f)
		return b, errors.Join(err, f.Close())
	}
	if v := p.env.Getenv("DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"); v != "" && p.env.Secret == nil {
		return []byte(v), nil
	}
	if p.env.Secret == nil {
		return nil, usageError{
			fmt.Errorf("%s needs a passphrase, and nobody can be asked for it", what),
			"set DRYDOCK_TRUST_PASSPHRASE or DRYDOCK_TRUST_PASSPHRASE_FILE, or say --passphrase-fd N",
		}
	}
	word, err := p.env.Secret("passphrase for " + foreign(what) + ": ")
	if err != nil || !fresh {
		return word, err
	}
	again, err := p.env.Secret("the same again: ")
	if err == nil && !bytes.Equal(word, again) {
		err = usageError{errors.New("the two passphrases differ"), ""}
	}
	return word, err
}

// askDocker asks for the passphrase of a key of Docker's, by Docker's variables
// first.
func (p *passphrases) askDocker(role, what string, fresh bool) ([]byte, error) {
	name := "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"
	if role == trust.Root {
		name = "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE"
	}
	if v := p.env.Getenv(name); v != "" {
		return []byte(v), nil
	}
	return p.ask(what, fresh)
}

// firstLine is what stands before the first line end.
func firstLine(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPassphrase+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxPassphrase {
		return nil, fmt.Errorf("a passphrase of more than %d bytes", maxPassphrase)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return []byte(strings.TrimSuffix(line, "\r")), nil
}

// asker asks on the terminal, and shows nothing of the answer.
func asker(in, out *os.File) func(prompt string) ([]byte, error) {
	if !term.IsTerminal(in.Fd()) {
		return nil
	}
	return func(prompt string) ([]byte, error) {
		fmt.Fprint(out, prompt)
		b, err := term.ReadPassword(in.Fd())
		fmt.Fprintln(out)
		return b, err
	}
}

// readSmall reads a file that is small if it is what it should be.
func readSmall(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %s", name, finding.Count(int(most), "byte"))
	}
	return b, errors.Join(err, f.Close())
}
