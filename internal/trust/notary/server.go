package notary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Server is a Notary v1 server, as docker trust speaks to it. It takes nothing that
// does not verify, and signs snapshots and timestamps itself. Where the folder has users
// ([Users]), only they write.
type Server struct {
	Log *slog.Logger
	Now func() time.Time

	shelf shelf
	login *login
}

// NewServer keeps repositories in a folder.
func NewServer(dir string, user disk.User, log *slog.Logger) *Server {
	return &Server{Log: log, Now: time.Now, shelf: shelf{dir: dir, user: user}, login: newLogin(OpenUsers(dir, user))}
}

// Limits of a server.
const (
	// maxUpload limits the bytes of an upload to the Notary v1 server.
	maxUpload = 64 << 20
	maxParts  = 300
	maxGUN    = 255 // bytes: here and not in the expression, which would have a state for each
	hexDigest = 64
)

var (
	gunPath  = lazyregexp.New(`^/v2/([a-zA-Z0-9][-a-zA-Z0-9._:/]*)/_trust/tuf/(.*)$`)
	named    = lazyregexp.New(`^(?:([1-9][0-9]{0,12})\.)?(root|timestamp|snapshot|targets(?:/[-a-z0-9_]+)*)(?:\.([0-9a-f]+))?\.json$`)
	keyNames = map[string]string{"snapshot.key": trust.Snapshot, "timestamp.key": trust.Timestamp}
)

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, done, err := s.plain(r)
	if !done {
		b, err = s.repository(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b)
}

// plain answers what is asked of the server itself, and of no repository.
func (s *Server) plain(r *http.Request) (b []byte, done bool, err error) {
	switch r.URL.Path {
	case "/v2/":
		return []byte("{}"), true, s.login.ping(r, s.Now())
	case "/_notary_server/health":
		return []byte("{}"), true, nil
	case tokenPath:
		if r.Method != http.MethodGet {
			return nil, true, fs.ErrNotExist // OAuth2: clients then ask as here
		}
		b, err = s.login.token(r, s.Now())
		return b, true, err
	}
	return nil, false, nil
}

var errMethod = errors.New("not supported")

// repository answers what is asked of one.
func (s *Server) repository(r *http.Request) (b []byte, err error) {
	m := gunPath.FindStringSubmatch(r.URL.Path)
	if m == nil || len(m[1]) > maxGUN || strings.Contains(m[1], "//") || strings.HasSuffix(m[1], "/") {
		return nil, fmt.Errorf("%s: %w", "address", fs.ErrNotExist)
	}
	gun, name := m[1], m[2]
	role, isKey := keyNames[name]
	if r.Method == http.MethodPost || isKey { // who asks for a key begins a repository
		if err := s.login.may(r, gun, s.Now()); err != nil {
			return nil, err
		}
	}
	switch {
	case r.Method == http.MethodPost && name == "":
		return nil, s.publish(gun, r)
	case isKey && (r.Method == http.MethodGet || r.Method == http.MethodPost):
		return s.key(gun, role, r.Method == http.MethodPost)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return s.get(gun, name)
	}
	return nil, errMethod
}

// fail answers with an error as the stock client reads it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, code, message := http.StatusInternalServerError, "UNKNOWN", "the server could not do it"
	detail := any(struct{}{})
	var bad *InvalidError
	var large *http.MaxBytesError
	var login *unauthorizedError
	switch {
	case errors.As(err, &login):
		status, code, message = http.StatusUnauthorized, "UNAUTHORIZED", login.why
		s.login.challenge(w, r, login)
	case errors.Is(err, errBusy):
		status, code, message = http.StatusServiceUnavailable, "UNAVAILABLE", errBusy.Error()
	case errors.Is(err, errMethod):
		w.Header().Set("Allow", "GET, POST")
		status, code, message = http.StatusMethodNotAllowed, "UNSUPPORTED", errMethod.Error()
	case errors.As(err, &bad):
		status, code, message = http.StatusBadRequest, bad.Code, bad.Why
		detail = map[string]any{"error": map[string]any{"Name": bad.Kind, "Error": map[string]string{"Msg": bad.Why}}}
	case errors.As(err, &large):
		status, code, message = http.StatusRequestEntityTooLarge, "MALFORMED_UPLOAD", "the update is too large"
	case errors.Is(err, fs.ErrNotExist):
		status, code, message = http.StatusNotFound, "METADATA_NOT_FOUND", "there is no such metadata"
	}
	s.Log.Info("refused", "method", r.Method, "path", r.URL.Path, "user", userOf(r), "status", status, "why", err.Error())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"code": code, "message": message, "detail": detail}}})
}

