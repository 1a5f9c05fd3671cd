package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// trendDays is how far back charts go.
const trendDays = 90

// The size of a chart and of a policy's line, in its own units.
const (
	chartWidth, chartHeight = 360, 140
	sparkWidth, sparkHeight = 100, 16
)

// trend is the fleet over time, drawn on the server.
type trend struct {
	Days     []store.Day // the newest first
	From, To string
	Most     int
	Lines    []trendLine
	Policies map[string]trendLine
	Says     string // the chart in words
	CSV      string
}

// trendLine is a line of a chart.
type trendLine struct {
	Name, Class string
	Points      string // of a polyline
	Says        string
}

// trendOf draws days, the oldest first. With fewer than two there is nothing to draw.
func trendOf(days []store.Day) *trend {
	t := &trend{Policies: map[string]trendLine{}}
	for i := range days {
		t.Days = append(t.Days, days[len(days)-1-i])
	}
	if len(days) < 2 {
		return t
	}
	first, last := &days[0], &days[len(days)-1]
	t.From, t.To = first.Day, last.Day
	severities := []struct {
		name, class string
		of          func(*store.Day) int
	}{
		{"critical", "sc", func(d *store.Day) int { return d.Critical }},
		{"high", "sh", func(d *store.Day) int { return d.High }},
		{"medium", "sm", func(d *store.Day) int { return d.Medium }},
		{"low", "sl", func(d *store.Day) int { return d.Low }},
	}
	for i := range days {
		for _, s := range severities {
			t.Most = max(t.Most, s.of(&days[i]))
		}
	}
	says := []string{}
	for _, s := range severities {
		says = append(says, fmt.Sprintf("%s from %d to %d", s.name, s.of(first), s.of(last)))
		t.Lines = append(t.Lines, trendLine{Name: s.name, Class: s.class, Points: points(days, chartWidth, chartHeight, func(d *store.Day) (float64, bool) {
			return float64(s.of(d)) / float64(max(t.Most, 1)), true
		})})
	}
	t.Says = fmt.Sprintf("Vulnerabilities from %s to %s: %s.", t.From, t.To, strings.Join(says, ", "))
	for _, p := range last.Policies {
		share := func(d *store.Day) (float64, bool) {
			for _, q := range d.Policies {
				if of := q.Complies + q.Violates + q.Unknown; q.ID == p.ID && of > 0 {
					return float64(q.Complies) / float64(of), true
				}
			}
			return 0, false
		}
		l := trendLine{Name: p.ID, Points: points(days, sparkWidth, sparkHeight, share)}
		now, _ := share(last)
		if then, ok := share(first); ok {
			l.Says = fmt.Sprintf("%.0f %% on %s, %.0f %% on %s", 100*then, t.From, 100*now, t.To)
		}
		t.Policies[p.ID] = l
	}
	return t
}

// points are days as the points of a polyline: a share of the height each, by the date.
func points(days []store.Day, width, height float64, share func(*store.Day) (float64, bool)) string {
	at := func(d *store.Day) float64 {
		t, err := time.Parse(time.DateOnly, d.Day)
		if err != nil {
			return 0
		}
		return float64(t.Unix() / (24 * 3600))
	}
	begin := at(&days[0])
	whole := at(&days[len(days)-1]) - begin
	var b strings.Builder
	was, drawn := 0.0, false
	for i := range days {
		y, ok := share(&days[i])
		if !ok {
			continue
		}
		x := 0.0
		if whole > 0 {
			x = width * (at(&days[i]) - begin) / whole
		}
		y = 1 + (height-2)*(1-y)
		if drawn {
			fmt.Fprintf(&b, "%.1f,%.1f ", x, was) // as on the day before, until it changed
		}
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
		was, drawn = y, true
	}
	return strings.TrimSpace(b.String())
}
