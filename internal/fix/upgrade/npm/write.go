package npm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// npmMember is one member of an entry to be written.
type npmMember struct{ key, raw string }

// replaced are the members of an entry that follow from the version.
func replacedMember(key string) bool {
	switch key {
	case "version", "resolved", "integrity", "hasInstallScript", "deprecated", "bin", "engines", "os", "cpu", "libc",
		"bundleDependencies", Prod, npmOptional, Peer, "peerDependenciesMeta", "requires", "dev", "optional", "devOptional", "peer":
		return true
	}
	return false
}

// members puts a version into the words of "packages"; old is the entry's
// object so far, nil for a new one.
func (s *Solver) members(at string, old *plan.JSONNode, flags Flags) []npmMember {
	b, m := s.Lock.f.B, s.plan[at].m
	out := s.heading(at, old)
	add := func(key string, raw json.RawMessage) {
		if present(raw) && json.Valid(raw) {
			out = append(out, npmMember{key, string(raw)})
		}
	}
	yes := func(key string, on bool) {
		if on {
			out = append(out, npmMember{key, "true"})
		}
	}
	yes("dev", flags.Dev)
	yes("optional", flags.optional)
	yes("devOptional", flags.devOptional)
	yes("peer", flags.peer)
	yes("hasInstallScript", m.InstallScript)
	if bytes.HasPrefix(m.Deprecated, []byte(`"`)) {
		add("deprecated", m.Deprecated)
	}
	add("bin", normalBin(folderBase(s.nameAt(at)), m.Bin))
	add("engines", inOrder(m.Engines))
	add("os", m.OS)
	add("cpu", m.CPU)
	add("libc", m.Libc)
	license, funding := m.License, normalFunding(m.Funding) // a registry's short answer leaves both out
	if bytes.HasPrefix(license, []byte(`"`)) {
		add("license", license)
	} else {
		license = nil
	}
	add("funding", funding)
	add(Prod, rawMap(m.Dependencies))
	add(npmOptional, rawMap(m.OptionalDependencies))
	add(Peer, rawMap(m.PeerDependencies))
	if len(m.PeerDependenciesMeta) > 0 {
		if raw, err := json.Marshal(m.PeerDependenciesMeta); err == nil {
			add("peerDependenciesMeta", raw)
		}
	}
	if old != nil {
		for _, k := range old.Members {
			if !replacedMember(k.Key) && (k.Key != "license" || license == nil) && (k.Key != "funding" || !present(funding)) {
				out = append(out, npmMember{k.Key, k.Value.Raw(b)})
			}
		}
	}
	return niceOrder(out)
}

// heading is version, resolved and integrity, the second only where the lock
// says it of packages at all.
func (s *Solver) heading(at string, old *plan.JSONNode) []npmMember {
	q := s.plan[at]
	out := []npmMember{{"version", plan.Quote(q.version)}}
	if e := s.Lock.Entries[at]; e == nil && s.Lock.says || e != nil && e.resolved != "" {
		out = append(out, npmMember{"resolved", plan.Quote(s.address(at))})
	}
	return append(out, npmMember{"integrity", plan.Quote(q.m.Integrity)})
}

// address is where the archive lies, on the host that the lock names for the
// package so far.
func (s *Solver) address(at string) string {
	q, e := s.plan[at], s.Lock.Entries[at]
	base := folderBase(s.nameAt(at))
	tail := func(v string) string { return "/-/" + base + "-" + v + ".tgz" }
	host := s.Lock.host
	if e != nil {
		if head, ok := strings.CutSuffix(e.resolved, tail(e.Version)); ok {
			return head + tail(q.version)
		}
	}
	if host != "" && strings.HasSuffix(q.m.Tarball, "/"+s.nameAt(at)+tail(q.version)) {
		return host + s.nameAt(at) + tail(q.version)
	}
	return q.m.Tarball
}

