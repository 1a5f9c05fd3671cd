package notary

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// guarded is a server with a login of one user.
func guarded(t *testing.T) (*Server, *Users, *time.Time) {
	t.Helper()
	dir := t.TempDir()
	users := OpenUsers(dir, diskUser())
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	must(t, users.Add("me", []byte("a long password"), now))
	s := NewServer(dir, diskUser(), quietLog())
	s.Now = func() time.Time { return now }
	return s, users, &now
}

func ask(s http.Handler, method, path, auth string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://trust.example.com"+path, nil)
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func tokenFor(t *testing.T, s http.Handler, auth, scope string) string {
	t.Helper()
	w := ask(s, http.MethodGet, "/token?service=x&scope="+scope, auth)
	var out struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK || out.Token == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return "Bearer " + out.Token
}

const key = "/v2/h:5000/me/app/_trust/tuf/timestamp.key" // to POST there makes a new key

// TestLogin: reading is free, writing is for who logs in, by a token of just that repository
// or by the password itself.
func TestLogin(t *testing.T) {
	s, users, now := guarded(t)
	ping := ask(s, http.MethodGet, "/v2/", "")
	if c := ping.Header().Get("WWW-Authenticate"); ping.Code != http.StatusUnauthorized || !strings.HasPrefix(c, `Bearer realm="https://trust.example.com/token"`) {
		t.Errorf("ping: %d %s", ping.Code, c)
	}
	push := "repository:h:5000/me/app:push,pull"
	mine := basic("me", "a long password")
	written := tokenFor(t, s, mine, push)
	for _, c := range []struct {
		name, method, path, auth string
		want                     int
	}{
		{"ping with a token", http.MethodGet, "/v2/", tokenFor(t, s, "", ""), http.StatusOK},
		{"ping with a password", http.MethodGet, "/v2/", mine, http.StatusOK},
		{"health", http.MethodGet, "/_notary_server/health", "", http.StatusOK},
		{"read", http.MethodGet, "/v2/h:5000/me/app/_trust/tuf/root.json", "", http.StatusNotFound},
		{"write", http.MethodPost, key, "", http.StatusUnauthorized},
		{"write with a reader's token", http.MethodPost, key, tokenFor(t, s, "", push), http.StatusUnauthorized},
		{"write with a token for reading", http.MethodPost, key, tokenFor(t, s, mine, "repository:h:5000/me/app:pull"), http.StatusUnauthorized},
		{"write with another repository's token", http.MethodPost, key, tokenFor(t, s, mine, "repository:h:5000/me/other:push"), http.StatusUnauthorized},
		{"write with another server's token", http.MethodPost, key, func() string { o, _, _ := guarded(t); return tokenFor(t, o, mine, push) }(), http.StatusUnauthorized},
		{"a token that was changed", http.MethodPost, key, written[:len(written)-2] + "AA", http.StatusUnauthorized},
		{"a token without its seal", http.MethodPost, key, written[:strings.Index(written, ".")], http.StatusUnauthorized},
		{"an empty token", http.MethodPost, key, "Bearer ", http.StatusUnauthorized},
		{"another password", http.MethodPost, key, basic("me", "a wrong password"), http.StatusUnauthorized},
		{"another user", http.MethodPost, key, basic("you", "a long password"), http.StatusUnauthorized},
		{"no name", http.MethodPost, key, basic("", ""), http.StatusUnauthorized},
		{"a token for another password", http.MethodGet, "/token?scope=" + push, basic("me", "a wrong password"), http.StatusUnauthorized},
		{"a very long password", http.MethodGet, "/token", basic("me", strings.Repeat("x", 4096)), http.StatusUnauthorized},
		{"many scopes", http.MethodGet, "/token?scope=" + strings.Repeat("a+", 40), mine, http.StatusBadRequest},
		{"an upload without a login", http.MethodPost, "/v2/h:5000/me/app/_trust/tuf/", "", http.StatusUnauthorized},
		{"an upload with one, that is none", http.MethodPost, "/v2/h:5000/me/app/_trust/tuf/", written, http.StatusBadRequest},
		{"begin", http.MethodGet, key, "", http.StatusUnauthorized},
		{"begin with a reader's token", http.MethodGet, key, tokenFor(t, s, "", push), http.StatusUnauthorized},
		{"begin with a login", http.MethodGet, key, written, http.StatusOK},
		{"write", http.MethodPost, key, written, http.StatusOK},
		{"write with a password", http.MethodPost, key, mine, http.StatusOK},
	} {
		w := ask(s, c.method, c.path, c.auth)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, w.Code, c.want, w.Body)
		}
		if strings.Contains(w.Body.String(), "password") && strings.Contains(w.Body.String(), "a long") {
			t.Errorf("%s: a password in the answer: %s", c.name, w.Body)
		}
		if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", c.name)
		}
	}
	*now = now.Add(tokenHolds)
	if w := ask(s, http.MethodPost, key, written); w.Code != http.StatusUnauthorized {
		t.Errorf("a token that is over: %d", w.Code)
	}
	written = tokenFor(t, s, mine, push)
	must(t, users.Remove("me"))
	for _, auth := range []string{written, mine, ""} {
		if w := ask(s, http.MethodPost, key, auth); w.Code != http.StatusUnauthorized {
			t.Errorf("nobody is left, and %q writes: %d", auth, w.Code)
		}
	}
	must(t, os.WriteFile(users.File, []byte("{"), 0o600))
	if w := ask(s, http.MethodPost, key, mine); w.Code != http.StatusInternalServerError {
		t.Errorf("a file that cannot be read: %d", w.Code)
	}
}

