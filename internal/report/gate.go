package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// Decisions writes what a policy says about images.
func Decisions(w io.Writer, format string, all []admission.Decision, opt Options) error {
	switch format {
	case "json":
		return jsonstream.Write(w, map[string]any{"schema": Schema, "decisions": all})
	case "text":
	default:
		return errGateFormat(format)
	}
	return paged(w, opt, func(p *page) {
		for _, d := range all {
			word, paint := "allowed", good
			switch d.Verdict {
			case admission.Refused:
				word, paint = "REFUSED", bad
			case admission.Unknown:
				word, paint = "UNKNOWN", bad
			}
			p.line("%s  %s", p.paint(paint, word), Clean(d.Image))
			if d.Digest != "" {
				p.line("  %s", Clean(string(d.Digest)))
			}
			p.wrap(2, Clean(d.Reason))
			by := d.Rule
			if d.Requirement != "" {
				by += ", " + d.Requirement
			}
			p.line("  decided by rule %s", Clean(by))
			for _, note := range append(append([]string{}, d.Warnings...), d.Excepted...) {
				p.wrap(2, "note: "+Clean(note))
			}
			if d.Hint != "" {
				p.wrap(2, "hint: "+Clean(d.Hint))
			}
		}
	})
}

func errGateFormat(format string) error {
	return fmt.Errorf("gate has no format %q (one of text, json)", format)
}

// Freshness is how long what was verified of a repository counts.
type Freshness struct {
	Repository, Rule  string
	Verified, Expires time.Time
	Left              time.Duration
	Warn              bool
}

// GateStatus writes how fresh what is known of repositories is.
func GateStatus(w io.Writer, format string, all []Freshness, opt Options) error {
	switch format {
	case "json":
		out := []map[string]any{}
		for _, f := range all {
			out = append(out, map[string]any{
				"repository": f.Repository, "rule": f.Rule, "verified": f.Verified.UTC(), "expires": f.Expires.UTC(),
				"hoursLeft": float64(int(f.Left.Hours()*10)) / 10, "warn": f.Warn, "counts": f.Left > 0,
			})
		}
		return jsonstream.Write(w, map[string]any{"schema": Schema, "repositories": out})
	case "text":
	default:
		return errGateFormat(format)
	}
	return paged(w, opt, func(p *page) {
		if len(all) == 0 {
			p.line("nothing was verified here yet")
			return
		}
		var rows [][]string
		for _, f := range all {
			left := fmt.Sprintf("%.1f", f.Left.Hours())
			if f.Left <= 0 {
				left = "none: it does not count"
			} else if f.Warn {
				left += " (old)"
			}
			rows = append(rows, cleanAll([]string{f.Rule, f.Verified.UTC().Format("2006-01-02 15:04"), left, strings.TrimSpace(f.Repository)}))
		}
		p.table(0, []string{"RULE", "VERIFIED", "HOURS LEFT", "~REPOSITORY"}, rows)
	})
}
