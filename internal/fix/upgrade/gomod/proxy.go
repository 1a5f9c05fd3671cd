package gomod

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
)

// The checksum database that the go command believes, and its public key.
const (
	sumServer = "sum.golang.org"
	sumKey    = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
)

// NewProxy asks the module proxy at the address, or the first of GOPROXY. A hash
// is believed on the word of the checksum database alone, with its proof
// checked: a line that stands in go.sum is not asked about again, so one from
// elsewhere would blind the go command. Modules that GOPRIVATE, GONOPROXY or
// GONOSUMDB name are not asked for. It is nil where GOPROXY or GOSUMDB is off.
func NewProxy(h plan.HTTP) plan.Modules {
	base := h.Base
	if base == "" {
		base = FirstProxy(cmp.Or(os.Getenv("GOPROXY"), "https://proxy.golang.org"))
	}
	if base == "" || !strings.HasPrefix(cmp.Or(os.Getenv("GOSUMDB"), sumServer), sumServer) {
		return nil
	}
	private := os.Getenv("GOPRIVATE")
	for _, key := range []string{"GONOPROXY", "GONOSUMDB"} {
		if v := os.Getenv(key); v != "" && v != "none" {
			private += "," + v
		}
	}
	return &proxy{base: strings.TrimRight(base, "/") + "/", http: h, private: private, key: sumKey}
}

// FirstProxy is the first address of a GOPROXY list; empty: it has none.
func FirstProxy(list string) string {
	for _, p := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' }) {
		switch p = strings.TrimSpace(p); {
		case strings.HasPrefix(p, "http://"), strings.HasPrefix(p, "https://"):
			return p
		default:
			return "" // "direct" and "off" come first: no proxy is wanted
		}
	}
	return ""
}

type proxy struct {
	base    string
	http    plan.HTTP
	private string
	key     string
	once    sync.Once
	client  *sumdb.Client
	ops     *sumOps
}

func (g *proxy) Sums(ctx context.Context, path, version string) (plan.Sums, error) {
	var s plan.Sums
	if module.MatchPrefixPatterns(g.private, path) {
		return s, fmt.Errorf("%s is private, and nobody is asked for it", path)
	}
	escaped, err := module.EscapePath(path)
	if err != nil {
		return s, err
	}
	v, err := module.EscapeVersion(version)
	if err != nil {
		return s, err
	}
	g.once.Do(func() {
		g.ops = &sumOps{g: g, kept: map[string][]byte{}}
		g.client = sumdb.NewClient(g.ops)
	})
	g.ops.use(ctx)
	for _, want := range []struct {
		version string
		to      *string
	}{{version, &s.Zip}, {version + "/go.mod", &s.Mod}} {
		lines, err := g.client.Lookup(path, want.version)
		if err != nil {
			return plan.Sums{}, fmt.Errorf("checksum database, %s@%s: %w", path, want.version, err)
		}
		for _, l := range lines {
			if h, ok := strings.CutPrefix(l, path+" "+want.version+" "); ok && strings.HasPrefix(h, "h1:") {
				*want.to = h
			}
		}
		if *want.to == "" {
			return plan.Sums{}, fmt.Errorf("checksum database, %s@%s: no hash", path, want.version)
		}
	}
	small := g.http
	small.Limit = 4 << 20
	if s.GoMod, err = small.Get(ctx, g.base+escaped+"/@v/"+v+".mod", ""); err != nil {
		return plan.Sums{}, err
	}
	if got := goModHash(s.GoMod); got != s.Mod {
		return plan.Sums{}, fmt.Errorf("go.mod of %s@%s: the proxy's is not the one that the checksum database vouches for", path, version)
	}
	return s, nil
}

// goModHash is the hash of a go.mod, as go.sum writes it.
func goModHash(body []byte) string {
	h, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	})
	if err != nil {
		return ""
	}
	return h
}

// sumOps is what the checksum database's client works with, in memory.
type sumOps struct {
	g    *proxy
	mu   sync.Mutex
	ctx  context.Context //nolint:containedctx // the client's interface has no room for one
	kept map[string][]byte
}

var errNotKept = errors.New("not kept")

func (o *sumOps) use(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ctx = ctx
}

func (o *sumOps) ReadRemote(path string) ([]byte, error) {
	o.mu.Lock()
	ctx := o.ctx
	o.mu.Unlock()
	small := o.g.http
	small.Limit = 1 << 20
	b, err := small.Get(ctx, o.g.base+"sumdb/"+sumServer+path, "")
	if err != nil && o.g.http.Base == "" {
		if direct, e := small.Get(ctx, "https://"+sumServer+path, ""); e == nil {
			return direct, nil
		}
	}
	return b, err
}

func (o *sumOps) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(o.g.key), nil
	}
	b, _ := o.ReadCache(file)
	return b, nil // nothing yet: an empty tree
}

func (o *sumOps) WriteConfig(file string, old, now []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if string(o.kept[file]) != string(old) {
		return sumdb.ErrWriteConflict
	}
	o.kept[file] = now
	return nil
}

func (o *sumOps) ReadCache(file string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b, ok := o.kept[file]; ok {
		return b, nil
	}
	return nil, errNotKept
}

func (o *sumOps) WriteCache(file string, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept[file] = data
}

func (o *sumOps) Log(string) {}

func (o *sumOps) SecurityError(string) {} // the lookup returns it
