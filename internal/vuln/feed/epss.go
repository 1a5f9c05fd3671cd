package feed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// EPSS reads FIRST's scores, uncompressed: a comment that gives the date of the
// scores, a header, and a line for each CVE. A fourth column "date", where there
// is one, overrides the date line by line. It returns the newest date.
func EPSS(r io.Reader, yield func(vuln.Meta) error) (time.Time, error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxDocument))
	lines.Buffer(make([]byte, 0, 4096), 4096)
	var on string
	var newest time.Time
	header := false
	n := 0
	fail := func(err error) (time.Time, error) {
		return time.Time{}, fmt.Errorf("read EPSS scores: line %d: %w", n, err)
	}
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if n++; n > maxRecords {
			return fail(ErrLimit)
		}
		switch {
		case line == "":
			continue
		case strings.HasPrefix(line, "#"):
			_, after, _ := strings.Cut(line, "score_date:")
			after = strings.TrimLeft(after, " ")
			if len(after) >= len(time.DateOnly) {
				on = after[:len(time.DateOnly)]
			}
			continue
		case !header:
			if !strings.HasPrefix(line, "cve,epss,percentile") {
				return fail(errors.New("not the header of an EPSS file"))
			}
			header = true
			continue
		}
		m, day, err := epssLine(line, on)
		if err != nil {
			return fail(err)
		}
		newest = newer(newest, day)
		if err := yield(m); err != nil {
			return fail(err)
		}
	}
	if err := lines.Err(); err != nil {
		return fail(err)
	}
	if !header {
		return fail(errors.New("no header"))
	}
	return newest, nil
}

func epssLine(line, on string) (vuln.Meta, time.Time, error) {
	f := strings.Split(line, ",")
	if len(f) < 3 || len(f) > 4 || !validID(f[0]) {
		return vuln.Meta{}, time.Time{}, fmt.Errorf("%q is not a score", clip(line))
	}
	if len(f) == 4 {
		on = f[3]
	}
	day, ok := date(on)
	if !ok {
		return vuln.Meta{}, time.Time{}, fmt.Errorf("no usable date of the scores (%q)", clip(on))
	}
	score, err := probability(f[1])
	if err != nil {
		return vuln.Meta{}, time.Time{}, err
	}
	percentile := 0.0
	if f[2] != "" {
		if percentile, err = probability(f[2]); err != nil {
			return vuln.Meta{}, time.Time{}, err
		}
	}
	return vuln.Meta{ID: f[0], EPSS: finding.EPSS{Score: score, Percentile: percentile, Date: on}}, day, nil
}

func probability(s string) (float64, error) {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("%q is not a probability", clip(s))
	}
	return p, nil
}
