package upgrade

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// npmMember is one member of an entry to be written.
type npmMember struct{ key, raw string }

// replaced are the members of an entry that follow from the version.
func replacedMember(key string) bool {
	switch key {
	case "version", "resolved", "integrity", "hasInstallScript", "deprecated", "bin", "engines", "os", "cpu", "libc",
		"bundleDependencies", npmProd, npmOptional, npmPeer, "peerDependenciesMeta", "requires", "dev", "optional", "devOptional", "peer":
		return true
	}
	return false
}

// members puts a version into the words of "packages"; old is the entry's
// object so far, nil for a new one.
func (s *npmSolve) members(at string, old *jsonNode, flags npmFlags) []npmMember {
	b, m := s.lock.f.b, s.plan[at].m
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
	yes("dev", flags.dev)
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
	add(npmProd, rawMap(m.Dependencies))
	add(npmOptional, rawMap(m.OptionalDependencies))
	add(npmPeer, rawMap(m.PeerDependencies))
	if len(m.PeerDependenciesMeta) > 0 {
		if raw, err := json.Marshal(m.PeerDependenciesMeta); err == nil {
			add("peerDependenciesMeta", raw)
		}
	}
	if old != nil {
		for _, k := range old.members {
			if !replacedMember(k.key) && (k.key != "license" || license == nil) && (k.key != "funding" || !present(funding)) {
				out = append(out, npmMember{k.key, k.value.raw(b)})
			}
		}
	}
	return niceOrder(out)
}

// heading is version, resolved and integrity, the second only where the lock
// says it of packages at all.
func (s *npmSolve) heading(at string, old *jsonNode) []npmMember {
	q := s.plan[at]
	out := []npmMember{{"version", quote(q.version)}}
	if e := s.lock.entries[at]; e == nil && s.lock.says || e != nil && e.resolved != "" {
		out = append(out, npmMember{"resolved", quote(s.address(at))})
	}
	return append(out, npmMember{"integrity", quote(q.m.Integrity)})
}

