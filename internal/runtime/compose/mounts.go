package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/mount"
)

// Limits on a folder of the machine that is copied for a container. One that is larger
// is seen read only.
const (
	maxCopyFiles = 50_000
	// maxCopyBytes limits the bytes of a compose project's mounts that are copied.
	maxCopyBytes = 512 << 20
)

// mounts are the volumes, folders and files that a service's container sees.
func (u *Up) mounts(ctx context.Context, s *Service) ([]mount.Mount, error) {
	var out []mount.Mount
	for _, v := range s.c.Volumes {
		m := mount.Mount{Target: v.Target, ReadOnly: v.ReadOnly}
		switch v.Type {
		case types.VolumeTypeVolume:
			m.Type = mount.TypeVolume
			if v.Volume != nil {
				m.VolumeOptions = &mount.VolumeOptions{NoCopy: v.Volume.NoCopy, Subpath: v.Volume.Subpath}
			}
			var err error
			if m.Source, err = u.volume(ctx, s, v.Source); err != nil {
				return nil, err
			}
		case types.VolumeTypeBind:
			m.Type = mount.TypeBind
			source, writable, err := u.bind(s, v.Source, !v.ReadOnly)
			if err != nil {
				return nil, fmt.Errorf("service %s: %w", s.Name, err)
			}
			m.Source, m.ReadOnly = source, !writable
		case types.VolumeTypeTmpfs:
			m.Type = mount.TypeTmpfs
			if v.Tmpfs != nil {
				m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: int64(v.Tmpfs.Size), Mode: os.FileMode(v.Tmpfs.Mode)}
			}
		case types.VolumeTypeImage:
			m.Type, m.Source = mount.TypeImage, v.Source
		default:
			s.otherwise("the %s at %s is left out", v.Type, v.Target)
			continue
		}
		out = append(out, m)
	}
	files, err := u.files(s)
	return append(out, files...), err
}

// volume is the volume that takes the place of one of the project's; "" is one of the
// container's own.
func (u *Up) volume(ctx context.Context, s *Service, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	v := u.project.p.Volumes[name]
	if bool(v.External) {
		return v.Name, nil // the user said why
	}
	if len(v.DriverOpts) > 0 || v.Driver != "" && v.Driver != "local" {
		s.otherwise("the volume %s is a fresh one of this machine: its driver and options are left out", name)
	}
	if fresh := u.volumes[name]; fresh != "" {
		return fresh, nil
	}
	fresh, err := u.engine.Volume(ctx)
	u.volumes[name] = fresh
	return fresh, err
}

// bind is the folder or file that takes the place of one of the machine's: a copy,
// which may be written, or the thing itself, read only.
func (u *Up) bind(s *Service, source string, write bool) (at string, writable bool, err error) {
	dir, err := u.temporary()
	if err != nil {
		return "", false, err
	}
	at = filepath.Join(dir, "copy")
	named := source
	source, err = filepath.EvalSymlinks(source)
	if errors.Is(err, fs.ErrNotExist) {
		return at, write, os.Mkdir(at, 0o755) // Compose makes it on the machine
	}
	if err != nil {
		return "", false, err
	}
	if at := u.binds[source]; at != "" {
		return at, write, nil
	}
	info, err := os.Stat(source)
	if err != nil {
		return "", false, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() { // the user said why
		return source, write, nil
	}
	room, err := measure(source)
	if err != nil {
		return "", false, err
	}
	if room.large {
		if room.sockets > 0 && u.project.opt.UnsafeUseVolumes == "" {
			return "", false, &ForeignError{[]string{named + " has sockets in it, by which others are reached"}}
		}
		if write {
			s.otherwise("%s is too large to copy: it is seen read only", named)
		}
		return source, false, nil
	}
	if room.special > 0 {
		s.otherwise("sockets and devices in %s are left out", named)
	}
	if err := copyTree(source, at); err != nil {
		return "", false, fmt.Errorf("copy %s: %w", source, err)
	}
	u.binds[source] = at
	return at, write, nil
}

// size is what a copy of a folder would hold.
type size struct {
	files, special, sockets int
	bytes                   int64
	large                   bool
}

// measure looks what is in a folder, up to the limits.
func measure(root string) (size, error) {
	var s size
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		s.files++
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsRegular():
			s.bytes += info.Size()
		case mode&fs.ModeSocket != 0:
			s.sockets++
			s.special++
		case !mode.IsDir() && mode&fs.ModeSymlink == 0:
			s.special++
		}
		if s.files > 4*maxCopyFiles {
			return fs.SkipAll
		}
		return nil
	})
	s.large = s.files > maxCopyFiles || s.bytes > maxCopyBytes
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		s.large, err = true, nil // it changes, or is not ours to read
	}
	return s, err
}

