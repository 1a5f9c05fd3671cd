package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Layers are fetched eight at a time on one processor too, and not more.
func TestLayersInFlight(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := serve(t)
	l := &layoutOf{t: t}
	var tars [][]byte
	for i := range 50 {
		tars = append(tars, tarOf(t, part{name: "file" + strconv.Itoa(i), text: strings.Repeat("x", i)}))
	}
	s.push(t, l, l.manifest(makeImage(t, "amd64", tars...)))
	var now, most atomic.Int64
	spoil := func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		return false
	}
	s.spoil.Store(&spoil)
	_, scan := scanOf(t, "registry://"+s.host+"/app:1", Options{Cache: &cache.Cache{Dir: t.TempDir()}, Backoff: time.Millisecond})
	if scan.Tree.Len() != 50 {
		t.Errorf("%d files", scan.Tree.Len())
	}
	if n := most.Load(); n < 6 || n > inFlight {
		t.Errorf("%d layers were in flight at once, and should be 6 to %d", n, inFlight)
	}
}

// A line is free as soon as the last byte is here, while its layer waits for a processor.
func TestLineEndsWithTheBytes(t *testing.T) {
	line := &slot{of: make(slots, 1)}
	if err := line.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	busy := &slot{of: make(slots, 1)}
	if err := busy.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	here := &slot{of: busy.of}
	d := &distant{ReadCloser: io.NopCloser(strings.NewReader("xy")), ctx: t.Context(), slot: here, line: line, left: 2}
	go func() { _, _ = d.Read(make([]byte, 2)) }()
	next := &slot{of: line.of}
	if err := next.take(t.Context()); err != nil { // for ever, if the line waited with the layer
		t.Fatal(err)
	}
	busy.free()
}

// The layer without files, of which an image has one an instruction that changes none,
// is not fetched.
func TestKnownEmptyLayer(t *testing.T) {
	for _, blob := range []finding.Digest{
		"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4",
		"sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1",
	} {
		b := emptyLayer(blob)
		if b == nil {
			t.Fatalf("%s is not known", blob)
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(z); err != nil || len(plain) != 1024 || len(bytes.Trim(plain, "\x00")) > 0 {
			t.Errorf("%d bytes, %v", len(plain), err)
		}
		s := serve(t)
		l := &layoutOf{t: t}
		m := makeImage(t, "amd64", tarOf(t, part{name: "a", text: "x"}), make([]byte, 1024))
		const kind = "application/vnd.oci.image.layer.v1.tar+gzip"
		s.push(t, l, with(l.add(js(t, obj{
			"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
			"config": with(l.add(m.config), obj{"mediaType": "application/vnd.oci.image.config.v1+json"}),
			"layers": []obj{with(l.add(string(gz(t, m.layers[0]))), obj{"mediaType": kind}), with(l.add(string(b)), obj{"mediaType": kind})},
		})), obj{"mediaType": "application/vnd.oci.image.manifest.v1+json"}))
		_, scan := scanOf(t, "registry://"+s.host+"/app:1", Options{Cache: &cache.Cache{Dir: t.TempDir()}, Backoff: time.Millisecond})
		if n := s.blobsAsked(); n != 2 { // the configuration and the layer with the file
			t.Errorf("%d blobs were fetched: %v", n, s.asked)
		}
		if len(scan.Records) != 2 || scan.Records[1].Blob != blob || len(scan.Records[1].Entries) != 0 {
			t.Errorf("%+v", scan.Records[1])
		}
	}
	if emptyLayer("sha256:"+finding.Digest(strings.Repeat("0", 64))) != nil {
		t.Error("another layer is taken for the empty one")
	}
}

// A layer that waits for bytes keeps no other from computing, and one that is given up
// leaves no slot behind.
func TestSlots(t *testing.T) {
	s := &slot{of: make(slots, 1)}
	if err := s.take(context.Background()); err != nil {
		t.Fatal(err)
	}
	other := &slot{of: s.of}
	waiting := make(chan struct{})
	r, w := io.Pipe()
	d := &distant{ReadCloser: r, ctx: context.Background(), slot: s, line: &slot{of: make(slots, 1)}, left: 2}
	go func() {
		defer close(waiting)
		_, _ = d.Read(make([]byte, 1))
	}()
	if err := other.take(context.Background()); err != nil { // while the first reads
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-waiting:
		t.Error("two compute in one slot")
	case <-time.After(20 * time.Millisecond):
	}
	other.free()
	other.free() // once is enough
	<-waiting
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := (&slot{of: s.of}).take(gone); err == nil {
		t.Error("a slot after the end")
	}
	s.free()
	if len(s.of) != 0 {
		t.Error("a slot was left behind")
	}
}
