package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// metrics writes Prometheus's text format.
type metrics struct{ b strings.Builder }

// family begins a metric; of a kind: "gauge" or "counter".
func (m *metrics) family(name, kind, help string) {
	fmt.Fprintf(&m.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// sample writes a value, with labels in pairs.
func (m *metrics) sample(name string, v float64, labels ...string) {
	m.b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		m.b.WriteByte("{,"[min(i, 1)])
		m.b.WriteString(labels[i] + `="` + label(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		m.b.WriteByte('}')
	}
	m.b.WriteString(" " + strconv.FormatFloat(v, 'g', -1, 64) + "\n")
}

// label is a text as the format quotes it.
func label(s string) string {
	return strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "?"))
}

// everywhere is the name of Scout's stream of all images.
const everywhere = "latest-indexed"

// metrics answers with the fleet and the service in numbers: of all images, and of
// each environment, which Docker Scout calls a stream.
func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	x, m := a.Service.Index, &metrics{}
	all := x.Overview("")
	streams := append([]string{""}, all.Envs...)
	overviews, policies := map[string]index.Overview{}, map[string][]index.PolicyRow{}
	for _, env := range streams {
		overviews[env], policies[env] = x.Overview(env), x.PolicyList(index.Query{Env: env, Limit: index.MaxLimit}).Items
	}
	stream := func(env string) string {
		if env == "" {
			return everywhere
		}
		return env
	}
	for _, g := range []struct {
		name, help string
		of         func(*index.Overview) int
	}{
		{"drydock_images", "Images that are watched.", func(o *index.Overview) int { return o.Images }},
		{"drydock_images_running", "Images that run.", func(o *index.Overview) int { return o.Running }},
		{"drydock_images_fixable_critical", "Images with a critical vulnerability that has a fix.", func(o *index.Overview) int { return o.FixableCritical }},
		{"drydock_images_unknown", "Images of which something is not known.", func(o *index.Overview) int { return o.Unknown }},
		{"drydock_images_unmatched", "Images that are not matched to the end yet.", func(o *index.Overview) int { return o.Unjudged }},
		{"scout_stream_packages", "Packages, each once.", func(o *index.Overview) int { return o.Packages }},
	} {
		m.family(g.name, "gauge", g.help)
		for _, env := range streams {
			o := overviews[env]
			m.sample(g.name, float64(g.of(&o)), "streamName", stream(env))
		}
	}
	for _, name := range []string{"drydock_vulnerabilities", "scout_stream_vulnerabilities"} {
		m.family(name, "gauge", "Vulnerabilities, each once, by severity.")
		for _, env := range streams {
			o := overviews[env]
			for _, s := range finding.Severities() {
				m.sample(name, float64(*o.Counts.Of(s)), "streamName", stream(env), "severity", s.String())
			}
		}
	}
	for _, g := range []struct {
		name, help string
		of         func(*index.PolicyRow) int
	}{
		{"scout_policy_compliant_images", "Images that keep to a policy.", func(p *index.PolicyRow) int { return p.Complies }},
		{"scout_policy_evaluated_images", "Images that a policy says yes or no to.", func(p *index.PolicyRow) int { return p.Complies + p.Violates }},
		{"drydock_policy_unknown_images", "Images of which a policy cannot say.", func(p *index.PolicyRow) int { return p.Unknown }},
	} {
		m.family(g.name, "gauge", g.help)
		for _, env := range streams {
			for i := range policies[env] {
				p := &policies[env][i]
				m.sample(g.name, float64(g.of(p)), "id", p.ID, "displayName", p.Title, "streamName", stream(env))
			}
		}
	}
	a.operation(r.Context(), m, &all)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err := w.Write([]byte(m.b.String()))
	return err
}

// operation writes how the service does. Where the database does not answer, that is
// what is told, and the rest of the page stands.
func (a *API) operation(ctx context.Context, m *metrics, o *index.Overview) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	gauge := func(name, help string, v float64) {
		m.family(name, "gauge", help)
		m.sample(name, v)
	}
	s := a.Service.Store
	last, err := s.Last(ctx)
	var waiting int
	if err == nil {
		waiting, err = s.Waiting(ctx)
	}
	aside, bad := s.SetAside(ctx)
	up := 1.0
	if err != nil || bad != nil || s.Ping(ctx) != nil {
		up = 0
	}
	gauge("drydock_database_up", "Whether the database answers.", up)
	if up > 0 {
		gauge("drydock_event", "The newest event.", float64(last))
		gauge("drydock_tasks_waiting", "Tasks to do.", float64(waiting))
		gauge("drydock_tasks_aside", "Tasks that were set aside after too many tries.", float64(len(aside)))
	}
	if b := a.Service.Bus; b != nil {
		state := b.State()
		up := 0.0
		if state.Up {
			up = 1
		}
		gauge("drydock_stream_up", "Whether tasks come by the stream of NATS.", up)
		gauge("drydock_stream_poison", "Messages of the stream that could not be read, since this process began.", float64(state.Poison))
	}
	if jobs, err := s.CountJobs(ctx, store.JobMessage); err == nil {
		gauge("drydock_messages_waiting", "Messages to webhooks that are to be sent.", float64(jobs[store.JobWaiting]))
		gauge("drydock_messages_dead", "Messages to webhooks that could not be sent.", float64(jobs[store.JobDead]))
	}
	gauge("drydock_event_shown", "The event up to which pages hold.", float64(a.Service.Index.At()))
	gauge("drydock_delta_lag_seconds", "From the last delta of advisories to its findings.", o.Lag.Seconds())
	m.family("drydock_database_statements_total", "counter", "Statements that the database was given.")
	m.sample("drydock_database_statements_total", float64(s.Asked()))
}
