package fix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Candidate is a change to be proved: files as they are and as they would be,
// by the names of the edits. A nil content is a file that is not there.
type Candidate struct {
	Dockerfile    string   // the file that is built; may itself not change
	Project       string   // the compose file whose services are brought up; empty: none
	Beside        []string // that Compose merges into it
	Before, After map[string][]byte
	Fixes         []finding.Fix // what was applied: the differences that they mean to make
	// Looked is what the rules that found what is fixed say of both versions; nil:
	// they see it in a built image only.
	Looked   *Looked
	Identity func(finding.Finding) string // what a finding is counted by; nil: its rule
	Gone     []string                     // what the findings that it is for are counted by, one each
	Lesser   finding.Severity             // see [Expect]
	// GoneBuilt is the same for what is seen only in the image: vulnerabilities of
	// its distribution.
	GoneBuilt  []string
	CacheOrder bool // it is for more steps to be kept when a source file changes
}

// Looked is what was found in two versions of files.
type Looked struct{ Before, After []finding.Finding }

// Prover proves candidates. Its fields are the surroundings.
type Prover struct {
	// Dial finds the Engine; it is called when a build is wanted.
	Dial func(ctx context.Context) (*runtime.Engine, error)
	// Measure looks into an image of the Engine; nil: nothing is measured, and
	// so no more is reached than Rechecked.
	Measure func(ctx context.Context, id string) (*Measured, error)

	Environ  []string       // for the variables of a compose file
	Ledger   *ledger.Ledger // of the copy of the context; what Dial finds has its own
	Context  string         // build context; empty: the Dockerfile's folder
	Target   string         // stage; empty: the last
	Args     []string       // build arguments
	Platform string
	Offline  bool // nothing is fetched for a build, and its commands have no network
	Work     Workload
	Timeout  time.Duration // of a build, and of a run; 0: 10 minutes
	Now      func() time.Time
	Note     func(what string) // what is being done; may be nil

	once   *projectOnce // of the proofs of one compose file; nil: there is one only
	builds *builds      // of the proofs of one file; nil: there is one only
}

// Verdict is how far a candidate was proved.
type Verdict struct {
	ID      string // of what was made in the Engine, as in [Label]; empty: nothing
	Reached finding.Proof
	Failed  *Failure // what is wrong with the change; nil: nothing was found
	Short   *Failure // why no more could be told, through no fault of the change
	Steps   []Step   // what was done
	Notes   []string // what a reader should know: what differs and may, what was not compared
	Before  *Side    // nil unless it was built
	After   *Side
	Cache   *CacheGain // nil unless asked for and told
	Left    []string   // what could not be removed
}

// Step is one step of a proof.
type Step struct {
	Name string // "rebuild before"
	Took time.Duration
	Did  string // "7 steps, 3 from the cache"
}

// Failure is a step that did not go well, with the end of the log where there
// is one. Its texts hold no secret.
type Failure struct {
	Step string // "rebuild after: [3/4] RUN npm ci"
	Why  string
	Log  string
	Hint string
}

// Side is one of the two versions, as built.
type Side struct {
	Image runtime.Image
	*Measured
}

// Label is the label of everything that a proof makes in the Engine, with the
// proof's id, for people to see: nothing is removed because it has it.
const Label = "dev.drydock.proof"

// proving is one proof under way.
type proving struct {
	*Prover
	c      Candidate
	v      *Verdict
	engine *runtime.Engine
	stage  *stage
	labels map[string]string
	net    string
	parsed map[bool]*dockerfile.File // by whether it is the version after
	count  *builds
}

