package upgrade

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// composerPackage is a package of a composer.lock.
type composerPackage struct {
	name, version, notify string
	node                  *plan.JSONNode
	list                  *plan.JSONNode // it stands in
	dev                   bool
	needs                 []plan.Need
	links                 plan.ComposerLinks
	path, branch          bool // a folder of the project's; no release
}

// composerLock is a composer.lock for editing.
type composerLock struct {
	f         *plan.File
	root      *plan.JSONNode
	layout    plan.JSONLayout
	packages  []composerPackage
	lists     map[bool]*plan.JSONNode // by whether they are for development
	hash      *plan.JSONNode
	pluginAPI string
}

func readComposerLock(f *plan.File) (*composerLock, error) {
	root, err := plan.ParseJSON(f.B)
	if err != nil {
		return nil, err
	}
	l := &composerLock{f: f, root: root, layout: f.Layout(root), lists: map[bool]*plan.JSONNode{}, hash: root.Get("content-hash")}
	if l.hash == nil || l.hash.Kind != '"' {
		return nil, errors.New("it has no content-hash")
	}
	l.pluginAPI = root.Text(f.B, "plugin-api-version")
	for _, dev := range []bool{false, true} {
		list := root.Get(map[bool]string{false: "packages", true: "packages-dev"}[dev])
		if list == nil || list.Kind != '[' {
			if dev {
				continue // "null": without those for development
			}
			return nil, errors.New("it has no packages")
		}
		l.lists[dev] = list
		for _, n := range list.Elements {
			p, err := l.read(n)
			if err != nil {
				return nil, err
			}
			p.list, p.dev = list, dev
			l.packages = append(l.packages, p)
		}
	}
	return l, nil
}

func (l *composerLock) read(n *plan.JSONNode) (composerPackage, error) {
	b := l.f.B
	p := composerPackage{node: n}
	if n.Kind != '{' {
		return p, errors.New("a package that is no object")
	}
	p.name, p.version, p.notify = strings.ToLower(n.Text(b, "name")), n.Text(b, "version"), n.Text(b, "notification-url")
	if p.name == "" || p.version == "" {
		return p, errors.New("a package without name and version")
	}
	p.path = n.Get("dist").Text(b, "type") == "path"
	p.branch = strings.HasPrefix(p.version, "dev-") || strings.HasSuffix(p.version, "-dev")
	r := plan.Release{Version: p.version, Links: plan.ComposerLinks{"platform": {}}}
	for name, spec := range l.strings(n.Get("require")) {
		need(&r, name, spec)
	}
	sorting.By(r.Needs, func(a, b plan.Need) int { return strings.Compare(a.Name, b.Name) })
	for _, k := range []string{"conflict", "replace", "provide"} {
		r.Links[k] = l.strings(n.Get(k))
	}
	p.needs, p.links = r.Needs, r.Links
	return p, nil
}

func (l *composerLock) strings(n *plan.JSONNode) map[string]string {
	out := map[string]string{}
	if n != nil {
		for _, m := range n.Members {
			out[m.Key] = m.Value.Str(l.f.B)
		}
	}
	return out
}

// entry writes a package at a depth.
func (l *composerLock) entry(raw json.RawMessage) (string, error) {
	n, err := plan.ParseJSON(raw)
	if err != nil {
		return "", err
	}
	w := &phpJSON{b: raw, pretty: true, unit: l.layout.Unit, eol: l.layout.Eol}
	w.value(n, 2)
	return w.out.String(), w.err
}

// edits make a lock of what it is into what a plan makes of it.
func (l *composerLock) edits(f *flat, p flatPlan, gone map[string]bool, dev func(key string) bool) ([]finding.Edit, error) {
	if l.layout.Eol == "" {
		return nil, errors.New("the lock is written on one line")
	}
	fresh := map[bool][]string{}
	for _, k := range f.keys(p) {
		if f.locked[k] == nil && !gone[k] {
			fresh[dev(k)] = append(fresh[dev(k)], k)
		}
	}
	var edits []finding.Edit
	for _, which := range []bool{false, true} {
		list := l.lists[which]
		if list == nil {
			if len(fresh[which]) > 0 {
				return nil, errors.New("the lock is without what development needs")
			}
			continue
		}
		more, err := l.listEdits(f, p, gone, list, fresh[which])
		if err != nil {
			return nil, err
		}
		edits = append(edits, more...)
	}
	return edits, nil
}

