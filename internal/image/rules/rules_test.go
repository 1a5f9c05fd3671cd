package rules

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

var today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func everything() []finding.Check[*image.Scan] { return append(Checks(), Age(today)) }

func run(t *testing.T, s *image.Scan, checks ...finding.Check[*image.Scan]) []finding.Finding {
	t.Helper()
	found, unknown := finding.RunChecks(context.Background(), s, checks)
	for _, u := range unknown {
		t.Errorf("unknown: %+v", u)
	}
	return found
}

// A rule's own Bad fires it and its own Good does not.
func TestExamples(t *testing.T) {
	for _, c := range everything() {
		t.Run(string(c.ID), func(t *testing.T) {
			found := run(t, build(t, c.Bad), c)
			if len(found) == 0 {
				t.Errorf("Bad does not fire it:\n%s", c.Bad)
			}
			for _, f := range found {
				if f.Message == "" || f.Severity == 0 || strings.HasSuffix(f.Message, ".") {
					t.Errorf("finding is incomplete: %+v", f)
				}
			}
			for _, f := range run(t, build(t, c.Good), c) {
				if c.ID == "image/setuid" || c.ID == "image/setgid" || f.Message != "" {
					t.Errorf("Good fires it: %s", f.Message)
				}
			}
		})
	}
}

func TestDocumentation(t *testing.T) {
	id := regexp.MustCompile(`^image/[a-z-]+$`)
	alias := regexp.MustCompile(`^(CIS-[45]\.\d+|CIS-DI-00\d\d|DKL-(DI|LI)-000\d|DL\d{4}|DS\d{3}|CVE-2019-5021|SecretsUsedInArgOrEnv)$`)
	seen := map[finding.RuleID]bool{}
	for _, c := range everything() {
		if !id.MatchString(string(c.ID)) || seen[c.ID] {
			t.Errorf("id %q", c.ID)
		}
		seen[c.ID] = true
		if c.Title == "" || strings.HasSuffix(c.Title, ".") || len(c.Why) < 80 || c.Bad == "" || c.Good == "" || c.Severity == 0 || !slices.Contains(finding.Practices(), c.Practice) {
			t.Errorf("%s: documentation is incomplete", c.ID)
		}
		for _, a := range c.Aliases {
			if !alias.MatchString(a) {
				t.Errorf("%s: alias %q", c.ID, a)
			}
		}
	}
}

func messages(found []finding.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %s: %s", f.Severity, f.Rule, f.Message))
	}
	return out
}