// address is where the archive lies, on the host that the lock names for the
// package so far.
func (s *npmSolve) address(at string) string {
	q, e := s.plan[at], s.lock.entries[at]
	base := folderBase(s.nameAt(at))
	tail := func(v string) string { return "/-/" + base + "-" + v + ".tgz" }
	host := s.lock.host
	if e != nil {
		if head, ok := strings.CutSuffix(e.resolved, tail(e.version)); ok {
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
func (s *npmSolve) oldMembers(at string, old *jsonNode, flags npmFlags) []npmMember {
	b, m := s.lock.f.b, s.plan[at].m
	out := s.heading(at, nil)
	if flags.dev {
		out = append(out, npmMember{"dev", "true"})
	}
	if flags.optional || flags.devOptional && !flags.dev {
		out = append(out, npmMember{"optional", "true"})
	}
	requires := map[string]string{}
	maps.Copy(requires, m.OptionalDependencies)
	maps.Copy(requires, m.Dependencies)
	if len(requires) > 0 {
		out = append(out, npmMember{"requires", string(rawMap(requires))})
	}
	if old != nil {
		for _, k := range old.members {
			if !replacedMember(k.key) {
				out = append(out, npmMember{k.key, k.value.raw(b)})
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
func (l jsonLayout) object(ms []npmMember, depth int) string {
	var out strings.Builder
	out.WriteByte('{')
	for i, m := range ms {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(l.pad(depth + 1))
		out.WriteString(quote(m.key) + l.colon() + l.value(m.raw, depth+1))
	}
	if len(ms) > 0 {
		out.WriteString(l.pad(depth))
	}
	out.WriteByte('}')
	return out.String()
}

// value lays a value out anew; one that stands so already comes out the same.
func (l jsonLayout) value(raw string, depth int) string {
	var out bytes.Buffer
	var err error
	if l.eol == "" {
		err = json.Compact(&out, []byte(raw))
	} else {
		err = json.Indent(&out, []byte(raw), strings.Repeat(l.unit, depth), l.unit)
	}
	if err != nil {
		return raw
	}
	if l.eol == "\r\n" {
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
		out.WriteString(quote(k) + ":" + quote(m[k]))
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
func (s *npmSolve) lockEdits(a npmAfter) map[int][]finding.Edit {
	out := map[int][]finding.Edit{}
	if s.lock.packages != nil {
		s.objectEdits(s.lock.packages, 1, "", a, out, func(key string) string { return key }, s.newText)
	}
	if s.lock.tree != nil {
		s.objectEdits(s.lock.tree, 1, "node_modules/", a, out, func(key string) string { return "node_modules/" + key }, s.oldText)
	}
	return out
}

// newText is an entry of "packages"; same says that it stays as it is.
func (s *npmSolve) newText(at string, old *jsonNode, a npmAfter, depth int) (text string, same bool) {
	flags, ok := a.flags[at]
	if !ok {
		return "", true
	}
	if _, planned := s.plan[at]; planned {
		return s.lock.layout.object(s.members(at, old, flags), depth), false
	}
	var ms []npmMember
	for _, k := range old.members {
		switch k.key {
		case "dev", "optional", "devOptional", "peer":
		default:
			ms = append(ms, npmMember{k.key, k.value.raw(s.lock.f.b)})
		}
	}
	for _, f := range []struct {
		key string
		on  bool
	}{{"dev", flags.dev}, {"optional", flags.optional}, {"devOptional", flags.devOptional}, {"peer", flags.peer}} {
		if f.on {
			ms = append(ms, npmMember{f.key, "true"})
		}
	}
	return s.lock.layout.object(niceOrder(ms), depth), false
}

// oldText is an entry of "dependencies", those within it included.
func (s *npmSolve) oldText(at string, old *jsonNode, a npmAfter, depth int) (text string, same bool) {
	var inner []npmMember
	changed := false
	within := old.get("dependencies")
	if within != nil {
		for _, m := range within.members {
			p := path.Join(at, "node_modules", m.key)
			if a.gone[p] {
				changed = true
				continue
			}
			text, same := s.oldText(p, m.value, a, depth+2)
			if same {
				text = m.value.raw(s.lock.f.b)
			}
			changed = changed || !same
			inner = append(inner, npmMember{m.key, text})
		}
	}
	for _, p := range a.fresh[at] {
		text, _ := s.oldText(p, nil, a, depth+2)
		inner = append(inner, npmMember{folderName(p), text})
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
		for _, k := range old.members {
			ms = append(ms, npmMember{k.key, k.value.raw(s.lock.f.b)})
		}
	}
	ms = slices.DeleteFunc(ms, func(m npmMember) bool { return m.key == "dependencies" })
	if len(inner) > 0 {
		sorting.By(inner, func(a, b npmMember) int { return cmp.Compare(a.key, b.key) })
		ms = append(ms, npmMember{"dependencies", s.lock.layout.object(inner, depth+1)})
	}
	return s.lock.layout.object(ms, depth), false
}

// objectEdits changes, adds and removes members of one of the lock's two
// objects of packages.
func (s *npmSolve) objectEdits(
	obj *jsonNode, depth int, prefix string, a npmAfter, out map[int][]finding.Edit,
	pathOf func(key string) string, text func(string, *jsonNode, npmAfter, int) (string, bool),
) {
	l := s.lock
	put := func(owner, start, end int, text string) {
		owner = s.leader(owner)
		out[owner] = append(out[owner], l.f.edit(start, end, text))
	}
	end := obj.start + 1 // of the member before
	first := true
	for i, m := range obj.members {
		at := pathOf(m.key)
		if a.gone[at] {
			switch {
			case !first:
				put(a.owner[at], end, m.value.end, "")
			case i+1 < len(obj.members):
				put(a.owner[at], m.start, obj.members[i+1].start, "")
				continue
			default:
				put(a.owner[at], m.start, m.value.end, "")
			}
			end = m.value.end
			continue
		}
		if now, same := text(at, m.value, a, depth+1); !same {
			owner, ok := a.owner[at]
			if !ok {
				owner = s.within(at, a)
			}
			put(owner, m.value.start, m.value.end, now)
		}
		end, first = m.value.end, false
	}
	for _, p := range slices.Sorted(maps.Keys(s.plan)) {
		key := strings.TrimPrefix(p, prefix)
		if !s.plan[p].fresh || a.gone[p] || prefix != "" && strings.Contains(key, "node_modules/") {
			continue
		}
		body, _ := text(p, nil, a, depth+1)
		body = quote(key) + l.layout.colon() + body
		anchor := -1 // the member to stand after
		for i, m := range obj.members {
			if !a.gone[pathOf(m.key)] && (m.key == "" || m.key < key) {
				anchor = i
			} else if m.key > key {
				break
			}
		}
		switch {
		case anchor >= 0:
			put(s.plan[p].owner, obj.members[anchor].value.end, obj.members[anchor].value.end, ","+l.layout.pad(depth+1)+body)
		case len(obj.members) > 0:
			put(s.plan[p].owner, obj.members[0].start, obj.members[0].start, body+","+l.layout.pad(depth+1))
		default:
			put(s.plan[p].owner, obj.start+1, obj.end-1, l.layout.pad(depth+1)+body+l.layout.pad(depth))
		}
	}
}

// within joins the wants that change what is nested in a folder, and is the
// first of them.
func (s *npmSolve) within(at string, a npmAfter) int {
	owner := -1
	for _, p := range slices.Sorted(maps.Keys(a.owner)) {
		if p != at && !strings.HasPrefix(p, at+"/") {
			continue
		}
		if owner >= 0 {
			s.union(owner, a.owner[p])
		}
		owner = a.owner[p]
	}
	return max(owner, 0)
}
