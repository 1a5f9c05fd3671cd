package base

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// configured is what the Dockerfiles of an official image make of its
// configuration, as compiled.
type configured struct {
	Tags        []string          `json:"t"`
	Month       string            `json:"m"` // from when the Dockerfiles are
	Root        string            `json:"r"` // the distribution's image at the end of the chain
	User        string            `json:"u"`
	Workdir     string            `json:"w"`
	Shell       []string          `json:"s"`
	Env         map[string]string `json:"e"`
	Entrypoint  []string          `json:"n"`
	Cmd         []string          `json:"c"`
	Exposed     []string          `json:"x"`
	Volumes     []string          `json:"v"`
	Healthcheck bool              `json:"h"`
	StopSignal  string            `json:"k"`
	OnBuild     []string          `json:"o"`
	Accounts    map[string]int    `json:"a"`
}

// configurations finds the line of a reference without reading the others.
type configurations struct {
	lines []string
	tags  map[string]int
	repos map[string][]int
}

var configs = sync.OnceValue(func() *configurations {
	return mustLoad("configurations of official images", packedFacts, parseConfigurations)
})

func parseConfigurations(text string) (*configurations, error) {
	c := &configurations{tags: map[string]int{}, repos: map[string][]int{}}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		list, _, ok := strings.Cut(strings.TrimPrefix(line, `{"t":["`), `"]`)
		if !ok || list == line {
			return nil, fmt.Errorf("line %d: no tags", len(c.lines)+1)
		}
		for i, t := range strings.Split(list, `","`) {
			if _, twice := c.tags[t]; !twice {
				c.tags[t] = len(c.lines)
			}
			if repo, _, _ := strings.Cut(t, ":"); i == 0 {
				c.repos[repo] = append(c.repos[repo], len(c.lines))
			}
		}
		c.lines = append(c.lines, line)
	}
	return c, nil
}

