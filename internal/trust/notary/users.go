package notary

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/scrypt"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Users are who may write to a server: a file with a hash of each one's password. Where the
// file is, nobody else may write, also when it names nobody.
type Users struct {
	File string
	User disk.User

	busy chan struct{} // bounds how many passwords are hashed at once
}

// account is one of them, as the file has it.
type account struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Salt    []byte    `json:"salt"`
	Hash    []byte    `json:"hash"` // scrypt
	N       int       `json:"n"`
	R       int       `json:"r"`
	P       int       `json:"p"`
}

// What a password costs to try: 16 MB and some 40 ms, for each of at most hashersAtOnce.
const (
	loginN        = 1 << 14
	loginR        = 8
	loginP        = 1
	hashLen       = 32
	hashersAtOnce = 2
	// maxHashN limits the cost N of a password's scrypt hash in a users file, which somebody may
	// have edited.
	maxHashN = 1 << 20
	maxUsers = 10_000
	// maxUsersFile limits the bytes of the Notary v1 server's users file.
	maxUsersFile = 8 << 20
	minPassword  = 8
	maxPassword  = 1024
)

// OpenUsers are the users of the server whose folder it is.
func OpenUsers(dir string, user disk.User) *Users {
	return &Users{File: filepath.Join(dir, "users.json"), User: user, busy: make(chan struct{}, hashersAtOnce)}
}

// load reads the accounts. on: there is a file, and so a login.
func (u *Users) load() (all []account, on bool, err error) {
	info, err := os.Stat(u.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err == nil {
		err = u.User.Private(u.File)
	}
	if err != nil {
		return nil, true, err
	}
	if info.Size() > maxUsersFile {
		return nil, true, fmt.Errorf("%s has more than %d bytes", u.File, maxUsersFile)
	}
	b, err := os.ReadFile(u.File)
	if err != nil {
		return nil, true, err
	}
	all, err = readUsers(b)
	if err != nil {
		return nil, true, fmt.Errorf("%s: %w", u.File, err)
	}
	return all, true, nil
}

// readUsers decodes the file, and refuses what no password could be held to.
func readUsers(b []byte) ([]account, error) {
	var all []account
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	if len(all) > maxUsers {
		return nil, fmt.Errorf("more than %d users", maxUsers)
	}
	for _, a := range all {
		sound := a.N >= loginN && a.N <= maxHashN && a.N&(a.N-1) == 0 && a.R == loginR && a.P == loginP
		if !validUser(a.Name) || len(a.Hash) != hashLen || len(a.Salt) < 16 || len(a.Salt) > 64 || !sound {
			return nil, fmt.Errorf("the entry of %.64q cannot be used", a.Name)
		}
	}
	return all, nil
}

func validUser(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._@]{0,63}$`).MatchString(name)
}

// Names are who may write, sorted. on: there is a login.
func (u *Users) Names() (names []string, on bool, err error) {
	all, on, err := u.load()
	for _, a := range all {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names, on, err
}

// Add lets somebody write with a password, or gives one who may another password.
func (u *Users) Add(name string, password []byte, now time.Time) error {
	if !validUser(name) {
		return finding.WithHint(fmt.Errorf("%.64q is no name of a user", name), "letters, digits, and ._@- after the first")
	}
	if len(password) < minPassword || len(password) > maxPassword {
		return fmt.Errorf("a password has %d to %d bytes", minPassword, maxPassword)
	}
	a := account{Name: name, Created: now.UTC().Truncate(time.Second), Salt: make([]byte, 16), N: loginN, R: loginR, P: loginP}
	if _, err := rand.Read(a.Salt); err != nil {
		return err
	}
	var err error
	if a.Hash, err = scrypt.Key(password, a.Salt, a.N, a.R, a.P, hashLen); err != nil {
		return err
	}
	return u.change(func(all []account) ([]account, error) {
		if all = usersBut(all, name); len(all) == maxUsers {
			return nil, fmt.Errorf("there are %d users, and no more are kept", maxUsers)
		}
		return append(all, a), nil
	})
}

// Remove takes somebody's leave to write. The login stays, also without anybody in it.
func (u *Users) Remove(name string) error {
	return u.change(func(all []account) ([]account, error) {
		left := usersBut(all, name)
		if len(left) == len(all) {
			return nil, fmt.Errorf("there is no user %.64q", name)
		}
		return left, nil
	})
}

func usersBut(all []account, name string) []account {
	return slices.DeleteFunc(slices.Clone(all), func(a account) bool { return a.Name == name })
}

func (u *Users) change(do func([]account) ([]account, error)) error {
	if err := u.User.MkdirAll(filepath.Dir(u.File), 0o700); err != nil {
		return err
	}
	return disk.Alone(u.File, u.User, func() error {
		all, _, err := u.load()
		if err != nil {
			return err
		}
		if all, err = do(all); err != nil {
			return err
		}
		sorting.By(all, func(a, b account) int { return strings.Compare(a.Name, b.Name) })
		b, err := json.MarshalIndent(append([]account{}, all...), "", "  ")
		if err != nil {
			return err
		}
		return disk.WriteFile(u.File, b, disk.Options{Mode: 0o600, Exact: true, User: u.User})
	})
}

// errBusy is a server that hashes as many passwords as it may.
var errBusy = errors.New("too many log in at once")

// verify holds a password to a user's. Of a user that there is not, as much is computed.
func (u *Users) verify(ctx context.Context, name, password string) (bool, error) {
	all, _, err := u.load()
	if err != nil || len(password) > maxPassword {
		return false, err
	}
	a := account{Salt: make([]byte, 16), Hash: make([]byte, hashLen), N: loginN, R: loginR, P: loginP}
	i := slices.IndexFunc(all, func(a account) bool { return a.Name == name })
	if i >= 0 {
		a = all[i]
	}
	select {
	case u.busy <- struct{}{}:
		defer func() { <-u.busy }()
	case <-ctx.Done():
		return false, errBusy
	case <-time.After(10 * time.Second):
		return false, errBusy
	}
	got, err := scrypt.Key([]byte(password), a.Salt, a.N, a.R, a.P, hashLen)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, a.Hash) == 1 && i >= 0, nil
}
