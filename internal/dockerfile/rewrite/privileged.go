package rewrite

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// mounting are packages of programs that mount file systems, which the kernel
// lets root alone do unless the container is told otherwise.
var mounting = []string{
	"fuse", "fuse3", "fuse-overlayfs", "sshfs", "s3fs", "s3fs-fuse", "gcsfuse", "nfs-common", "nfs-utils", "cifs-utils", "davfs2",
}

// byRoot refuses programs whose work is root's for another reason than the
// user that they start as: they mount, extend the Engine, or read keys that
// root alone may read.
func (n *unprivileged) byRoot() error {
	for _, u := range n.Uses {
		if u.Plugin {
			return refuse(n.from(), "%s makes the image a plugin of the Engine, whose socket is root's", said(u))
		}
	}
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "RUN" {
			if err := n.actionLabel(in); err != nil {
				return err
			}
			continue
		}
		script := n.script(i)
		for c := range script.Commands {
			cmd := &script.Commands[c]
			if p := packagesOf(cmd).first(mounting...); p != "" {
				return refuse(in, "the file installs %s, and who mounts file systems needs root", p)
			}
			if w := readsKey(cmd); w != "" {
				return refuse(in, "%s has the server read its private key, which root alone may: give it to the server's group first", w)
			}
		}
	}
	return nil
}

// actionLabel refuses what a label says is a GitHub action.
func (n *unprivileged) actionLabel(in *dockerfile.Instruction) error {
	if in.Cmd == "LABEL" && strings.Contains(in.Raw, "com.github.actions.") {
		return refuse(in, "a label makes the image a GitHub action, whose workspace is root's to write")
	}
	return nil
}

// readsKey is the command that has Apache serve TLS with the key that Debian
// makes for it; empty: it is another.
func readsKey(cmd *dockerfile.Command) string {
	if p := cmd.Program(); p != "a2enmod" && p != "a2ensite" {
		return ""
	}
	for _, w := range cmd.Operands() {
		if w.Text == "ssl" || strings.HasPrefix(w.Text, "default-ssl") {
			return cmd.Program() + " " + w.Text
		}
	}
	return ""
}

var keyFile = lazyregexp.New(`(?m)^\s*ssl_certificate_key\s+["']?(/[^\s;"']+)`)

// keys says which private keys nginx is seen to read, by what its configuration
// names: a master that is no longer root may not read those that are root's.
func (n *unprivileged) keys(confs []conf) {
	for _, c := range confs {
		for _, m := range keyFile.FindAllSubmatch(c.text, -1) {
			n.undecided("whether nginx may read the private key %s, which %s names: it may be root's alone", m[1], c.name)
		}
	}
}

// placed are variables that say where a program keeps what it writes.
var placed = []string{
	"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "DATA_DIR",
	"DATADIR", "DATA_PATH", "CONFIG_DIR", "CACHE_DIR", "LOG_DIR", "LOGS_DIR", "LOG_PATH", "STATE_DIR", "UPLOAD_DIR", "UPLOADS_DIR",
	"DB_PATH", "DATABASE_PATH", "DB_DIR", "STORAGE_DIR",
}

// elsewhere says into which folders the program may want to write, and may not:
// those that variables name and nothing makes its own, and, where no folder is
// known at all, wherever it does.
func (n *unprivileged) elsewhere(known bool) {
	for _, s := range n.File.Chain(n.stage) {
		for i := s.From + 1; i < s.End; i++ {
			in := &n.File.Instructions[i]
			if in.Cmd != "ENV" {
				continue
			}
			for _, p := range in.Pairs() {
				if !slices.ContainsFunc(placed, func(end string) bool { return p.Key.Text == end || strings.HasSuffix(p.Key.Text, "_"+end) }) {
					continue
				}
				dir, _ := n.Scopes.Expand(n.stage, i, p.Value.Text)
				dir = path.Clean(strings.Trim(dir, `"'`))
				if path.IsAbs(dir) && !n.owns(dir) && !temporaryFolder(dir) {
					n.undecided("whether the program writes into %s, which %s names: it may not, as it stays root's", dir, p.Key.Text)
					known = true
				}
			}
		}
	}
	if !known && len(n.own) == 0 {
		n.undecided("where the program writes: it may not change what stays root's, such as volumes and host folders that it filled as root")
	}
}

// unread says which files that COPY takes the program may be unable to read: those
// whose mode shuts others out, and those that are not there to be looked at.
func (n *unprivileged) unread() {
	if n.Context == nil {
		return
	}
	for _, s := range n.File.Chain(n.stage) {
		for i := s.From + 1; i < s.End; i++ {
			in := &n.File.Instructions[i]
			if in.Cmd != "COPY" && in.Cmd != "ADD" || len(in.Args) < 2 ||
				in.Flag("from") != "" || in.Flag("chown") != "" || in.Flag("chmod") != "" {
				continue
			}
			for _, w := range in.Args[:len(in.Args)-1] {
				name, known := n.Scopes.Expand(s, i, w)
				name = strings.TrimPrefix(path.Clean("/"+name), "/")
				if !known || name == "" || strings.ContainsAny(name, "*?[$") || strings.Contains(w, "://") {
					continue
				}
				switch info, err := fs.Stat(n.Context.FS, name); {
				case errors.Is(err, fs.ErrNotExist):
					n.undecided("whether the program may read %s, which line %d takes: it is not there, so its mode is not known", w, in.Span.Line)
				case err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o044 == 0:
					n.undecided("whether the program reads %s: its mode here is %#o, and root alone may", w, info.Mode().Perm())
				}
			}
		}
	}
}

// owns reports whether a path is one that becomes the user's, or lies in one.
func (n *unprivileged) owns(p string) bool {
	return slices.ContainsFunc(append(slices.Clone(n.own), n.trees...), func(o string) bool { _, ok := below(p, o); return ok })
}

// temporaryFolder reports whether every user may write there.
func temporaryFolder(p string) bool {
	return slices.ContainsFunc([]string{"/tmp", "/var/tmp", "/dev/shm"}, func(o string) bool { _, ok := below(p, o); return ok })
}
