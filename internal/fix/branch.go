package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// Branch is a branch of the user's repository that fixes are committed on, beside what
// he has checked out: neither his files nor his index nor his branch change. The commits
// are made by git itself in a folder of their own, so that his hooks run, and his name
// and his signature count.
type Branch struct {
	Name string

	git  git
	root string // of the repository
	head string // the commit that it begins at
	led  *ledger.Ledger
}

// Commit is a commit to be made.
type Commit struct {
	Message string
	Files   []File
}

// OpenBranch looks whether a branch can be made in the repository of a folder. Nothing
// is made yet.
func OpenBranch(ctx context.Context, dir, name string, environ []string, led *ledger.Ledger) (*Branch, error) {
	b := &Branch{Name: name, git: git{dir: dir, environ: outside(environ)}, led: led}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, errors.New("git is not installed, and commits are made by it")
	}
	root, err := b.git.line(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, finding.WithHint(fmt.Errorf("%s is in no repository of git's: %w", dir, err), "--write writes the files in place")
	}
	b.root, b.git.dir = root, root
	if _, err := b.git.line(ctx, "check-ref-format", "--branch", name); err != nil || strings.HasPrefix(name, "-") {
		return nil, fmt.Errorf("%q cannot be a branch's name", name)
	}
	if b.head, err = b.git.line(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); err != nil {
		return nil, errors.New("the repository has no commit yet that a branch could begin at")
	}
	if _, err := b.git.line(ctx, "rev-parse", "--verify", "--quiet", "refs/heads/"+name); err == nil {
		return nil, finding.WithHint(fmt.Errorf("there is a branch %s already", name), "another name, or git branch -D "+name)
	}
	if _, err := b.git.line(ctx, "var", "GIT_COMMITTER_IDENT"); err != nil {
		return nil, err
	}
	hooks, err := b.git.line(ctx, "config", "--type=path", "core.hooksPath")
	if err == nil && hooks != "" && !filepath.IsAbs(hooks) {
		b.git.hooks = filepath.Join(root, hooks)
	}
	return b, nil
}

// Commit makes the commits, one on the other, and returns their ids. A file that is not
// as it is in the commit the user stands on is refused: what he has not committed is not
// ours to commit. Where anything fails there is no branch.
func (b *Branch) Commit(ctx context.Context, commits []Commit) (ids []string, err error) {
	if err := b.committed(ctx, commits); err != nil {
		return nil, err
	}
	tmp, err := b.led.Folder("branch")
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(tmp.Path, "tree")
	defer func() {
		// What was begun is taken away even where the user stopped it.
		clean := context.WithoutCancel(ctx)
		_, gone := b.git.line(clean, "worktree", "remove", "--force", "--force", tree)
		if err != nil {
			_, _ = b.git.line(clean, "worktree", "prune") // of what remove did not know
			_, _ = b.git.line(clean, "update-ref", "-d", "refs/heads/"+b.Name)
			gone = nil
		}
		err = errors.Join(err, gone, tmp.Remove())
	}()
	if _, err := b.git.line(ctx, "worktree", "add", "--quiet", "-b", b.Name, tree, b.head); err != nil {
		return nil, err
	}
	at := git{dir: tree, environ: b.git.environ, hooks: b.git.hooks}
	held := map[string][]byte{}
	for _, c := range commits {
		id, err := b.commit(ctx, at, c, held)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// committed refuses files that differ from the commit that the branch begins at.
func (b *Branch) committed(ctx context.Context, commits []Commit) error {
	seen := map[string]bool{}
	for _, c := range commits {
		for _, f := range c.Files {
			rel, err := b.within(f.Name)
			if err != nil {
				return err
			}
			if seen[rel] {
				continue
			}
			seen[rel] = true
			blob, err := b.git.line(ctx, "rev-parse", "--verify", "--quiet", b.head+":"+rel)
			switch {
			case f.New && err == nil:
				return fmt.Errorf("%s is in the repository, and not in your folder: it is not made anew", f.Name)
			case f.New:
				continue
			case err != nil:
				return finding.WithHint(fmt.Errorf("%s is not committed, and so nothing that a branch could change", f.Name), "commit it first, or --write writes it in place")
			}
			mine, err := b.git.run(ctx, f.Before, "hash-object", "--path", rel, "--stdin")
			if err != nil {
				return err
			}
			if strings.TrimSpace(string(mine)) != blob {
				return finding.WithHint(fmt.Errorf("%s has changes that are not committed, and those are not ours to commit", f.Name), "commit or stash them first")
			}
		}
	}
	return nil
}

// within is a file's path in the repository.
func (b *Branch) within(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		abs = filepath.Join(dir, filepath.Base(abs))
	}
	if info, err := os.Lstat(abs); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", name)
	}
	root, err := filepath.EvalSymlinks(b.root)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is not in the repository %s", name, b.root)
	}
	return filepath.ToSlash(rel), nil
}

