package exercise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// Exercise is what a workload is put through. With none of it, the workload is
// left alone until it ends.
type Exercise struct {
	Probes []string `json:"probes,omitempty"` // URLs of http or https; the port is the container's
	Remote bool     `json:"remote,omitempty"` // probes that name another machine are sent there
	Tests  []string `json:"tests,omitempty"`  // commands that must pass in the container
	For    Duration `json:"for,omitempty"`    // let it run for so long
	Within Duration `json:"within,omitempty"` // how long it may take to come up; 0: a minute
}

// Empty reports whether there is nothing to do but to wait for the end.
func (x Exercise) Empty() bool { return len(x.Probes)+len(x.Tests) == 0 && x.For == 0 }

func (x Exercise) within() time.Duration {
	if x.Within == 0 {
		return time.Minute
	}
	return time.Duration(x.Within)
}

// Duration is a length of time, "1m30s" in JSON.
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes it as time.ParseDuration reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration does; less than nothing is an error.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v < 0 {
		err = fmt.Errorf("duration %s is negative", v)
	}
	*d = Duration(v)
	return err
}

// Steps are what the exercise does, in words.
func (x Exercise) Steps() []string {
	var all []string
	for _, p := range x.Probes {
		all = append(all, "probe "+p)
	}
	for _, t := range x.Tests {
		all = append(all, "test "+t)
	}
	if x.For > 0 {
		all = append(all, "for "+x.For.String())
	}
	return all
}