func TestFindings(t *testing.T) {
	tests := []struct {
		name, dockerfile string
		check            finding.Check[*image.Scan]
		want             []string
	}{
		{"user 0 by number", "FROM x\nUSER 0:0", rootUser(), []string{"medium image/root-user: USER is 0:0: the container runs as root"}},
		{"user 0 by another name", "FROM x\nRUN useradd --uid 0 toor\nUSER toor", rootUser(), []string{"medium image/root-user: USER is toor: the container runs as root"}},
		{"user by number", "FROM x\nUSER 10001", rootUser(), nil},
		{"user nobody", "FROM x\nUSER nobody:nogroup", rootUser(), nil},
		{
			"setuid replaced above", "FROM x\nRUN touch /a && chmod 4755 /a\nRUN chmod 755 /a", setuid(),
			[]string{"low image/setuid: 2 setuid programs that the distribution ships: /usr/bin/passwd, /usr/bin/su"},
		},
		{
			"setuid outside and inside", "FROM x\nRUN touch /a && chmod 4755 /a && touch /usr/bin/tool && chmod 4755 /usr/bin/tool && find / -perm && chmod 4755 /a && chmod 4711 /usr/bin/tool", setuid(),
			[]string{"high image/setuid: /a is setuid to root and no distribution ships it", "medium image/setuid: /usr/bin/tool is setuid to root and no distribution ships it"},
		},
		{
			"writable grouped", "FROM x\nRUN mkdir /srv/d && chmod 777 /srv/d && touch /srv/d/x && chmod 666 /srv/d/x && touch /etc/y && chmod 666 /etc/y", worldWritable(),
			[]string{"medium image/world-writable: /etc/y can be written by everybody", "low image/world-writable: /srv/d can be written by everybody, and 1 path in it"},
		},
		{
			"secret replaced", "FROM x\nCOPY <<EOF /app/.env\nDB_PASSWORD=tr0ub4dor\nEOF\nCOPY <<EOF /app/.env\nDB_PASSWORD=\nEOF", secretInLayer(),
			[]string{"high image/secret-in-layer: password in /app/.env, line 1: ****; replaced in layer 3, but still in the bytes of layer 2"},
		},
		{
			"secret deleted with its directory", "FROM x\nCOPY <<EOF /app/.env\nA=1\nDB_PASSWORD=tr0ub4dor\nEOF\nRUN rm -rf /app", secretInLayer(),
			[]string{"high image/secret-in-layer: password in /app/.env, line 2: ****; deleted in layer 3, but still in the bytes of layer 2"},
		},
		{
			"build argument", "FROM x\nARG NPM_TOKEN=tr0ub4dor-99\nRUN touch /a", secretHistory(),
			[]string{
				"high image/secret-history: the history holds a secret (token): ARG NPM_TOKEN=****",
				"high image/secret-history: the history holds a secret (token): RUN |1 NPM_TOKEN=**** /bin/sh -c touch /a # buildkit",
			},
		},
		{"replaced env", "FROM x\nENV A_TOKEN=tr0ub4dor", secretHistory(), nil},
		{"env by format", "FROM x\nENV DATABASE_URL=postgres://app:tr0ub4dor@db/app", secretEnv(), []string{"high image/secret-env: environment variable DATABASE_URL holds a secret (url-password): ****"}},
		{"no tag", "# docker build -t registry:5000/app .\nFROM x", latestTag(), []string{"low image/latest-tag: registry:5000/app says nothing about which build this is"}},
		{"by digest", "# docker build -t app@sha256:00 .\nFROM x", latestTag(), nil},
		{"cache emptied above still hides", "FROM x\nRUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*", packageCache(), nil},
		{"epoch", "# built 1970-01-01\nFROM x", Age(today), nil},
		{"small waste", "FROM x\nRUN truncate -s 9M /a\nRUN rm /a", waste(), nil},
		{"small waste, efficiency", "FROM x\nRUN truncate -s 4M /a\nRUN rm /a", efficiency(), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, messages(run(t, build(t, tt.dockerfile), tt.check))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestUnknownUser(t *testing.T) {
	_, unknown := finding.RunChecks(context.Background(), build(t, "FROM x\nUSER who"), []finding.Check[*image.Scan]{rootUser()})
	if len(unknown) != 1 || !strings.Contains(unknown[0].What, `"who"`) {
		t.Errorf("unknown: %+v", unknown)
	}
}

// No rule's finding, and no fact, holds the secret that it is about.
func TestNothingLeaks(t *testing.T) {
	value := "tr0ub4dor-and-three"
	s := build(t, "FROM x\nENV A_PASSWORD="+value+"\nLABEL u=https://a:"+value+"@h/\nARG X_TOKEN="+value+"\nRUN curl https://u:"+value+"@h/x\n"+
		"ADD https://u:"+value+"@h/x /x\nCOPY <<EOF /a/.env\nX_SECRET="+value+"\nEOF\nRUN rm /a/.env\nCOPY <<EOF /b/.netrc\nmachine h login me password "+value+"\nEOF")
	found := run(t, s, everything()...)
	if len(found) < 8 {
		t.Errorf("only %d findings: %v", len(found), messages(found))
	}
	for _, f := range found {
		if strings.Contains(fmt.Sprintf("%+v", f), value) {
			t.Errorf("%s leaks: %+v", f.Rule, f)
		}
	}
	for _, r := range s.Records {
		for _, f := range r.Facts {
			if strings.Contains(string(f.Data), value) {
				t.Errorf("fact of %s leaks: %s", f.Path, f.Data)
			}
		}
	}
}

// A root file system has neither configuration nor history.
func TestRootfs(t *testing.T) {
	s := build(t, "FROM x")
	s.Image = &image.Image{Kind: "rootfs"}
	run(t, s, everything()...)
}

// What a hard link keeps cannot be saved, whatever dive's score of its path is.
func TestEfficiencyOfHardLinks(t *testing.T) {
	for _, linked := range []bool{true, false} {
		below := []layer.Entry{{Path: "data", Kind: layer.File, Mode: 0o644, Size: 10_000_000}}
		if linked {
			below = append(below, layer.Entry{Path: "kept", Kind: layer.Hardlink, Link: "data", Size: 10_000_000})
		}
		recs := []*layer.Record{{Entries: below}, {Entries: []layer.Entry{{Path: "data", Kind: layer.Whiteout}}}}
		s := &image.Scan{Image: &image.Image{Kind: "rootfs"}, Records: recs, Tree: image.BuildTree(recs)}
		found := run(t, s, efficiency())
		if linked != (len(found) == 0) {
			t.Errorf("linked %v: %+v, %+v", linked, found, s.Stats())
		}
	}
}

// large is an image of n entries in a few layers.
func large(n int) *image.Scan {
	var recs []*layer.Record
	for l := range 5 {
		r := &layer.Record{DiffID: finding.DigestOf([]byte{byte(l)})}
		for i := range n / 5 {
			e := layer.Entry{Path: fmt.Sprintf("usr/lib/d%d/s%d/file-%d-%d.txt", l, i/100, i, l), Kind: layer.File, Mode: 0o644, Size: 100}
			if i%1000 == 0 {
				e.Mode = 0o755 | fs.ModeSetuid
			}
			r.Entries = append(r.Entries, e)
		}
		recs = append(recs, r)
	}
	return &image.Scan{Image: &image.Image{Kind: "rootfs"}, Records: recs, Tree: image.BuildTree(recs)}
}

func BenchmarkChecks(b *testing.B) {
	s := large(100_000)
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			finding.RunChecks(context.Background(), s, Checks())
		}
	})
	for _, c := range Checks() {
		b.Run(string(c.ID), func(b *testing.B) {
			for b.Loop() {
				finding.RunChecks(context.Background(), s, []finding.Check[*image.Scan]{c})
			}
		})
	}
}

// An image that is asked for by its id is that one build: its tags are judged.
func TestLatestTagByID(t *testing.T) {
	s := build(t, "# docker build -t 9b89d473db6f .\nFROM x")
	s.Image.EngineID = "sha256:9b89d473db6f47a88320da836336d749588081de6bdde8d6568e4793f7478b93"
	for tag, want := range map[string]int{"": 0, "app:1": 0, "app:latest": 1} {
		s.Image.Tags = nil
		if tag != "" {
			s.Image.Tags = []string{tag}
		}
		if found := run(t, s, latestTag()); len(found) != want {
			t.Errorf("by id, tagged %q: %v", tag, messages(found))
		}
	}
}
