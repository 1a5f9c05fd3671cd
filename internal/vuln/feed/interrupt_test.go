package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One source that fails does not stop the others.
func TestOneFails(t *testing.T) {
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	rep, err := u.Update(context.Background(), []string{"Hex", "npm"}, true)
	if err == nil || len(rep.Sources) != 5 {
		t.Fatal(rep, err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
}

func TestInterrupted(t *testing.T) {
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	if _, err := u.Update(context.Background(), []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	up.bucket(t, "npm", map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "3.0.0", 9)}, map[string]int{"GHSA-a": 9})
	delete(up.files, "/osv/npm/GHSA-a.json")
	ctx, cancel := context.WithCancel(context.Background())
	b := up.files["/osv/npm/all.zip"]
	up.bend(func(w http.ResponseWriter, r *http.Request, n int) bool {
		if strings.HasSuffix(r.URL.Path, "all.zip") {
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			w.Write(b[:50])
			w.(*recorder).ResponseWriter.(http.Flusher).Flush()
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	})
	if _, err := u.Update(ctx, []string{"npm"}, false); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
	up.bend(nil)
	left := filepath.Join(u.Dir, "sources", "npm", ".all.db.drydock-aaaaaaaaaaaaaaaaaaaaaaaaaa") // as a killed update leaves
	if err := os.WriteFile(left, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Update(context.Background(), []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 3.0.0")
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed update left is still there: %v", err)
	}
}
