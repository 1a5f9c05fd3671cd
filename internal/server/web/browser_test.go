package web_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/drydock-dev/drydock/internal/server/index"
)

// browser starts Chromium, and gathers what it complains of.
func browser(t *testing.T, width, height int) (ctx context.Context, complaints func() []string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no chromium")
		}
		t.Skip("there is no chromium (apt-get install chromium)")
	}
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(width, height), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var said []string
	if err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == "error" && !strings.Contains(e.Entry.URL, "favicon") {
				said = append(said, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			said = append(said, e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(said) }
}

// run runs one action, and returns what it says.
func run[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// soon waits until the page says that something is so.
func soon(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](what, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		t.Fatalf("it never is so: %s: %v", what, err)
	}
}

// accessible holds a page to axe-core's rules, with the script of its npm package that
// DRYDOCK_AXE names.
func accessible(t *testing.T, ctx context.Context, page string) {
	t.Helper()
	file := os.Getenv("DRYDOCK_AXE")
	if file == "" {
		return
	}
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, chromedp.Evaluate[string](string(script)+`; window.said = ""; axe.run().then(r => { window.said = "done " + r.violations.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 160)).slice(0, 3).join(" | ")).join("; "); }); ""`))
	soon(t, ctx, `window.said !== ""`)
	if said := run(t, ctx, chromedp.Evaluate[string](`window.said`)); said != "done " {
		t.Errorf("%s: axe-core: %s", page, said)
	}
}

// shot keeps a picture of the page in the folder of DRYDOCK_SHOTS.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), run(t, ctx, chromedp.CaptureScreenshot()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBrowserShowsEveryPage opens every page, wide and narrow: nothing is refused by
// the policy of headers, nothing throws, and no page is wider than its window.
func TestBrowserShowsEveryPage(t *testing.T) {
	for name, size := range map[string][2]int{"1280": {1280, 900}, "390": {390, 844}} {
		t.Run(name, func(t *testing.T) {
			ctx, complaints := browser(t, size[0], size[1])
			w := start(t)
			fleet(w)
			a := furnish(w)
			past(w)
			if err := (&index.Recorder{Index: w.svc.Index, Store: w.svc.Store}).Record(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, p := range pages(a.ID) {
				run(t, ctx, chromedp.Steps(chromedp.EmulateViewport(int64(size[0]), int64(size[1])), chromedp.Navigate(w.url+p), chromedp.WaitVisible(chromedp.CSS("h1"))))
				if over := run(t, ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); over > 0 {
					t.Errorf("%s is %d pixels wider than the window", p, over)
				}
				accessible(t, ctx, p)
				shot(t, ctx, name+"-"+strings.Trim(strings.NewReplacer("/", "-", "?", "-", a.ID, "ID", ":", "").Replace(p[:min(len(p), 60)]), "-")+string(rune('a'+i)))
			}
			if c := complaints(); len(c) > 0 {
				t.Errorf("the browser complains: %q", c)
			}
		})
	}
}

// TestBrowserIsLive: an advisory that comes in shows on the page that is open, by
// itself; rows wait until they are asked for.
func TestBrowserIsLive(t *testing.T) {
	ctx, complaints := browser(t, 1280, 900)
	w := start(t)
	a, _ := fleet(w)
	text := func(sel string) string { t.Helper(); return run(t, ctx, chromedp.TextContent(chromedp.CSS(sel))) }
	run(t, ctx, chromedp.Navigate(w.url+"/images/"+a.ID))
	soon(t, ctx, `document.querySelector("#dot").className === "dot"`)
	if say, rows := text("#say"), text("#list"); !strings.Contains(say, "2 critical") || strings.Contains(rows, "CVE-2026-0009") {
		t.Fatalf("%q %q", say, rows)
	}
	w.advise(advisory(9, "right", "critical"))
	soon(t, ctx, `document.querySelector("#say").textContent.includes("3 critical")`)
	if bar, rows := text("#new"), text("#list"); !strings.Contains(bar, "since you opened this page") || strings.Contains(rows, "CVE-2026-0009") {
		t.Errorf("bar %q; the rows moved: %t", bar, strings.Contains(rows, "CVE-2026-0009"))
	}
	shot(t, ctx, "live")
	run(t, ctx, chromedp.Click(chromedp.CSS("#new")))
	soon(t, ctx, `document.querySelector("#list").textContent.includes("CVE-2026-0009")`)
	// Filters without a reload, by htmx.
	run(t, ctx, chromedp.Steps(chromedp.Navigate(w.url+"/images"), chromedp.SendKeys(chromedp.CSS("form.filters input[name=q]"), "api")))
	soon(t, ctx, `!document.querySelector("#list").textContent.includes("acme/web")`)
	if rows := text("#list"); !strings.Contains(rows, "acme/api:1") {
		t.Errorf("%q", rows)
	}
	if c := complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}
