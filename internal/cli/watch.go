package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/client"
)

// defaultServer is where a service of this machine answers.
const defaultServer = "http://127.0.0.1:8480"

func newWatch(f *flags) *cobra.Command {
	var server string
	var after int64
	var once bool
	c := &cobra.Command{
		Use:   "watch",
		Short: "Print what happens at a service: images, advisories, findings opened and closed",
		Long: `Print each event of a service as it happens, a line each, or as JSON. When the
service goes away, watch waits for it and goes on where it was: no event is lost.`,
		Example: `  drydock watch
  drydock watch --server https://watch.example --format json
  drydock watch --after 0 --once`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.formatOnly("watch", []string{"text", "json"}); err != nil {
				return err
			}
			cl, err := f.service(server)
			if err != nil {
				return err
			}
			return f.write(func(to sink) error {
				return f.watch(cmd.Context(), cl, after, once, func(e api.Told) error { return printEvent(to, to.format, e) })
			})
		},
	}
	c.Flags().StringVar(&server, "server", defaultServer, "the service's `URL`")
	c.Flags().Int64Var(&after, "after", -1, "begin after the event of this `ID`; 0: the first one (default with what comes)")
	c.Flags().BoolVar(&once, "once", false, "end when everything that happened is printed")
	return c
}

// errAll ends a watch that has printed everything.
var errAll = errors.New("that was all")

func (f *flags) watch(ctx context.Context, c *client.Client, after int64, once bool, tell func(api.Told) error) error {
	last := int64(-1)
	if once {
		n, err := c.Last(ctx)
		if err != nil || n <= after {
			return err
		}
		last = n
	}
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		seen, err := c.Watch(ctx, after, func(e api.Told) error {
			pause = time.Second
			if err := tell(e); err != nil {
				return err
			}
			if once && e.ID >= last {
				return errAll
			}
			return nil
		})
		var no *client.Error
		switch {
		case errors.Is(err, errAll):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &no) && no.Status < http.StatusInternalServerError, err != nil && seen == after && after < 0:
			return err // it never answered, or will not
		}
		after = seen
		f.warn("the service is away; watch goes on when it is back", nil)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// printEvent prints one event.
func printEvent(w io.Writer, format string, e api.Told) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(e)
	}
	_, err := fmt.Fprintf(w, "%s  %s\n", e.At.Local().Format("15:04:05"), foreign(eventSays(e)))
	return err
}

// eventSays is an event in words.
func eventSays(e api.Told) string {
	var says []string
	switch {
	case e.Vuln != "":
		says = append(says, fmt.Sprintf("%-8s %-9s %s in %s, %s", e.Change, e.Severity, e.Vuln, e.Package, finding.Count(int(e.Images), "image")))
		if e.FixedIn != "" {
			says = append(says, "fixed in "+e.FixedIn)
		}
		if w := e.Why; w != nil && w.Advisory != "" {
			says = append(says, fmt.Sprintf("%s %s, %.1f s before", w.Advisory, w.Change, max(w.After.Seconds(), 0.1)))
		}
	case e.Opened > 0:
		says = append(says, fmt.Sprintf("%s %s, %s", e.Kind, e.Subject, finding.Count(e.Opened, "finding")))
	default:
		says = append(says, string(e.Kind)+" "+e.Subject)
	}
	return strings.Join(says, "; ")
}