// Prove takes a candidate as far as want, or until it fails. An error means
// that the proof itself went wrong: the surroundings, or ctx ended. What was
// made is removed all the same.
func (p *Prover) Prove(ctx context.Context, c Candidate, want finding.Proof) (*Verdict, error) {
	r := &proving{Prover: p, c: c, v: &Verdict{}, parsed: map[bool]*dockerfile.File{}, count: p.builds}
	if r.count == nil {
		r.count = &builds{}
	}
	steps := []struct {
		level finding.Proof
		do    func(context.Context) error
	}{
		{finding.Parsed, r.parse},
		{finding.Rechecked, r.recheck},
		{finding.Rebuilt, r.rebuild},
		{finding.Ran, r.run},
	}
	if c.Project != "" {
		steps[2].do, steps[3].do = r.unbuilt, r.runProject
	}
	var err error
	for _, s := range steps {
		if s.level > want {
			break
		}
		if s.level == finding.Rechecked && r.c.Looked == nil && want > s.level {
			continue // the image itself is looked into
		}
		if s.level == finding.Rebuilt && c.Project != "" && want > s.level {
			continue // nothing is built otherwise
		}
		if err = s.do(ctx); err != nil || r.v.Failed != nil || r.v.Short != nil {
			break
		}
		r.v.Reached = s.level
	}
	r.close()
	var f *Failure
	if errors.As(err, &f) {
		err = nil
	}
	return r.v, err
}

// A Failure travels as an error within a proof.
func (f *Failure) Error() string { return f.Step + ": " + f.Why }

// fail records what is wrong with the change.
func (r *proving) fail(f Failure) error {
	f.Why, f.Log = secret.Redact(f.Why), secret.Redact(f.Log)
	r.v.Failed = &f
	return &f
}

// short records why no more can be told.
func (r *proving) short(f Failure) error {
	f.Why, f.Log = secret.Redact(f.Why), secret.Redact(f.Log)
	r.v.Short = &f
	return &f
}

func (r *proving) note(format string, args ...any) {
	r.v.Notes = append(r.v.Notes, secret.Redact(fmt.Sprintf(format, args...)))
}

// unbuilt is the answer to who wants a compose file's images built: nothing is built
// otherwise.
func (r *proving) unbuilt(context.Context) error {
	return r.short(Failure{Step: "rebuild", Why: "what a compose file says is proved by running it", Hint: "--prove run"})
}

// step does something and keeps how long it took.
func (r *proving) step(name string, do func() (did string, err error)) error {
	r.say(name)
	at := r.Now()
	did, err := do()
	r.v.Steps = append(r.v.Steps, Step{Name: name, Took: r.Now().Sub(at), Did: did})
	return err
}

// say tells what is being done.
func (r *proving) say(what string) {
	if r.Note != nil {
		r.Note(what)
	}
}

// parse wants every Dockerfile that changes to be one still.
func (r *proving) parse(context.Context) error {
	for _, after := range []bool{false, true} {
		files := r.c.Before
		if after {
			files = r.c.After
		}
		b, ok := files[r.c.Dockerfile]
		if !ok || r.c.Dockerfile == "" {
			continue
		}
		f, err := dockerfile.Parse(r.c.Dockerfile, b)
		switch {
		case err != nil && after:
			return r.fail(Failure{Step: "parse", Why: err.Error()})
		case err == nil:
			r.parsed[after] = f
		}
	}
	if b, a := r.parsed[false], r.parsed[true]; b != nil && a != nil {
		if why := dockerfile.Worse(b, a); why != "" {
			return r.fail(Failure{Step: "parse", Why: why})
		}
	}
	return nil
}