// userOf is who a request says that it is of, for the log.
func userOf(r *http.Request) string {
	name, _, _ := r.BasicAuth()
	return name
}

// get is a document by its name. A timestamp that is half over is signed anew first.
func (s *Server) get(gun, name string) ([]byte, error) {
	m := named.FindStringSubmatch(name)
	if m == nil || m[1] != "" && m[2] != trust.Root || m[3] != "" && len(m[3]) != hexDigest {
		return nil, fs.ErrNotExist
	}
	version, role, digest := m[1], m[2], m[3]
	if role == trust.Timestamp {
		if err := s.refresh(gun); err != nil {
			return nil, err
		}
	}
	c, err := s.shelf.load(gun)
	if err != nil {
		return nil, err
	}
	switch {
	case version != "":
		digest = c.Roots[version]
	case digest == "":
		digest = c.Current[role]
	}
	return s.shelf.doc(gun, digest)
}

func (s *Server) refresh(gun string) error {
	c, err := s.shelf.load(gun)
	if err != nil || c.Current[trust.Timestamp] == "" {
		return err
	}
	st, err := s.shelf.state(c)
	if err != nil {
		return err
	}
	if now, _ := due(st, s.Now()); !now {
		return nil
	}
	return s.change(gun, nil)
}

// publish takes an update. File names are roles: read as they stand, since the
// standard library strips what comes before a slash.
func (s *Server) publish(gun string, r *http.Request) error {
	r.Body = http.MaxBytesReader(nil, r.Body, maxUpload)
	form, err := r.MultipartReader()
	if err != nil {
		return &InvalidError{"MALFORMED_UPLOAD", "ErrValidation", "it is not a multipart form"}
	}
	update := State{}
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return malformed(err)
		}
		role := fileName(part)
		if n == maxParts || update[role] != nil || !ValidRole(role) {
			return &InvalidError{"INVALID_ROLE", "ErrInvalidRole", fmt.Sprintf("%.64q: unknown, given twice, or too many", role)}
		}
		b, err := io.ReadAll(io.LimitReader(part, Limit(role)+1))
		if err != nil {
			return malformed(err)
		}
		if int64(len(b)) > Limit(role) {
			return &InvalidError{"INVALID_UPDATE", "ErrValidation", role + " is too large"}
		}
		update[role] = b
	}
	if len(update) == 0 {
		return &InvalidError{"NO_FILENAME", "ErrValidation", "the update is empty"}
	}
	return s.change(gun, update)
}

func malformed(err error) error {
	if errors.As(err, new(*http.MaxBytesError)) {
		return err
	}
	return &InvalidError{"MALFORMED_UPLOAD", "ErrValidation", "the form breaks off"}
}

func fileName(p *multipart.Part) string {
	_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(params["filename"], ".json")
}

// change publishes an update; one without documents signs the server's own anew.
func (s *Server) change(gun string, update State) error {
	return s.shelf.alone(gun, func() error {
		c, err := s.shelf.load(gun)
		if err != nil {
			return err
		}
		old, err := s.shelf.state(c)
		if err != nil {
			return err
		}
		u := &Update{GUN: gun, Old: old, New: update, Now: s.Now(), Sign: c.signers}
		next, err := u.next()
		if err != nil {
			return err
		}
		return s.shelf.put(c, next)
	})
}

// next is what an update comes to; of none, what the server signs anew.
func (u *Update) next() (State, error) {
	if len(u.New) > 0 {
		return u.Validate()
	}
	root, err := readRoot(u.Old[trust.Root], u.GUN, time.Time{})
	if err != nil {
		return nil, err
	}
	out := maps.Clone(u.Old)
	if _, snapshot := due(u.Old, u.Now); snapshot {
		var bad *InvalidError
		if err := u.snapshot(root, nil, out); err != nil && !errors.As(err, &bad) {
			return nil, err // of one that its client signs, the client signs the next
		}
	}
	return out, u.timestamp(root, out)
}
