package cli

import (
	"fmt"
	"sync"

	"github.com/drydock-dev/drydock/internal/egress"
)

// notice tells the user of each host before it is asked, once.
func (f *flags) notice() func(host string) {
	f.said.Do(func() {
		var mu sync.Mutex
		seen := map[string]bool{}
		f.tell = func(host string) {
			mu.Lock()
			defer mu.Unlock()
			if f.quiet || seen[host] {
				return
			}
			seen[host] = true
			if f.env.TerminalErr {
				fmt.Fprint(f.env.Stderr, "\r\x1b[K") // over a line of progress
			}
			fmt.Fprintf(f.env.Stderr, "network: asking %s\n", foreign(host))
		}
	})
	return f.tell
}

// outgoing is how what needs no pipeline speaks to a network.
func (f *flags) outgoing() egress.Options {
	return egress.Options{Offline: f.offline, Dial: f.env.Dial, Notice: f.notice(), Log: f.logger()}
}