// copyTree copies folders, regular files and symbolic links, with their modes and, as
// far as that is allowed, their owners.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			err = os.Mkdir(at, 0o700)
		case mode&fs.ModeSymlink != 0:
			var link string
			if link, err = os.Readlink(p); err == nil {
				err = os.Symlink(link, at)
			}
		case mode.IsRegular():
			err = copyFile(p, at)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		own(at, info)
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil
		}
		return os.Chmod(at, info.Mode().Perm()|info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
	})
}

func copyFile(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // read only
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.LimitReader(r, maxCopyBytes+1))
	return errors.Join(err, w.Close())
}

// files are the secrets and configurations of a service: each a file that is read
// only.
func (u *Up) files(s *Service) ([]mount.Mount, error) {
	var out []mount.Mount
	add := func(kind string, ref types.FileReferenceConfig, of types.FileObjectConfig, folder string) error {
		if bool(of.External) || of.Driver != "" {
			return fmt.Errorf("service %s: the %s %s is not in the project", s.Name, kind, ref.Source)
		}
		target := ref.Target
		switch {
		case target == "":
			target = folder + ref.Source
		case !strings.HasPrefix(target, "/"):
			target = folder + target
		}
		mode := fs.FileMode(0o444)
		if ref.Mode != nil {
			mode = fs.FileMode(*ref.Mode).Perm()
		}
		dir, err := u.temporary()
		if err != nil {
			return err
		}
		at := filepath.Join(dir, "file")
		switch {
		case of.File != "":
			err = copyFile(of.File, at)
		case of.Environment != "":
			err = os.WriteFile(at, []byte(u.project.p.Environment[of.Environment]), 0o600)
		default:
			err = os.WriteFile(at, []byte(of.Content), 0o600)
		}
		if err = errors.Join(err, os.Chmod(at, mode)); err != nil {
			return fmt.Errorf("service %s: %s %s: %w", s.Name, kind, ref.Source, err)
		}
		give(at, ref.UID, ref.GID)
		out = append(out, mount.Mount{Type: mount.TypeBind, Source: at, Target: target, ReadOnly: true})
		return nil
	}
	for _, ref := range s.c.Secrets {
		if err := add("secret", types.FileReferenceConfig(ref), types.FileObjectConfig(u.project.p.Secrets[ref.Source]), "/run/secrets/"); err != nil {
			return nil, err
		}
	}
	for _, ref := range s.c.Configs {
		if err := add("config", types.FileReferenceConfig(ref), types.FileObjectConfig(u.project.p.Configs[ref.Source]), "/"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// temporary is a folder of ours on this machine. What is mounted is a file or folder
// in it, so that nobody else comes near by way of it.
func (u *Up) temporary() (string, error) {
	if u.remote {
		return "", errors.New("the Engine runs on another machine, which has no files of this one")
	}
	dir, err := u.ledger.Folder("bind")
	if err != nil {
		return "", err
	}
	u.folders = append(u.folders, dir)
	return dir.Path, nil
}