// listEdits change one list of packages.
func (l *composerLock) listEdits(f *flat, p flatPlan, gone map[string]bool, list *plan.JSONNode, fresh []string) ([]finding.Edit, error) {
	var mine []composerPackage
	for _, q := range l.packages {
		if q.list == list {
			mine = append(mine, q)
		}
	}
	kept := slices.DeleteFunc(slices.Clone(mine), func(q composerPackage) bool { return gone[q.name] })
	if len(kept) == 0 && len(mine)+len(fresh) > 0 && (len(fresh) > 0 || len(mine) > 0) {
		return l.rewrite(p, list, fresh)
	}
	var edits []finding.Edit
	for i := 0; i < len(mine); i++ {
		q := mine[i]
		if of := p.to[q.name]; len(of) > 0 && !gone[q.name] {
			text, err := l.entry(of[0].Raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", q.name, err)
			}
			edits = append(edits, l.f.Edit(q.node.Start, q.node.End, text))
		}
		if !gone[q.name] {
			continue
		}
		k := i // as far as packages go one after another
		for k < len(mine) && gone[mine[k].name] {
			k++
		}
		start, end := q.node.Start, mine[k-1].node.End
		if k < len(mine) {
			end = mine[k].node.Start
		} else {
			start = mine[i-1].node.End
		}
		edits = append(edits, l.f.Lines(start, end, ""))
		i = k - 1
	}
	for _, k := range fresh {
		text, err := l.entry(p.to[k][0].Raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		i := slices.IndexFunc(kept, func(q composerPackage) bool { return q.name > k })
		if i < 0 {
			at := kept[len(kept)-1].node.End
			edits = append(edits, l.f.Lines(at, at, ","+l.layout.Pad(2)+text))
			continue
		}
		at := kept[i].node.Start
		edits = append(edits, l.f.Lines(at, at, text+","+l.layout.Pad(2)))
	}
	return edits, nil
}

// rewrite writes a list of which no package stays.
func (l *composerLock) rewrite(p flatPlan, list *plan.JSONNode, fresh []string) ([]finding.Edit, error) {
	var parts []string
	for _, k := range fresh {
		text, err := l.entry(p.to[k][0].Raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		parts = append(parts, l.layout.Pad(2)+text)
	}
	text := "[]"
	if len(parts) > 0 {
		text = "[" + strings.Join(parts, ",") + l.layout.Pad(1) + "]"
	}
	return []finding.Edit{l.f.Edit(list.Start, list.End, text)}, nil
}

// contentHash is what Composer knows by whether a lock is of a composer.json.
func contentHash(manifest []byte) (string, error) {
	root, err := plan.ParseJSON(manifest)
	if err != nil {
		return "", err
	}
	if root.Kind != '{' {
		return "", errors.New("no object")
	}
	relevant := &plan.JSONNode{Kind: '{'}
	for _, m := range lastMembers(root) {
		switch m.Key {
		case "name", "version", "require", "require-dev", "conflict", "replace", "provide", "minimum-stability", "prefer-stable",
			"repositories", "extra":
			relevant.Members = append(relevant.Members, m)
		}
	}
	if platform := root.Get("config").Get("platform"); platform != nil && platform.Raw(manifest) != "null" {
		config := &plan.JSONNode{Kind: '{', Members: []plan.JSONMember{{Key: "platform", Value: platform}}}
		relevant.Members = append(relevant.Members, plan.JSONMember{Key: "config", Value: config})
	}
	sorting.By(relevant.Members, func(a, b plan.JSONMember) int { return strings.Compare(a.Key, b.Key) })
	w := &phpJSON{b: manifest}
	w.value(relevant, 0)
	sum := md5.Sum([]byte(w.out.String())) //nolint:gosec // what Composer tells a change by
	return hex.EncodeToString(sum[:]), w.err
}
