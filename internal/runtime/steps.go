package runtime

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Step is one step of a build, as BuildKit's plain progress tells of it.
type Step struct {
	Name   string // "[build 2/4] RUN npm ci", "[internal] load build context"
	Cached bool
	Took   time.Duration // as printed; 0: not said
	Err    string        // why it failed; empty: it did not
}

// Counts reports whether the step is one of the file's that a builder may keep:
// not a FROM, nor work of the builder's own.
func (s Step) Counts() bool {
	head, what, ok := strings.Cut(s.Name, "] ")
	if !ok || !strings.HasPrefix(head, "[") || strings.HasPrefix(what, "FROM ") {
		return false
	}
	n, all, ok := strings.Cut(head[strings.LastIndexByte(head, ' ')+1:], "/")
	return ok && digits(strings.TrimPrefix(n, "[")) && digits(all)
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// Limits on what is kept of a build's progress.
const (
	maxSteps = 4096
	maxLine  = 8 << 10
	// maxTail limits the bytes kept of the end of a build's log.
	maxTail = 64 << 10
)

// progress reads BuildKit's plain progress as it is written: which steps there
// were and how each ended. Only the end of the text itself is kept.
type progress struct {
	steps []Step
	byNo  map[string]int
	line  []byte
	long  bool // the line went over maxLine, and the rest of it is dropped
	tail  tail
	note  func(step string) // called when a step begins; may be nil
}

func (p *progress) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		part := b
		if i >= 0 {
			part = b[:i]
		}
		if room := maxLine - len(p.line); len(part) > room {
			part, p.long = part[:room], true
		}
		p.line = append(p.line, part...)
		if i < 0 {
			break
		}
		p.flush()
		b = b[i+1:]
	}
	return n, nil
}

// flush takes in the line that has ended.
func (p *progress) flush() {
	line := strings.TrimSuffix(string(p.line), "\r")
	if p.long {
		line += " …"
	}
	p.line, p.long = p.line[:0], false
	p.tail.add(line)
	rest, ok := strings.CutPrefix(line, "#")
	if !ok {
		return
	}
	no, text, ok := strings.Cut(rest, " ")
	if !ok || !digits(no) || strings.HasPrefix(text, "sha256:") {
		return
	}
	i, known := p.byNo[no]
	if !known {
		if len(p.steps) == maxSteps {
			return
		}
		if p.byNo == nil {
			p.byNo = map[string]int{}
		}
		p.byNo[no] = len(p.steps)
		p.steps = append(p.steps, Step{Name: text})
		if p.note != nil {
			p.note(text)
		}
		return
	}
	s := &p.steps[i]
	switch word, arg, _ := strings.Cut(text, " "); word {
	case "CACHED":
		s.Cached = true
	case "DONE":
		s.Took = seconds(arg)
	case "ERROR:":
		s.Err = arg
	case "CANCELED":
		s.Err = "cancelled"
	}
}

// seconds reads "0.3s"; 0 for what is no such thing.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, "s"), 64)
	if err != nil || !(f >= 0 && f < 1e6) { // no number is neither
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// failed is the step that ended a build, and nil where none is said to have.
func (p *progress) failed() *Step {
	for i := range p.steps {
		if s := &p.steps[i]; s.Err != "" && s.Err != "cancelled" {
			return s
		}
	}
	return nil
}

// tail keeps the last lines of a text, up to maxTail bytes.
type tail struct {
	lines []string
	size  int
	cut   bool
}

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	t.size += len(line) + 1
	drop := 0
	for t.size > maxTail && drop < len(t.lines)-1 {
		t.size -= len(t.lines[drop]) + 1
		drop++
	}
	if drop > 0 {
		t.cut = true
		t.lines = t.lines[drop:]
	}
}

func (t *tail) String() string { return strings.Join(t.lines, "\n") }