func (c *configurations) at(i int) (*configured, error) {
	var out configured
	if err := json.Unmarshal([]byte(c.lines[i]), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// FactsOf returns what is known of an official image's configuration and
// accounts by its reference, from the Dockerfiles that made it; nil: nothing.
// For a tag whose own Dockerfile is not at hand, the facts are those of another
// version of the same build, and Source says so. A reference by digest says
// nothing, for a tag means other bytes from one day to the next.
func FactsOf(ref string) *dockerfile.BaseFacts {
	r, err := ParseRef(ref)
	if err != nil || r.official() == "" || r.Tag == "" {
		return nil
	}
	repo := r.official()
	if f := rootFacts(repo, r.Tag); f != nil {
		return f
	}
	c := configs()
	i, known := c.tags[repo+":"+r.Tag]
	if !known {
		if i, known = c.near(repo, r.Tag); !known {
			return distroFacts(repo, r.Tag)
		}
	}
	k, err := c.at(i)
	if err != nil {
		return nil
	}
	f := k.facts(r.String())
	if _, exact := c.tags[repo+":"+r.Tag]; !exact {
		f.Source = fmt.Sprintf("inferred from %s, another version of the same build (%s)", k.Tags[0], k.Month)
		root := rootFacts(f.Distribution, releaseName(ParseTag(repo, r.Tag).Distro))
		f.Release, f.Accounts = root.Release, root.Accounts
		maps.Copy(f.Accounts, k.Accounts)
		// What has a number in it goes with one version.
		maps.DeleteFunc(f.Env, func(_, value string) bool { return strings.ContainsAny(value, "0123456789") })
	}
	return f
}

// near is the newest known image of a repository in the same build as a tag.
func (c *configurations) near(repo, tag string) (int, bool) {
	want := ParseTag(repo, tag)
	best, version := -1, ""
	for _, i := range c.repos[repo] {
		k, err := c.at(i)
		if err != nil {
			continue
		}
		for _, t := range k.Tags {
			_, t, _ = strings.Cut(t, ":")
			b := ParseTag(repo, t)
			if b.variant() == want.variant() && b.Distro.ID == want.Distro.ID && slices.Equal(b.Words, want.Words) && b.Version != "" && !b.Pre &&
				(best < 0 || compareVersions(b.Version, version) > 0) {
				best, version = i, b.Version
			}
		}
	}
	return best, best >= 0
}

func (k *configured) facts(ref string) *dockerfile.BaseFacts {
	f := &dockerfile.BaseFacts{
		Ref: ref, Source: "the embedded catalogue (" + k.Month + ")", Config: true,
		User: k.User, Workdir: k.Workdir, Shell: k.Shell, Env: k.Env, Entrypoint: k.Entrypoint, Cmd: k.Cmd,
		Exposed: k.Exposed, Volumes: k.Volumes, Healthcheck: k.Healthcheck, StopSignal: k.StopSignal, OnBuild: k.OnBuild,
	}
	repo, tag, _ := strings.Cut(k.Root, ":")
	root := rootFacts(repo, tag)
	f.Distribution, f.Release, f.Accounts = root.Distribution, root.Release, root.Accounts
	maps.Copy(f.Accounts, k.Accounts)
	return f
}

// rootFacts are those of the distributions' own images, which configure a shell
// and nothing else.
func rootFacts(repo, tag string) *dockerfile.BaseFacts {
	cmd := map[string]string{"debian": "bash", "ubuntu": "/bin/bash", "alpine": "/bin/sh"}[repo]
	if cmd == "" {
		return nil
	}
	f := &dockerfile.BaseFacts{
		Ref: repo + ":" + tag, Source: "the embedded catalogue (" + LibraryDate() + ")", Config: true, Cmd: []string{cmd}, Distribution: repo,
		Env: map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}
	version, _, _ := strings.Cut(tag, "-")
	d := sbom.Distro{ID: repo, VersionID: version}
	f.Release = releaseName(d)
	var accounts string
	switch {
	case repo == "alpine" && f.Release != "" && compareVersions(f.Release, "3.19") < 0:
		accounts = oldAlpineAccounts
	case repo == "alpine":
		accounts = alpineAccounts
	case repo == "debian" && f.Release != "" && compareVersions(f.Release, "12") >= 0:
		accounts = debianAccounts + " _apt=42"
	case repo == "ubuntu" && f.Release != "" && compareVersions(f.Release, "23.04") >= 0:
		accounts = debianAccounts + " ubuntu=1000"
	default:
		accounts = debianAccounts
	}
	f.Accounts = accountsOf(accounts)
	return f
}

// distroFacts are those of an image of which no more than the distribution is
// known, by its tag; nil: not even that.
func distroFacts(repo, tag string) *dockerfile.BaseFacts {
	d := ParseTag(repo, tag).Distro
	if o, ok := Find(repo + ":" + tag); ok {
		d = o.Distro
	}
	if d.ID == "" {
		return nil
	}
	return &dockerfile.BaseFacts{Ref: repo + ":" + tag, Source: "the tag's name", Distribution: d.ID, Release: releaseName(d)}
}

// releaseName is a distribution's release as its os-release has it: "12" for
// bookworm, "3.18" for 3.18.9. Empty: not known.
func releaseName(d sbom.Distro) string {
	if s, ok := DistroSupport(d); ok {
		return s.Cycle
	}
	return ""
}

// The accounts of /etc/passwd of the distributions' own images.
const (
	debianAccounts = "root=0 daemon=1 bin=2 sys=3 sync=4 games=5 man=6 lp=7 mail=8 news=9 uucp=10 proxy=13 www-data=33 backup=34 list=38 irc=39 nobody=65534"
	alpineAccounts = "root=0 bin=1 daemon=2 lp=4 sync=5 shutdown=6 halt=7 mail=8 news=9 uucp=10 cron=16 ftp=21 sshd=22 games=35 ntp=123 guest=405 nobody=65534"

	oldAlpineAccounts = alpineAccounts + " adm=3 operator=11 man=13 postmaster=14 at=25 squid=31 xfs=33 cyrus=85 vpopmail=89 smmsp=209"
)

func accountsOf(list string) map[string]int {
	out := map[string]int{}
	for _, f := range strings.Fields(list) {
		name, id, _ := strings.Cut(f, "=")
		n := 0
		for _, c := range id {
			n = n*10 + int(c-'0')
		}
		out[name] = n
	}
	return out
}
