package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

func newTrustServeUser(t *trustFlags, dir *string) *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Who may write to the server: add, remove, list",
		Long: `Say who may write to the server. With the first user it asks for a login: whoever
reaches it still reads, and only its users write, at once and without a restart. Clients
log in as they do to a registry ("docker login" with the name of the images' registry),
since docker trust shows the trust server the registry's credentials. Passwords are kept
as hashes (scrypt).`,
	}
	users := func() (*notary.Users, error) {
		at, err := t.serverFolder(*dir)
		return notary.OpenUsers(at, disk.Caller(t.env.Getenv)), err
	}
	c.AddCommand(newTrustServeUserAdd(t, users), &cobra.Command{
		Use:     "remove NAME",
		Short:   "Take somebody's leave to write",
		Example: "  drydock trust serve user remove me",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			u, err := users()
			if err == nil {
				err = u.Remove(args[0])
			}
			if err != nil {
				return err
			}
			return t.say(map[string]any{"user": args[0]}, "%s may not write any more", args[0])
		},
	}, &cobra.Command{
		Use:     "list",
		Short:   "List who may write",
		Example: "  drydock trust serve user list",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			u, err := users()
			if err != nil {
				return err
			}
			names, on, err := u.Names()
			if err != nil {
				return err
			}
			text := strings.Join(names, "\n")
			switch {
			case !on:
				text = "there is no login: whoever reaches the server may write"
			case len(names) == 0:
				text = "nobody may write"
			}
			return t.say(map[string]any{"login": on, "users": append([]string{}, names...)}, "%s", text)
		},
	})
	return c
}

func newTrustServeUserAdd(t *trustFlags, users func() (*notary.Users, error)) *cobra.Command {
	var stdin bool
	c := &cobra.Command{
		Use:     "add NAME",
		Short:   "Let somebody write, or give one who may another password",
		Example: "  drydock trust serve user add me --password-stdin <password.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			u, err := users()
			if err != nil {
				return err
			}
			word, err := t.password(args[0], stdin)
			if err != nil {
				return err
			}
			if err := u.Add(args[0], word, t.env.Now()); err != nil {
				return err
			}
			return t.say(map[string]any{"user": args[0]}, "%s may write", args[0])
		},
	}
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	return c
}

// password is a new one: the first line of standard input, or what is typed twice.
func (t *trustFlags) password(name string, stdin bool) ([]byte, error) {
	switch {
	case stdin:
		return firstLine(t.env.Stdin)
	case t.env.Secret == nil:
		return nil, usageError{fmt.Errorf("%s needs a password, and nobody can be asked for it", name), "say --password-stdin"}
	}
	word, err := t.env.Secret("password for " + foreign(name) + ": ")
	if err != nil {
		return nil, err
	}
	again, err := t.env.Secret("the same again: ")
	if errors.Is(err, io.EOF) || err == nil && !bytes.Equal(word, again) {
		return nil, usageError{errors.New("the two passwords differ"), ""}
	}
	return word, err
}