// TestUsers: the file has no password in it, is its owner's alone, and is refused where it
// could not hold.
func TestUsers(t *testing.T) {
	dir := t.TempDir()
	u := OpenUsers(dir, diskUser())
	if _, on, err := u.Names(); on || err != nil {
		t.Errorf("before there is one: %v %v", on, err)
	}
	for _, c := range []struct{ name, password string }{{"a:b", "a long password"}, {"", "a long password"}, {"-x", "a long password"}, {"x", "short"}, {"x", strings.Repeat("x", 2000)}} {
		if err := u.Add(c.name, []byte(c.password), time.Now()); err == nil {
			t.Errorf("%q, %q: taken", c.name, c.password)
		}
	}
	must(t, u.Add("b", []byte("the first word"), time.Now()))
	must(t, u.Add("a", []byte("the first word"), time.Now()))
	must(t, u.Add("b", []byte("another word"), time.Now()))
	names, on, err := u.Names()
	if err != nil || !on || strings.Join(names, " ") != "a b" {
		t.Errorf("%v %v %v", names, on, err)
	}
	b, err := os.ReadFile(u.File)
	must(t, err)
	info, err := os.Stat(u.File)
	must(t, err)
	if strings.Contains(string(b), "word") || info.Mode().Perm() != 0o600 {
		t.Errorf("%s %s", info.Mode(), b)
	}
	for password, want := range map[string]bool{"another word": true, "the first word": false, "": false} {
		if ok, err := u.verify(t.Context(), "b", password); ok != want || err != nil {
			t.Errorf("%q: %v %v", password, ok, err)
		}
	}
	if u.Remove("c") == nil {
		t.Error("one who is not there was removed")
	}
	for _, bad := range []string{`{}`, `[{}]`, strings.ReplaceAll(string(b), `"n": 16384`, `"n": 2`), strings.ReplaceAll(string(b), `"n": 16384`, `"n": 1073741824`)} {
		must(t, os.WriteFile(u.File, []byte(bad), 0o600))
		if _, _, err := u.load(); err == nil {
			t.Errorf("%.40s: taken", bad)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "users.json"), b, 0o600))
	must(t, os.Chmod(u.File, 0o666))
	if _, _, err := u.load(); err == nil {
		t.Error("a file that others write is taken")
	}
}

// FuzzToken: no token but one's own grants anything, and a token grants what it was made for.
func FuzzToken(f *testing.F) {
	l := newLogin(nil)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	own, err := l.seal(grant{"me", []string{"a"}, now.Add(time.Minute)})
	must(f, err)
	f.Add(own, "me", "a")
	f.Add("", "", "h:5000/a")
	f.Add(".", "x", "\x00")
	f.Fuzz(func(t *testing.T, token, user, gun string) {
		if g, ok := l.open(token, now); ok != (token == own) || !ok && (g.User != "" || g.Write != nil) {
			t.Errorf("%q grants %v %v", token, g, ok)
		}
		made, err := l.seal(grant{user, []string{gun}, now.Add(time.Minute)})
		must(t, err)
		g, ok := l.open(made, now)
		if len(made) <= maxToken && (!ok || strings.ToValidUTF8(gun, "\uFFFD") != g.Write[0] && len(g.Write[0]) == 0 && gun != "") {
			t.Errorf("%q: %v %v", gun, g, ok)
		}
	})
}
