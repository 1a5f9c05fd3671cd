package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// lockParser reads one format of lock file or manifest of a folder. Read
// returns nothing but the error when the file is damaged, so that half a file
// never passes for a whole one.
type lockParser struct {
	Name  string // the packages' Cataloger
	Wants func(file string) bool
	Read  func(file string, body []byte) (lockResult, error)

	// More adds what other files of the folder say of it.
	More func(w *dirWalk, file string, r *lockResult)

	// Roots takes from the manifests beside the file what the project depends on
	// and what of it is for development, where the file itself does not say it.
	Roots func(w besides, file string, r *lockResult)
}

// besides are the files of a folder that a lock file lies in.
type besides interface {
	body(p string) ([]byte, error)
	glob(pattern string) []string // path.Match's, each of which is within the folder
}

// lockResult is what one lock file says.
type lockResult struct {
	Packages []sbom.Package // each with a name, a version and a Location
	Unknown  []string       // dependencies whose version the file does not say
	Why      string         // why it does not, and what would help; set with Unknown
	Include  []string       // further files to read, relative to the file's folder

	graph *lockGraph         // nil: not known
	nodes map[string][]int32 // of the graph, by what a manifest calls them
	at    map[string]int32   // likewise, where each is one
	roots []string           // names of what the project depends on, by the lock file

	replaced []string // modules that a go.mod takes another in place of

	marked bool // the file says what is for development

	name, version string // of the project, by the lock file
}

// called are the nodes of names, or of names behind a word.
func (r *lockResult) called(names []string, word string) (found []int32) {
	for _, name := range names {
		n, ok := r.at[name]
		if !ok {
			n, ok = r.at[word+name]
		}
		if ok {
			found = append(found, n)
		}
	}
	return found
}

// full reports whether a file names as much as one may. Every parser asks it
// before it adds something, so that a file that names too much is refused
// before it fills the memory.
func (r *lockResult) full() bool {
	return len(r.Packages)+len(r.Unknown)+len(r.Include) >= maxPackages
}

// odd notes an entry that is none: it costs itself alone. Without a name it is
// called by its line; line 0 is not known.
func (r *lockResult) odd(name string, line int) {
	if !lockWord(name) {
		name = "an entry without a name"
	}
	r.Unknown = append(r.Unknown, name)
	r.Why = "not a package's name and version"
	if line > 0 {
		r.Why = fmt.Sprintf("line %d: %s", line, r.Why)
	}
}

// lockParsers lists every format that FromDir reads.
func lockParsers() []lockParser {
	return []lockParser{
		npmLock(), yarnLock(), pnpmLock(),
		pipRequirements(), pipfileLock(), poetryLock(), uvLock(), pylockLock(), pdmLock(),
		cargoLock(), goModLock(), gemfileLock(), composerLock(), gradleLock(),
		nugetLock(), nugetConfig(), nugetAssets(), paketLock(),
		conanLock(), rebarLock(), gleamLock(), cartLock(), depLock(), glideLock(), condaLock(),
		nugetDepsFile(), sbtLock(), stackLock(), cabalFreeze(), podLock(), condaEnvironment(),
		bunLock(), denoLock(), mixLock(), pubLock(), swiftLock(), juliaLock(), renvLock(),
	}
}

// lockNamed wants the files with one of the base names.
func lockNamed(names ...string) func(string) bool {
	return func(file string) bool {
		base := path.Base(file)
		for _, n := range names {
			if base == n {
				return true
			}
		}
		return false
	}
}

// lockLines finds the line of an offset: it knows the line at the start of
// every block, and counts within one.
type lockLines struct {
	body   []byte
	before []int // newlines before the block
}

const lockBlock = 4 << 10

func newLockLines(body []byte) lockLines {
	l := lockLines{body: body, before: make([]int, 0, len(body)/lockBlock+1)}
	for i, n := 0, 0; i <= len(body); i += lockBlock {
		l.before = append(l.before, n)
		n += bytes.Count(body[i:min(i+lockBlock, len(body))], []byte{'\n'})
	}
	return l
}

// at is the 1-based line of the offset.
func (l lockLines) at(offset int) int {
	block := offset / lockBlock
	return 1 + l.before[block] + bytes.Count(l.body[block*lockBlock:offset], []byte{'\n'})
}

