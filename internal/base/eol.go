package base

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Support says how long one release of a product is supported, as
// endoflife.date had it on [Date].
type Support struct {
	Product  string // "alpine-linux", "nodejs"
	Title    string // "Alpine Linux", "Node.js"
	Cycle    string // "3.18", "21"
	Codename string // "Bookworm"; empty: none
	Released time.Time
	Active   time.Time // end of fixes other than security's; zero: not known
	EOL      time.Time // when security support ended or ends; zero: no date
	Regular  time.Time // when the project's own team's support ended, where others (Debian LTS) carry it on to EOL; zero: the same
	Over     bool      // ended, and no date is known
	Latest   string    // the newest version of the release; empty: not known
	LTS      bool      // it is, or will be, a release for the long term
	LTSSince time.Time // from when on it is; zero: from its release
}

// Ended reports whether security support had ended by now.
func (s Support) Ended(now time.Time) bool { return s.Over || !s.EOL.IsZero() && !now.Before(s.EOL) }

// Name is the release for people: "Debian 12 (Bookworm)".
func (s Support) Name() string {
	if s.Codename == "" {
		return s.Title + " " + s.Cycle
	}
	return fmt.Sprintf("%s %s (%s)", s.Title, s.Cycle, s.Codename)
}

// Date is the day on which the end-of-life dates were recorded.
func Date() time.Time { return dates().date }

// EndOfLife returns the support of the release of a product that a cycle ("21"),
// a whole version ("21.6.1") or a code name ("bookworm") belongs to. The
// product is endoflife.date's name of it ("nodejs", "alpine-linux").
func EndOfLife(product, cycle string) (Support, bool) {
	t := dates()
	p, ok := t.products[product]
	if !ok || cycle == "" {
		return Support{}, false
	}
	cycle = strings.TrimPrefix(strings.ToLower(cycle), "v")
	best := -1
	for i := p.first; i < p.end; i++ {
		name := t.cells[colCycle][i]
		if code := t.cells[colCodename][i]; code != "" {
			if first, _, _ := strings.Cut(strings.ToLower(code), " "); first == cycle {
				best = i
				break
			}
		}
		if within(cycle, name) && (best < 0 || len(name) > len(t.cells[colCycle][best])) {
			best = i
		}
	}
	if best < 0 {
		return Support{}, false
	}
	return t.support(product, p.title, best), true
}

// DistroEnds is the end of a distribution's release ("debian", "11"), by the
// names of its os-release; false: no date is known.
func DistroEnds(id, version string) (time.Time, bool) {
	s, ok := DistroSupport(sbom.Distro{ID: id, VersionID: version})
	return s.EOL, ok && !s.EOL.IsZero()
}

// supported returns the releases of a product that are out and supported at
// now, the newest first; of products with releases for the long term that
// matter (Node.js, Ubuntu), those alone.
func supported(product string, now time.Time) []Support {
	t := dates()
	p, ok := t.products[product]
	if !ok {
		return nil
	}
	var out []Support
	for i := p.first; i < p.end; i++ {
		s := t.support(product, p.title, i)
		if s.Released.After(now) || s.Ended(now) || !s.Regular.IsZero() && !now.Before(s.Regular) {
			continue
		}
		if (product == "nodejs" || product == "ubuntu") && (!s.LTS || s.LTSSince.After(now)) {
			continue
		}
		out = append(out, s)
	}
	sorting.By(out, func(a, b Support) int { return b.Released.Compare(a.Released) })
	return out
}

// sameChannel are the releases that one who stands on a release may be sent to:
// where its channel is the one that changes least, those of such a channel, if
// there are any; else all.
func sameChannel(product string, on Support, all []Support) []Support {
	if !calm(line(product, on)) {
		return all
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(s Support) bool { return !calm(line(product, s)) })
	if len(kept) == 0 {
		return all
	}
	return kept
}

