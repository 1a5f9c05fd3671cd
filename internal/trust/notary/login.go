package notary

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// login asks for credentials where something is written: by the token flow of registries,
// which docker trust and notary speak, or by basic authentication. Reading is free. Tokens
// are signed with a key that lives as long as the process.
type login struct {
	users *Users
	key   []byte
}

const (
	tokenPath   = "/token"
	tokenOf     = "drydock trust serve" // the service that a token is for
	tokenHolds  = 5 * time.Minute
	maxToken    = 8 << 10
	maxScopes   = 16
	mayWrite    = "push"
	scopePrefix = "repository:"
)

func newLogin(users *Users) *login {
	l := &login{users: users, key: make([]byte, sha256.Size)}
	_, _ = rand.Read(l.key) // it never fails
	return l
}

// grant is what a token says: who may write to which repositories, until when.
type grant struct {
	User  string    `json:"user"`
	Write []string  `json:"write"`
	Until time.Time `json:"until"`
}

func (l *login) seal(g grant) (string, error) {
	b, err := json.Marshal(g)
	if err != nil {
		return "", err
	}
	body := base64.RawURLEncoding.EncodeToString(b)
	return body + "." + l.sum(body), nil
}

func (l *login) sum(body string) string {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// open is what a token grants; false: nothing, for it is not one of this process, or over.
func (l *login) open(token string, now time.Time) (g grant, ok bool) {
	body, sum, _ := strings.Cut(token, ".")
	if len(token) > maxToken || !hmac.Equal([]byte(sum), []byte(l.sum(body))) {
		return g, false
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(b, &g) != nil || !now.Before(g.Until) {
		return grant{}, false
	}
	return g, true
}

// unauthorizedError is a request that needs a login, or another one.
type unauthorizedError struct {
	why, scope string
}

func (e *unauthorizedError) Error() string { return e.why }

// may is nil where a request may write to a repository.
func (l *login) may(r *http.Request, gun string, now time.Time) error {
	_, on, err := l.users.load()
	if !on || err != nil {
		return err
	}
	refuse := &unauthorizedError{"writing needs a login", scopePrefix + gun + ":" + mayWrite + ",pull"}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		if _, err := l.basic(r); err != nil {
			return err
		}
		if _, _, given := r.BasicAuth(); given {
			return nil
		}
		return refuse
	}
	g, ok := l.open(token, now)
	switch {
	case !ok:
		refuse.why = "the token is not one of this server, or is over"
		return refuse
	case g.User == "":
		return refuse
	case !slices.Contains(g.Write, gun):
		refuse.why = "the token is not for writing to " + gun
		return refuse
	}
	return l.still(g.User)
}

// still is nil while a user is one.
func (l *login) still(name string) error {
	names, _, err := l.users.Names()
	if err == nil && !slices.Contains(names, name) {
		return &unauthorizedError{why: "the user is one no more"}
	}
	return err
}

// basic is the user of basic authentication; empty where there is none.
func (l *login) basic(r *http.Request) (string, error) {
	name, password, given := r.BasicAuth()
	if !given {
		return "", nil
	}
	ok, err := l.users.verify(r.Context(), name, password)
	if err == nil && !ok {
		err = &unauthorizedError{why: "the name or the password is wrong"}
	}
	return name, err
}

// ping is an error where clients are to be told of the login.
func (l *login) ping(r *http.Request, now time.Time) error {
	_, on, err := l.users.load()
	if !on || err != nil {
		return err
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if _, ok := l.open(token, now); ok {
			return nil
		}
	}
	if name, err := l.basic(r); name != "" {
		return err
	}
	return &unauthorizedError{why: "a token says who asks"}
}

// token answers who asks for one: anybody, for reading; a user, for writing as well.
func (l *login) token(r *http.Request, now time.Time) ([]byte, error) {
	name, err := l.basic(r)
	if err != nil {
		return nil, err
	}
	g := grant{User: name, Write: []string{}, Until: now.Add(tokenHolds)}
	var scopes []string
	for _, s := range r.URL.Query()["scope"] {
		scopes = append(scopes, strings.Fields(s)...)
	}
	if len(scopes) > maxScopes {
		return nil, &InvalidError{"DENIED", "ErrValidation", fmt.Sprintf("more than %d scopes", maxScopes)}
	}
	for _, s := range scopes {
		i := strings.LastIndex(s, ":")
		gun, ok := strings.CutPrefix(s[:max(i, 0)], scopePrefix)
		if ok && name != "" && len(gun) <= maxGUN && slices.Contains(strings.Split(s[i+1:], ","), mayWrite) {
			g.Write = append(g.Write, gun)
		}
	}
	t, err := l.seal(g)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"token": t, "access_token": t, "expires_in": int(tokenHolds / time.Second), "issued_at": now.UTC().Format(time.RFC3339),
	})
}

// challenge tells a client where tokens come from.
func (l *login) challenge(w http.ResponseWriter, r *http.Request, no *unauthorizedError) {
	if r.URL.Path == tokenPath {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+tokenOf+`"`)
		return
	}
	host := strings.Map(func(c rune) rune {
		if c == '"' || c == '\\' || c < '!' || c > '~' {
			return -1
		}
		return c
	}, r.Host)
	value := fmt.Sprintf(`Bearer realm="https://%s%s",service="%s"`, host, tokenPath, tokenOf)
	if no.scope != "" {
		value += fmt.Sprintf(`,scope="%s"`, no.scope)
	}
	w.Header().Set("WWW-Authenticate", value)
}
