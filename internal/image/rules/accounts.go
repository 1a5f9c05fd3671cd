package rules

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
)

const (
	accountsName  = "accounts"
	accountsLimit = 1 << 20
)

// accountsReader reads who there is, from etc/passwd, and which of them has an
// empty password, from etc/shadow. Password hashes are not kept. Its facts are
// lines "name:uid:e", the e where the password is empty.
func accountsReader() layer.Analyzer {
	return layer.Analyzer{
		Name: accountsName, Version: 1, Limit: accountsLimit,
		Wants: func(path string, mode fs.FileMode, _ int64) bool {
			return (path == "etc/passwd" || path == "etc/shadow") && mode&fs.ModeSymlink == 0
		},
		Read: func(_ context.Context, f layer.Input) ([]byte, error) {
			if f.Truncated(accountsLimit) {
				return nil, fmt.Errorf("%d bytes, more than %d", f.Size, accountsLimit)
			}
			var out bytes.Buffer
			lines := bufio.NewScanner(f.Body)
			lines.Buffer(nil, accountsLimit+1)
			for lines.Scan() {
				fields := strings.Split(lines.Text(), ":")
				if len(fields) < 3 || fields[0] == "" || fields[0][0] == '#' {
					continue
				}
				uid := ""
				if f.Path == "etc/passwd" {
					uid = fields[2]
				}
				fmt.Fprintf(&out, "%s:%s:", fields[0], uid)
				if fields[1] == "" {
					out.WriteByte('e')
				}
				out.WriteByte('\n')
			}
			return out.Bytes(), lines.Err()
		},
	}
}

type account struct {
	name, uid string
	empty     bool // its password
}

// accounts returns the accounts of the final file system's etc/passwd or
// etc/shadow and the layer that file lies in; known is false where the image
// has no such file, and the error says why one could not be read.
func accounts(s *scan, path string) (all []account, index int, known bool, err error) {
	n, ok := s.Tree.Lookup(path)
	if !ok || n.Layer >= len(s.Records) || n.Entry.Kind != layer.File && n.Entry.Kind != layer.Hardlink {
		return nil, -1, false, nil
	}
	for _, f := range s.Records[n.Layer].Facts {
		if f.Analyzer != accountsName || f.Path != path {
			continue
		}
		if f.Err != "" {
			return nil, n.Layer, false, fmt.Errorf("read /%s: %s", path, f.Err)
		}
		for line := range strings.SplitSeq(string(f.Data), "\n") {
			if p := strings.Split(line, ":"); len(p) == 3 {
				all = append(all, account{p[0], p[1], p[2] == "e"})
			}
		}
	}
	return all, n.Layer, true, nil
}

func rootUser() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/root-user",
			Title:    "The container runs as root",
			Practice: finding.LeastPrivilege,
			Severity: finding.Medium,
			Aliases:  []string{"CIS-4.1", "CIS-DI-0001", "DS002", "DL3002"},
			Why: "Root in a container is root to the kernel, short of some capabilities. Whoever takes the program over can change every file of " +
				"the container, bind-mounted ones included, and needs one kernel bug to leave it. A program that needs no more than a user has should be one.",
			Bad:  "FROM debian:13-slim\nCMD [\"app\"]\n",
			Good: "FROM debian:13-slim\nRUN useradd --uid 10001 app\nUSER app\nCMD [\"app\"]\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) {
				return nil
			}
			user := p.Input.Image.Config.Config.User
			name, _, _ := strings.Cut(user, ":")
			f := finding.Finding{At: []finding.Location{atConfig("config", "User")}}
			switch root, known, err := isRoot(p.Input, name); {
			case err != nil:
				return err
			case !known:
				p.Unknown(finding.Unknown{What: "whether user " + strconv.Quote(name) + " is root", Why: "the image's /etc/passwd does not have it"})
			case root && name == "":
				f.Message = "no USER is set: the container runs as root"
				p.Report(f)
			case root:
				f.Message = fmt.Sprintf("USER is %s: the container runs as root", user)
				p.Report(f)
			}
			return nil
		},
	}
}

// isRoot reports whether a USER's name or number is root's.
func isRoot(s *scan, name string) (root, known bool, err error) {
	if name == "" || name == "root" {
		return true, true, nil
	}
	if uid, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uid == 0, true, nil
	}
	all, _, _, err := accounts(s, "etc/passwd")
	for _, a := range all {
		if a.name == name {
			return a.uid == "0", true, err
		}
	}
	return false, false, err
}

func emptyPassword() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/empty-password",
			Title:    "An account has an empty password",
			Practice: finding.LeastPrivilege,
			Severity: finding.High,
			Aliases:  []string{"DKL-LI-0001", "CVE-2019-5021"},
			Why: "An account whose password field is empty can be logged in to, or switched to with su, by anyone who runs anything in the " +
				"container: a process that was confined to a user becomes root. A locked account has a * or ! in that field.",
			Bad:  "FROM debian:13-slim\nRUN passwd -d root\n",
			Good: "FROM debian:13-slim\nRUN passwd -l root\n",
		},
		Run: func(_ context.Context, p *pass) error {
			for _, path := range []string{"etc/shadow", "etc/passwd"} {
				all, index, _, err := accounts(p.Input, path)
				if err != nil {
					return err
				}
				for _, a := range all {
					if a.empty {
						p.Report(finding.Finding{
							Key:     a.name,
							Message: fmt.Sprintf("account %s has an empty password in /%s", a.name, path),
							At:      []finding.Location{at(p.Input, index, path)},
						})
					}
				}
			}
			return nil
		},
	}
}

func duplicateUID() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/duplicate-uid",
			Title:    "Two accounts have the same user id",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"DKL-LI-0002"},
			Why: "The kernel knows numbers and not names: accounts with the same number are one account. A second name for 0 is root under " +
				"another name, and is reported as high.",
			Bad:  "FROM debian:13-slim\nRUN useradd --non-unique --uid 0 toor\n",
			Good: "FROM debian:13-slim\nRUN useradd --uid 10001 app\n",
		},
		Run: func(_ context.Context, p *pass) error {
			all, index, _, err := accounts(p.Input, "etc/passwd")
			first := map[string]string{}
			for _, a := range all {
				other, taken := first[a.uid]
				if !taken || a.uid == "" || other == a.name {
					first[a.uid] = a.name
					continue
				}
				f := finding.Finding{
					Key:     a.name,
					Message: fmt.Sprintf("accounts %s and %s are both user %s", other, a.name, a.uid),
					At:      []finding.Location{at(p.Input, index, "etc/passwd")},
				}
				if a.uid == "0" {
					f.Severity = finding.High
				}
				p.Report(f)
			}
			return err
		},
	}
}
