package check

import (
	"net/http"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/image"
)

// web is how package registries and APIs are asked: at addresses that are built
// in or the user's own.
func (p *Pipeline) web(l egress.Limits) *http.Client {
	return egress.New(egress.Options{Own: true, Limits: l, Offline: p.Offline, Dial: p.Dial, Notice: p.Notice, Log: p.Log}).Client()
}

// mayAsk reports whether a registry may be asked about a base: the user or a
// file says exactly which image is meant, or it stands in a FROM. "nginx" alone
// may as well be the name of something private.
func (p *Pipeline) mayAsk(b base.Base) bool {
	return !p.Offline && (b.By == "dockerfile" || image.Pinned(b.Ref))
}