// lockLine walks over a text's lines: each without its end, numbered from 1.
func lockLine(body []byte, each func(n int, line string) error) error {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	for n := 1; len(body) > 0; n++ {
		line, rest, _ := bytes.Cut(body, []byte{'\n'})
		body = rest
		if len(line) > lockLineLimit {
			return fmt.Errorf("line %d is %d bytes: %w", n, len(line), errLockLine)
		}
		if err := each(n, strings.TrimSuffix(string(line), "\r")); err != nil {
			return err
		}
	}
	return nil
}

const lockLineLimit = 1 << 20

var errLockLine = fmt.Errorf("over the limit of %d", lockLineLimit)

// errLockConflict is a lock file that version control left half merged.
var errLockConflict = errors.New("unresolved merge conflict")

// errLockMany is a lock file that names more than an inventory may hold. It is
// given while the file is read, before what it names fills the memory.
var errLockMany = fmt.Errorf("it names more than %d packages: not read", maxPackages)

// lockText refuses what is no text: a binary file, or one with the marks of a
// merge conflict, from which any answer would be wrong.
func lockText(body []byte) error {
	if bytes.IndexByte(body, 0) >= 0 {
		return errors.New("not text: it holds a zero byte")
	}
	if bytes.HasPrefix(body, []byte("<<<<<<< ")) || bytes.Contains(body, []byte("\n<<<<<<< ")) {
		return errLockConflict
	}
	return nil
}

// lockPackage makes the package that one line of a file names; the namespace is
// what stands before the name's last slash. Without a file it has no Location:
// a cataloger of an image leaves that to the join.
func lockPackage(cataloger, typ, name, version, file string, line int) sbom.Package {
	p := sbom.Package{
		Type: typ, Name: name, Version: version, LayerIndex: -1, Cataloger: cataloger,
	}
	if file != "" {
		p.Locations = []sbom.Location{{Path: file, Line: line}}
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		p.Namespace, p.Name = name[:i], name[i+1:]
	}
	return p
}

// lockWord reports whether s can be a package's name or version: not empty, not
// absurdly long, no white space or control character in it, and nothing that a
// variable, a quote or a comment has left.
func lockWord(s string) bool {
	if s == "" || len(s) > 512 || s[0] == '/' || s[len(s)-1] == '/' {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune("\"'`${}#", r) || r == 0x7f || r == '\uFFFD'
	}) < 0
}

// lockVersion reports whether s can be a version of a registry's: a word with a digit
// in it, and no path, range, list or expression.
func lockVersion(s string) bool {
	return lockWord(s) && !strings.ContainsAny(s, "/\\:*,;()[]<>=|&?@%^") && strings.ContainsAny(s, "0123456789")
}

// lockArchive reports whether a file or address is an archive by its name. One that
// lies in a project is a copy of what a registry has published, and is matched as
// that; a folder is the project's own code.
func lockArchive(name string) bool {
	name, _, _ = strings.Cut(name, "#")
	for _, ext := range []string{
		".tgz", ".gz", ".tar", ".bz2", ".xz", ".whl", ".zip", ".egg", ".gem", ".crate", ".nupkg",
	} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// scpHost are the letters of a user and a host.
const scpHost = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

// lockOrigin is where a package comes from, without what is no text and without a
// password or token, and cut where it is endless.
func lockOrigin(s string) string {
	if user, rest, scp := strings.Cut(strings.TrimPrefix(s, "git+"), "@"); scp && !strings.ContainsAny(user, "/:") {
		host, file, ok := strings.Cut(rest, ":")
		if ok && !strings.Contains(host, "/") && strings.Trim(user+host, scpHost) == "" {
			s = "git+ssh://" + user + "@" + host + "/" + file // "git@example.com:owner/repository"
		}
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			user, _, _ := strings.Cut(rest[:at], ":")
			if rest = rest[at+1:]; strings.HasSuffix(scheme, "ssh") {
				rest = user + "@" + rest
			}
			s = scheme + "://" + rest
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

// lockSee lists names for a message: the first few, and how many more.
func lockSee(names []string) string {
	const show = 5
	if len(names) <= show {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:show], ", "), len(names)-show)
}
