package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// DocBenchmark is what became of the items of a benchmark.
type DocBenchmark struct {
	Name  string    `json:"name"`
	Items []DocItem `json:"items"`
}

// DocItem is one of them: passed, failed, excepted (what fails it does not count),
// unknown, manual (with why no program can tell) or not-applicable.
type DocItem struct {
	ID     string       `json:"id"`
	Title  string       `json:"title"`
	Status audit.Status `json:"status"`
	Why    string       `json:"why,omitempty"`
}

func docBenchmark(res *check.Result) *DocBenchmark {
	if len(res.Benchmark) == 0 {
		return nil
	}
	d := &DocBenchmark{Name: audit.Benchmark}
	for _, a := range res.Benchmark {
		d.Items = append(d.Items, DocItem{ID: a.ID, Title: a.Title, Status: a.Status, Why: a.Manual})
	}
	return d
}

// statuses are those that a summary names, in its order, with whether it lists
// their items.
var statuses = []struct {
	is   audit.Status
	list bool
}{{audit.Failed, true}, {audit.NotKnown, true}, {audit.Excepted, true}, {audit.Manual, true}, {audit.Passed, false}, {audit.Absent, false}}

// benchmark sums up what became of the items of the benchmark, or lists all.
func (p *page) benchmark() {
	all := p.res.Benchmark
	if len(all) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.paint(heading, audit.Benchmark))
	if p.opt.Items {
		for _, a := range all {
			p.answer(a)
		}
		return
	}
	for _, s := range statuses {
		ids := itemsOf(all, s.is)
		if len(ids) == 0 {
			continue
		}
		head := fmt.Sprintf("  %-15s%3d", s.is, len(ids))
		if !s.list {
			p.line("%s", head)
			continue
		}
		for i, l := range wrapped(strings.Join(ranges(ids), " "), max(20, p.opt.Width-len(head)-3)) {
			if i > 0 {
				head = strings.Repeat(" ", len(head))
			}
			p.line("%s  %s", head, l)
		}
	}
}

// answer is a line of the list.
func (p *page) answer(a audit.Answer) {
	text := a.Title
	if a.Status == audit.Manual {
		text += " (" + a.Manual + ")"
	}
	const before = 27
	color := map[audit.Status]style{audit.Failed: bad, audit.Passed: good, audit.NotKnown: warn}[a.Status]
	head := fmt.Sprintf("  %-7s ", strings.TrimPrefix(a.ID, "CIS-")) + p.paint(color, fmt.Sprintf("%-15s", a.Status))
	for i, l := range wrapped(text, max(20, p.opt.Width-before-1)) {
		if i > 0 {
			head = strings.Repeat(" ", ansi.StringWidth(head))
		}
		p.line("%s  %s", head, l)
	}
}

func itemsOf(all []audit.Answer, is audit.Status) []string {
	var out []string
	for _, a := range all {
		if a.Status == is {
			out = append(out, strings.TrimPrefix(a.ID, "CIS-"))
		}
	}
	return out
}

// ranges joins ids that follow one another: 5.1 5.2 5.3 are 5.1–5.3.
func ranges(ids []string) []string {
	var out []string
	for i := 0; i < len(ids); {
		n := i + 1
		for n < len(ids) && follows(ids[n-1], ids[n]) {
			n++
		}
		switch {
		case n-i > 2:
			out = append(out, ids[i]+"–"+ids[n-1])
		default:
			out = append(out, ids[i:n]...)
		}
		i = n
	}
	return out
}

func follows(a, b string) bool {
	i, j := strings.LastIndexByte(a, '.'), strings.LastIndexByte(b, '.')
	if a[:i+1] != b[:j+1] {
		return false
	}
	x, err := strconv.Atoi(a[i+1:])
	y, err2 := strconv.Atoi(b[j+1:])
	return err == nil && err2 == nil && y == x+1
}

func markdownBenchmark(res *check.Result) string {
	var rows []string
	for _, s := range statuses {
		if ids := itemsOf(res.Benchmark, s.is); len(ids) > 0 {
			rows = append(rows, fmt.Sprintf("| %s | %d | %s |\n", s.is, len(ids), strings.Join(ranges(ids), ", ")))
		}
	}
	return table("| "+audit.Benchmark+" | | |\n|---|---|---|\n", rows, asideShare)
}