// Ports are what must be published for the probes, sorted.
func (x Exercise) Ports(exposed []uint16) ([]uint16, error) {
	targets, err := x.targets(exposed)
	if err != nil {
		return nil, err
	}
	var ports []uint16
	for _, t := range targets {
		if t.At == "" {
			ports = append(ports, t.Port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// Failure is a step that did not pass: what the workload did wrong.
type Failure struct {
	Step string // "probe http://localhost/", "start"
	Why  string
	Log  string // the end of what it printed

	Refused []string // calls that the kernel refused meanwhile, where somebody watched
}

func (f *Failure) Error() string {
	s := f.Step + ": " + f.Why
	if n := len(f.Refused); n > 0 {
		s += "; refused: " + strings.Join(f.Refused[:min(n, 3)], "; ")
	}
	return s
}

// Workload is a container under exercise.
type Workload struct {
	Container *runtime.Container
	Exposed   []uint16
	Health    bool // the image has a health check
	// Exec runs the commands of tests; nil: the container does.
	Exec func(ctx context.Context, argv []string) (code int, said string, err error)
	// Dial connects to a port of the container; nil: where it is published.
	Dial   func(ctx context.Context, port uint16) (net.Conn, error)
	Within bool // a port that is not published is reached at the container's own address
}

// targets are where the probes are sent.
func (x Exercise) targets(exposed []uint16) ([]Target, error) {
	all, err := Targets(x.Probes, exposed)
	if err != nil || !x.Remote {
		return all, err
	}
	for i, t := range all {
		u, err := ParseProbe(t.URL)
		if err != nil {
			return nil, err
		}
		if IsLocal(u.Hostname()) {
			continue
		}
		port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
		all[i].At = net.JoinHostPort(u.Hostname(), port)
	}
	return all, nil
}

// client speaks to a target; nil: it is reached nowhere.
func (w Workload) client(s runtime.State, t Target) *http.Client {
	if t.At != "" {
		return Client(t.At)
	}
	port := t.Port
	if w.Dial != nil {
		return clientOver(func(ctx context.Context) (net.Conn, error) { return w.Dial(ctx, port) })
	}
	if at := s.Ports[port]; at != "" {
		return Client(at)
	}
	if w.Within && s.Address.IsValid() {
		return Client(netip.AddrPortFrom(s.Address, port).String())
	}
	return nil
}

// Ready waits until every probe is answered, or else the health check passes, or
// else the program has been up for a second. A *Failure is a workload that did not
// come up.
func (x Exercise) Ready(ctx context.Context, w Workload) error {
	targets, err := x.targets(w.Exposed)
	if err != nil {
		return err
	}
	limit := time.Now().Add(x.within())
	for _, t := range targets {
		if err := x.answers(ctx, w, t, limit); err != nil {
			return err
		}
	}
	if len(targets) > 0 {
		return nil
	}
	began := time.Now()
	for {
		s, err := w.Container.State(ctx)
		switch {
		case err != nil:
			return err
		case !s.Running && (x.Empty() || s.ExitCode == 0 && len(x.Tests) == 0):
			return nil // it was to end, or was done before its time was over
		case !s.Running:
			return w.failed(ctx, "start", fmt.Sprintf("the program ended with exit code %d", s.ExitCode))
		case w.Health && s.Health == "healthy", !w.Health && time.Since(began) > time.Second:
			return nil
		case time.Now().After(limit):
			return w.failed(ctx, "health check", fmt.Sprintf("%s after %s: %s", s.Health, x.within(), strings.TrimSpace(s.Check)))
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// answers waits until a probe is answered by anything but an error of the server.
func (x Exercise) answers(ctx context.Context, w Workload, t Target, limit time.Time) error {
	for {
		s, err := w.Container.State(ctx)
		if err != nil {
			return err
		}
		if !s.Running {
			return w.failed(ctx, "start", fmt.Sprintf("the program ended with exit code %d", s.ExitCode))
		}
		client := w.client(s, t)
		if client == nil {
			return w.failed(ctx, "probe "+t.URL, fmt.Sprintf("port %d is not published", t.Port))
		}
		status, err := get(ctx, client, t.URL)
		if err == nil && status < 500 {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(limit) {
			why := fmt.Sprintf("it answers %d", status)
			if err != nil {
				why = fmt.Sprintf("no answer after %s", x.within().Round(time.Second))
				if !errors.Is(err, context.DeadlineExceeded) {
					why += ": " + err.Error()
				}
			}
			return w.failed(ctx, "probe "+t.URL, why)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// Outcome is what came of an exercise: statuses of probes, in order, and the last answer
// to each. Two outcomes of one exercise have equal statuses if the workload did the same.
type Outcome struct {
	Statuses []int
	Answers  []Answer
}

// times is how often each probe is sent: once is not how anything is used.
const times = 5

// Do puts a workload that is up through the exercise, a round of it for each second
// that For says, at least one. A *Failure is what the workload did wrong.
func (x Exercise) Do(ctx context.Context, w Workload) (Outcome, error) {
	var out Outcome
	targets, err := x.targets(w.Exposed)
	if err != nil {
		return out, err
	}
	s, err := w.Container.State(ctx)
	if err != nil {
		return out, err
	}
	for _, t := range targets {
		answer, err := w.ask(ctx, s, t)
		if err != nil {
			return out, w.failed(ctx, "probe "+t.URL, err.Error())
		}
		out.Statuses = append(out.Statuses, answer.Status)
		out.Answers = append(out.Answers, answer)
	}
	for _, command := range x.Tests {
		run := w.Exec
		if run == nil {
			run = w.Container.Exec
		}
		code, said, err := run(ctx, []string{"/bin/sh", "-c", command})
		switch {
		case ctx.Err() != nil:
			return out, ctx.Err()
		case err != nil:
			return out, w.failed(ctx, "test "+command, err.Error())
		case code != 0:
			return out, &Failure{Step: "test " + command, Why: fmt.Sprintf("exit code %d", code), Log: said}
		}
	}
	if x.Empty() {
		code, err := w.Container.Wait(ctx)
		if err != nil {
			return out, err
		}
		out.Statuses = append(out.Statuses, code)
		return out, nil
	}
	for end := time.Now().Add(time.Duration(x.For)); time.Now().Before(end); {
		s, err := w.Container.State(ctx)
		if err != nil {
			return out, err
		}
		if !s.Running {
			break
		}
		if err := pause(ctx, min(time.Until(end), 200*time.Millisecond)); err != nil {
			return out, err
		}
	}
	s, err = w.Container.State(ctx)
	switch {
	case err != nil || s.Running:
	case len(targets)+len(x.Tests) > 0:
		return out, w.failed(ctx, "exercise", fmt.Sprintf("the program ended with exit code %d", s.ExitCode))
	case s.ExitCode != 0: // when one that does well is done depends on the machine's load
		out.Statuses = append(out.Statuses, s.ExitCode)
	}
	return out, err
}

// ask sends a probe as often as it takes to call it used, and to know whether its answers
// differ by themselves.
func (w Workload) ask(ctx context.Context, s runtime.State, t Target) (Answer, error) {
	client := w.client(s, t)
	if client == nil {
		return Answer{}, errors.New("the port is not published any more")
	}
	defer client.CloseIdleConnections()
	var last Answer
	for i := range times {
		a, err := Ask(ctx, client, t.URL)
		if err != nil {
			return last, err
		}
		a.Varies = i > 0 && (last.Varies || a.Digest != last.Digest)
		last = a
	}
	return last, nil
}

func (w Workload) failed(ctx context.Context, step, why string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	log, err := w.Container.Logs(ctx)
	if err != nil {
		log = ""
	}
	return &Failure{Step: step, Why: why, Log: log}
}

// maxBody limits the bytes of an answer to a probe.
const maxBody = 32 << 20

func get(ctx context.Context, client *http.Client, url string) (status int, err error) {
	if client == nil {
		return 0, errors.New("the port is not published any more")
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", "drydock")
	res, err := client.Do(req)
	if err != nil {
		return 0, Reason(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	return res.StatusCode, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