func folderBase(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// oldMembers puts a version into the words of lockfile version 1.
func (s *Solver) oldMembers(at string, old *plan.JSONNode, flags Flags) []npmMember {
	b, m := s.Lock.f.B, s.plan[at].m
	out := s.heading(at, nil)
	if flags.Dev {
		out = append(out, npmMember{"dev", "true"})
	}
	if flags.optional || flags.devOptional && !flags.Dev {
		out = append(out, npmMember{"optional", "true"})
	}
	requires := map[string]string{}
	maps.Copy(requires, m.OptionalDependencies)
	maps.Copy(requires, m.Dependencies)
	if len(requires) > 0 {
		out = append(out, npmMember{"requires", string(rawMap(requires))})
	}
	if old != nil {
		for _, k := range old.Members {
			if !replacedMember(k.Key) {
				out = append(out, npmMember{k.Key, k.Value.Raw(b)})
			}
		}
	}
	return niceOrder(out)
}

// niceOrder is npm's order of members: what is no object before objects, and of
// both some names first, then the others by name.
func niceOrder(ms []npmMember) []npmMember {
	rank := func(m npmMember) int {
		object := 0
		if m.raw[0] == '{' { // an array counts as none
			object = 100
		}
		for i, k := range []string{"name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies"} {
			if k == m.key {
				return object + i
			}
		}
		return object + 50
	}
	sorting.By(ms, func(a, b npmMember) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.key, b.key))
	})
	return ms
}

// object writes members as an object at a depth of the lock.
func object(l plan.JSONLayout, ms []npmMember, depth int) string {
	var out strings.Builder
	out.WriteByte('{')
	for i, m := range ms {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(l.Pad(depth + 1))
		out.WriteString(plan.Quote(m.key) + l.Colon() + value(l, m.raw, depth+1))
	}
	if len(ms) > 0 {
		out.WriteString(l.Pad(depth))
	}
	out.WriteByte('}')
	return out.String()
}

// value lays a value out anew; one that stands so already comes out the same.
func value(l plan.JSONLayout, raw string, depth int) string {
	var out bytes.Buffer
	var err error
	if l.Eol == "" {
		err = json.Compact(&out, []byte(raw))
	} else {
		err = json.Indent(&out, []byte(raw), strings.Repeat(l.Unit, depth), l.Unit)
	}
	if err != nil {
		return raw
	}
	if l.Eol == "\r\n" {
		return strings.ReplaceAll(out.String(), "\n", "\r\n")
	}
	return out.String()
}

func rawMap(m map[string]string) json.RawMessage {
	if len(m) == 0 {
		return nil
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(plan.Quote(k) + ":" + plan.Quote(m[k]))
	}
	out.WriteByte('}')
	return out.Bytes()
}

// inOrder is a map of words with its members in npm's order; anything else as it is.
func inOrder(raw json.RawMessage) json.RawMessage {
	var m map[string]string
	if json.Unmarshal(raw, &m) != nil || len(m) == 0 {
		return raw
	}
	return rawMap(m)
}

// normalBin is "bin" as npm writes it: a map of names to paths.
func normalBin(name string, raw json.RawMessage) json.RawMessage {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return rawMap(map[string]string{name: cleanBin(one)})
	}
	var many map[string]string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	for k, v := range many {
		many[k] = cleanBin(v)
	}
	return rawMap(many)
}

func cleanBin(p string) string { return strings.TrimPrefix(path.Clean("/"+p), "/") }

func normalFunding(raw json.RawMessage) json.RawMessage {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return rawMap(map[string]string{"url": one})
	}
	return raw
}

// lockEdits writes the plan into the lock: edits by the want that they belong
// to.
func (s *Solver) lockEdits(a npmAfter) map[int][]finding.Edit {
	out := map[int][]finding.Edit{}
	if s.Lock.packages != nil {
		s.objectEdits(s.Lock.packages, 1, "", a, out, func(key string) string { return key }, s.newText)
	}
	if s.Lock.tree != nil {
		s.objectEdits(s.Lock.tree, 1, "node_modules/", a, out, func(key string) string { return "node_modules/" + key }, s.oldText)
	}
	return out
}

// newText is an entry of "packages"; same says that it stays as it is.
func (s *Solver) newText(at string, old *plan.JSONNode, a npmAfter, depth int) (text string, same bool) {
	flags, ok := a.flags[at]
	if !ok {
		return "", true
	}
	if _, planned := s.plan[at]; planned {
		return object(s.Lock.layout, s.members(at, old, flags), depth), false
	}
	var ms []npmMember
	for _, k := range old.Members {
		switch k.Key {
		case "dev", "optional", "devOptional", "peer":
		default:
			ms = append(ms, npmMember{k.Key, k.Value.Raw(s.Lock.f.B)})
		}
	}
	for _, f := range []struct {
		key string
		on  bool
	}{{"dev", flags.Dev}, {"optional", flags.optional}, {"devOptional", flags.devOptional}, {"peer", flags.peer}} {
		if f.on {
			ms = append(ms, npmMember{f.key, "true"})
		}
	}
	return object(s.Lock.layout, niceOrder(ms), depth), false
}