// commit writes the files of one and commits them.
func (b *Branch) commit(ctx context.Context, at git, c Commit, held map[string][]byte) (string, error) {
	var names []string
	for _, f := range c.Files {
		rel, err := b.within(f.Name)
		if err != nil {
			return "", err
		}
		if was, ok := held[rel]; ok && !bytes.Equal(was, f.Before) {
			return "", fmt.Errorf("two fixes change %s, and neither knows of the other: name one with --only", f.Name)
		}
		held[rel] = f.After
		path := filepath.Join(at.dir, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return "", err
		}
		mode := os.FileMode(0o644)
		if info, err := os.Lstat(path); err == nil {
			if !info.Mode().IsRegular() {
				return "", fmt.Errorf("%s is no regular file in the repository", f.Name)
			}
			mode = info.Mode().Perm()
		}
		if err := os.WriteFile(path, f.After, mode); err != nil { //nolint:gosec // in a folder of our own; git knows one mode of files
			return "", err
		}
		names = append(names, ":(literal)"+rel)
	}
	if _, err := at.line(ctx, slices.Concat([]string{"add", "--force", "--"}, names)...); err != nil {
		return "", err
	}
	if _, err := at.run(ctx, []byte(c.Message), "commit", "--quiet", "--cleanup=whitespace", "--file=-"); err != nil {
		return "", fmt.Errorf("the commit was refused: %w", err)
	}
	return at.line(ctx, "rev-parse", "HEAD")
}

// git runs the user's git in a folder.
type git struct {
	dir     string
	environ []string
	hooks   string // the user's, where git would look for them in the folder of the commits; empty: it does not
}

// outside is an environment without what names a repository or changes the meaning of
// a path: the folder says which repository is meant, and paths are literal.
func outside(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains([]string{
			"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
			"GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_NAMESPACE",
			"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
		}, name)
	})
}

func (g git) line(ctx context.Context, args ...string) (string, error) {
	out, err := g.run(ctx, nil, args...)
	return strings.TrimRight(string(out), "\r\n"), err
}

// maxSaid is how much of what git or a hook says an error has.
const maxSaid = 2000

func (g git) run(ctx context.Context, in []byte, args ...string) ([]byte, error) {
	verb := args[0]
	if g.hooks != "" {
		args = slices.Concat([]string{"-c", "core.hooksPath=" + g.hooks}, args)
	}
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // no shell, and paths are literal
	cmd.Dir, cmd.Env, cmd.Stdin = g.dir, g.environ, bytes.NewReader(in)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text := strings.TrimSpace(said.String() + "\n" + out.String())
		if len(text) > maxSaid {
			text = "…" + text[len(text)-maxSaid:]
		}
		if text == "" {
			text = err.Error()
		}
		return nil, fmt.Errorf("git %s: %s", verb, text)
	}
	return out.Bytes(), nil
}
