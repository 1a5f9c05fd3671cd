package cli

import (
	"net/http"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
)

// webhookClients are what a service tells webhooks with: one that connects to no
// address of this machine, and one that may. Neither follows a redirect: its target
// did not ask for the message.
func (f *flags) webhookClients() (client, own *http.Client) {
	opt := f.outgoing()
	opt.Limits = egress.Limits{Connect: 10 * time.Second, Idle: 10 * time.Second, Slack: 20 * time.Second, Tries: 1}
	opt.Plain = true
	client = egress.New(opt).Client()
	opt.Own = true
	own = egress.New(opt).Client()
	for _, c := range []*http.Client{client, own} {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client, own
}
