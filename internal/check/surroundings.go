package check

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// Surroundings are where a run takes place: folders, clock, streams, and whom it
// may ask. The zero value of each field but Now and Log is useful.
type Surroundings struct {
	CacheDir string   // layer records, inventories; empty: nothing is kept
	DataDir  string   // the advisory database; empty: the embedded snapshot only
	Learned  string   // file of learned images; empty: the one in DataDir
	Platform string   // "linux/arm64"; empty: the host's
	Offline  bool     // no network at all
	Service  Service  // that is asked for vulnerabilities; nil: the advisories of this machine
	Insecure []string // registries spoken to over HTTP or without a known certificate
	NoCache  bool     // read every layer anew and keep nothing

	MaxAge     time.Duration // of advisory data before it is a warning; 0: 7 days where it was fetched, 30 where it came with the program
	StaleFails bool          // advisory data of the target's ecosystems that is older than MaxAge (7 days) is an error

	Dial   egress.Dial       // nil: the system's
	Notice func(host string) // hears of a host before it is asked

	Ledger   *ledger.Ledger // of what is made outside of the folders above; nil: no container is made
	Stdin    io.Reader
	Now      func() time.Time
	Getenv   func(string) string // nil: the process's
	Log      *slog.Logger
	Progress func(done, total int64, what string)
}

func (s *Surroundings) getenv(name string) string {
	if s.Getenv == nil {
		return os.Getenv(name)
	}
	return s.Getenv(name)
}

// cache is what was learned earlier; nil keeps nothing. A value that turns
// out damaged is read anew, and warn hears of it once.
func (s *Surroundings) cache(warn func(string)) *cache.Cache {
	if s.CacheDir == "" || s.NoCache {
		return nil
	}
	var once sync.Once
	return &cache.Cache{Dir: s.CacheDir, User: disk.Caller(s.Getenv), Now: s.Now, OnCorrupt: func(path string, err error) {
		once.Do(func() {
			warn(fmt.Sprintf("a cached layer record was damaged and is made anew: %s: %v", path, err))
		})
	}}
}

// ImageOptions are for opening images in these surroundings. warn hears, from any
// goroutine, of what the user should know.
func (s *Surroundings) ImageOptions(warn func(string)) image.Options {
	return image.Options{
		Platform: s.Platform, Offline: s.Offline, InsecureRegistries: s.Insecure,
		WorkDir: s.CacheDir, Cache: s.cache(warn), Log: s.Log, Stdin: s.Stdin, Progress: s.Progress, Getenv: s.Getenv,
		Dial: s.Dial, Notice: s.Notice,
	}
}

// scanOptions are for reading layers in these surroundings.
func (s *Surroundings) scanOptions(c *cache.Cache, readers []layer.Analyzer) image.ScanOptions {
	return image.ScanOptions{Analyzers: readers, Cache: c, Progress: s.Progress, Log: s.Log}
}

// Web is how package registries and APIs are asked: at addresses that are built
// in or the user's own.
func (s *Surroundings) Web(l egress.Limits) *http.Client {
	return egress.New(egress.Options{Own: true, Limits: l, Offline: s.Offline, Dial: s.Dial, Notice: s.Notice, Log: s.Log}).Client()
}

// MayAsk reports whether a registry may be asked about an image: the user or a
// file says exactly which is meant, or it stands in a FROM. "nginx" alone may as
// well be the name of something private, and so may be a variable's value that a
// compose file has put into a name.
func (s *Surroundings) MayAsk(b base.Base) bool {
	return !s.Offline && b.By != "variable" && (b.By == "dockerfile" || image.Pinned(b.Ref))
}