// within reports whether a version belongs to a cycle: it is the cycle, or goes
// on from it with something that is not a digit.
func within(version, cycle string) bool {
	rest, ok := strings.CutPrefix(version, strings.ToLower(cycle))
	return ok && cycle != "" && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// DistroSupport returns the support of a distribution's release, and false for
// one that has no releases (sid, edge, Wolfi) or is not known.
func DistroSupport(d sbom.Distro) (Support, bool) {
	product := map[string]string{
		"debian": "debian", "ubuntu": "ubuntu", "alpine": "alpine-linux", "rhel": "rhel", "centos": "centos", "fedora": "fedora",
		"rocky": "rocky-linux", "almalinux": "almalinux", "amzn": "amazon-linux", "ol": "oracle-linux", "opensuse-leap": "opensuse",
		"opensuse": "opensuse", "sles": "sles", "sles_sap": "sles", "sled": "sles", "photon": "photon", "mageia": "mageia", "postmarketos": "postmarketos", "devuan": "devuan",
		"sl-micro": "suse-linux-micro", "sle-micro": "suse-linux-micro",
	}[d.ID]
	if product == "centos" && strings.Contains(d.PrettyName, "Stream") {
		product = "centos-stream"
	}
	if s, ok := EndOfLife(product, d.VersionID); ok {
		return s, true
	}
	if d.VersionID != "" {
		return Support{}, false
	}
	return EndOfLife(product, d.Codename)
}

// The columns of the embedded table.
const (
	colCycle = iota
	colCodename
	colReleased
	colActive
	colEOL
	colExtended
	colLTS
	colLatest
	columns
)

type product struct {
	title      string
	first, end int
}

// table is the dates as embedded: columns of cells, a row a release.
type table struct {
	date     time.Time
	products map[string]product
	cells    [columns][]string
}

var dates = sync.OnceValue(func() *table { return mustLoad("end-of-life dates", packedEOL, parseDates) })

var errColumns = errors.New("columns differ in length")

func parseDates(text string) (*table, error) {
	t := &table{products: map[string]product{}}
	cols := strings.Split(text, "\x00")
	if len(cols) != columns {
		return nil, fmt.Errorf("%d columns, want %d", len(cols), columns)
	}
	for i := 1; i < columns; i++ {
		t.cells[i] = strings.Split(cols[i], "\n")
	}
	last, row := "", 0
	for i, line := range strings.Split(cols[0], "\n") {
		switch {
		case i == 0:
			date, err := time.Parse("@2006-01-02", line)
			if err != nil {
				return nil, err
			}
			t.date = date
		case strings.HasPrefix(line, "="):
			name, title, ok := strings.Cut(line[1:], "=")
			if !ok || t.products[name].end != 0 {
				return nil, fmt.Errorf("line %d: product %q", i+1, line)
			}
			last = name
			t.products[name] = product{title: title, first: row, end: row}
		default:
			p, ok := t.products[last]
			if !ok {
				return nil, fmt.Errorf("line %d: no product", i+1)
			}
			t.cells[colCycle] = append(t.cells[colCycle], line)
			row++
			p.end = row
			t.products[last] = p
		}
	}
	for _, c := range t.cells {
		if len(c) != row {
			return nil, errColumns
		}
	}
	return t, nil
}

func (t *table) support(name, title string, row int) Support {
	s := Support{Product: name, Title: title, Cycle: t.cells[colCycle][row], Codename: t.cells[colCodename][row], LTS: t.cells[colLTS][row] != ""}
	s.Released, _ = day(t.cells[colReleased][row])
	s.LTSSince, _ = day(t.cells[colLTS][row])
	s.Active, _ = day(t.cells[colActive][row])
	s.EOL, s.Over = day(t.cells[colEOL][row])
	s.Latest = t.cells[colLatest][row]
	if rest, ok := strings.CutPrefix(s.Latest, "~"); ok {
		s.Latest = s.Cycle + rest
	}
	// Debian's LTS is open to everyone; what others call extended is sold.
	if name == "debian" {
		if lts, _ := day(t.cells[colExtended][row]); lts.After(s.EOL) {
			s.Regular, s.EOL = s.EOL, lts
		}
	}
	return s
}

// day reads a cell: six digits are a date, "y" says over without one.
func day(cell string) (at time.Time, over bool) {
	at, err := time.Parse("060102", cell)
	if err != nil {
		return time.Time{}, cell == "y"
	}
	return at, false
}