// oldText is an entry of "dependencies", those within it included.
func (s *Solver) oldText(at string, old *plan.JSONNode, a npmAfter, depth int) (text string, same bool) {
	var inner []npmMember
	changed := false
	within := old.Get("dependencies")
	if within != nil {
		for _, m := range within.Members {
			p := path.Join(at, "node_modules", m.Key)
			if a.gone[p] {
				changed = true
				continue
			}
			text, same := s.oldText(p, m.Value, a, depth+2)
			if same {
				text = m.Value.Raw(s.Lock.f.B)
			}
			changed = changed || !same
			inner = append(inner, npmMember{m.Key, text})
		}
	}
	for _, p := range a.fresh[at] {
		text, _ := s.oldText(p, nil, a, depth+2)
		inner = append(inner, npmMember{FolderName(p), text})
		changed = true
	}
	_, planned := s.plan[at]
	if !planned && !changed {
		return "", true
	}
	var ms []npmMember
	switch {
	case planned:
		ms = s.oldMembers(at, old, a.flags[at])
	default:
		for _, k := range old.Members {
			ms = append(ms, npmMember{k.Key, k.Value.Raw(s.Lock.f.B)})
		}
	}
	ms = slices.DeleteFunc(ms, func(m npmMember) bool { return m.key == "dependencies" })
	if len(inner) > 0 {
		sorting.By(inner, func(a, b npmMember) int { return cmp.Compare(a.key, b.key) })
		ms = append(ms, npmMember{"dependencies", object(s.Lock.layout, inner, depth+1)})
	}
	return object(s.Lock.layout, ms, depth), false
}

// objectEdits changes, adds and removes members of one of the lock's two
// objects of packages.
func (s *Solver) objectEdits(
	obj *plan.JSONNode, depth int, prefix string, a npmAfter, out map[int][]finding.Edit,
	pathOf func(key string) string, text func(string, *plan.JSONNode, npmAfter, int) (string, bool),
) {
	l := s.Lock
	put := func(owner, start, end int, text string) {
		owner = s.Leader(owner)
		out[owner] = append(out[owner], l.f.Edit(start, end, text))
	}
	end := obj.Start + 1 // of the member before
	first := true
	for i, m := range obj.Members {
		at := pathOf(m.Key)
		if a.gone[at] {
			switch {
			case !first:
				put(a.owner[at], end, m.Value.End, "")
			case i+1 < len(obj.Members):
				put(a.owner[at], m.Start, obj.Members[i+1].Start, "")
				continue
			default:
				put(a.owner[at], m.Start, m.Value.End, "")
			}
			end = m.Value.End
			continue
		}
		if now, same := text(at, m.Value, a, depth+1); !same {
			owner, ok := a.owner[at]
			if !ok {
				owner = s.within(at, a)
			}
			put(owner, m.Value.Start, m.Value.End, now)
		}
		end, first = m.Value.End, false
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		key := strings.TrimPrefix(p, prefix)
		if !s.plan[p].fresh || a.gone[p] || prefix != "" && strings.Contains(key, "node_modules/") {
			continue
		}
		body, _ := text(p, nil, a, depth+1)
		body = plan.Quote(key) + l.layout.Colon() + body
		anchor := -1 // the member to stand after
		for i, m := range obj.Members {
			if !a.gone[pathOf(m.Key)] && (m.Key == "" || m.Key < key) {
				anchor = i
			} else if m.Key > key {
				break
			}
		}
		switch {
		case anchor >= 0:
			put(s.plan[p].owner, obj.Members[anchor].Value.End, obj.Members[anchor].Value.End, ","+l.layout.Pad(depth+1)+body)
		case len(obj.Members) > 0:
			put(s.plan[p].owner, obj.Members[0].Start, obj.Members[0].Start, body+","+l.layout.Pad(depth+1))
		default:
			put(s.plan[p].owner, obj.Start+1, obj.End-1, l.layout.Pad(depth+1)+body+l.layout.Pad(depth))
		}
	}
}

// within joins the wants that change what is nested in a folder, and is the
// first of them.
func (s *Solver) within(at string, a npmAfter) int {
	owner := -1
	for _, p := range slices.Sorted(maps.Keys(a.owner)) {
		if p != at && !strings.HasPrefix(p, at+"/") {
			continue
		}
		if owner >= 0 {
			s.Union(owner, a.owner[p])
		}
		owner = a.owner[p]
	}
	return max(owner, 0)
}