// connect finds the Engine, wants what is made there to be written down, clears
// away what killed proofs left, and copies the context.
func (r *proving) connect(ctx context.Context) (err error) {
	if r.Dial == nil || r.Measure == nil {
		return errors.New("no Docker Engine to build with")
	}
	if r.engine, err = r.Dial(ctx); err != nil {
		return err
	}
	for _, after := range []bool{false, true} {
		f := r.parsed[after]
		if f == nil {
			continue
		}
		err := r.engine.Supports(f)
		if err == nil {
			err = r.stayHome(ctx, f)
		}
		if err != nil {
			return r.unsupported(err)
		}
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	dir := r.Context
	if dir == "" {
		dir = filepath.Dir(r.c.Dockerfile)
	}
	return r.step("copy the context", func() (string, error) {
		r.stage, err = newStage(ctx, r.Ledger, dir, r.c.Dockerfile)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, %.1f MB", finding.Count(r.stage.files, "file"), float64(r.stage.bytes)/1e6), nil
	})
}

// unsupported is a file that this Engine cannot build, which says nothing of
// the change.
func (r *proving) unsupported(err error) error {
	return r.short(Failure{Step: "rebuild", Why: err.Error(), Hint: finding.HintOf(err)})
}

// rebuild builds both versions, measures them and compares their files.
func (r *proving) rebuild(ctx context.Context) error {
	if r.c.Dockerfile == "" {
		return r.short(Failure{Step: "rebuild", Why: "no Dockerfile, or more than one, builds what is changed", Hint: "name the Dockerfile"})
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	var err error
	if r.v.Before, err = r.build(ctx, false); err != nil {
		return err
	}
	if r.v.After, err = r.build(ctx, true); err != nil {
		return err
	}
	for _, id := range r.c.GoneBuilt {
		if r.v.After.Found[id] {
			return r.fail(Failure{Step: "look into the image", Why: id + " is still in the image after it is built"})
		}
	}
	if err := r.compareFiles(ctx); err != nil {
		return err
	}
	if r.c.CacheOrder {
		return r.cacheOrder(ctx)
	}
	return nil
}

// version is what the steps call a version.
func version(after bool) string {
	if after {
		return "after"
	}
	return "before"
}

// build builds and measures one version.
func (r *proving) build(ctx context.Context, after bool) (*Side, error) {
	var built *runtime.Built
	name := "rebuild " + version(after)
	err := r.step(name, func() (did string, err error) {
		if built, err = r.buildVersion(ctx, after, false); err != nil {
			return "", err
		}
		cached, all := built.Cached()
		return fmt.Sprintf("%s, %d from the cache", finding.Count(all, "step"), cached), nil
	})
	if err != nil {
		return nil, r.buildFailed(name, after, err)
	}
	s := &Side{}
	if s.Image, err = r.engine.Inspect(ctx, built.ID); err != nil {
		return nil, err
	}
	err = r.step("measure "+version(after), func() (string, error) {
		s.Measured, err = r.Measure(ctx, built.ID)
		return "", err
	})
	return s, err
}

func (r *proving) buildVersion(ctx context.Context, after, noCache bool) (*runtime.Built, error) {
	files := r.c.Before
	if after {
		files = r.c.After
	}
	if err := r.stage.lay(files); err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	which := r.count.next(r.c.CacheOrder) + ", " + version(after)
	r.say(which)
	b, err := r.engine.Build(limit, runtime.Build{
		Context: r.stage.dir, Dockerfile: r.stage.dockerfile, Target: r.Target, Args: r.Args, Platform: r.Platform,
		Labels: r.labels, NoCache: noCache, Offline: r.Offline,
		Note: func(step string) { r.say(which + ": " + step) },
	})
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		err = &runtime.BuildError{Err: fmt.Errorf("not done after %s", r.timeout())}
	}
	return b, err
}

func (r *proving) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return 10 * time.Minute
}

// buildFailed says whose fault a failed build is.
func (r *proving) buildFailed(name string, after bool, err error) error {
	var no *runtime.UnsupportedError
	if errors.As(err, &no) {
		return r.unsupported(err)
	}
	var b *runtime.BuildError
	if !errors.As(err, &b) {
		return err
	}
	f := Failure{Step: name, Why: b.Err.Error(), Log: b.Log}
	if b.Step != "" {
		f.Step += ": " + b.Step
	}
	if after {
		return r.fail(f)
	}
	f.Why = "the file as it is does not build, so that nothing is proved by building: " + f.Why
	return r.short(f)
}

// close removes whatever was made, in a time of its own: ctx may have ended.
func (r *proving) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if r.stage != nil {
		r.left(r.stage.close())
	}
	if r.engine == nil {
		return
	}
	r.left(r.engine.Clear(ctx))
	if r.labels != nil {
		r.engine.Sweep(ctx) // what a killed proof had asked for may have come meanwhile
	}
	r.left(r.engine.Close())
}

func (r *proving) left(err error) {
	if err != nil {
		r.v.Left = append(r.v.Left, err.Error())
	}
}

// changes are the differences that the applied fixes mean to make.
func (r *proving) changes() []finding.Change {
	var out []finding.Change
	for _, f := range r.c.Fixes {
		out = append(out, f.Changes...)
	}
	return out
}

// edited are the names of the files that change, sorted.
func (r *proving) edited() []string {
	all := maps.Clone(r.c.Before)
	maps.Copy(all, r.c.After)
	return slices.Sorted(maps.Keys(all))
}
