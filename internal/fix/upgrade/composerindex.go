package upgrade

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// packagist is where Composer's packages are told of.
const packagist = "https://repo.packagist.org/"

// packagistNotify is what a lock says of what comes from Packagist.
const packagistNotify = "https://packagist.org/downloads/"

// Packagist asks the repository at the address, or Packagist.
func Packagist(h plan.HTTP) plan.Index {
	return &composerHTTP{base: strings.TrimRight(cmp.Or(h.Base, packagist), "/") + "/", http: h}
}

type composerHTTP struct {
	base string
	http plan.HTTP
}

// notify is the address that what comes from the repository carries.
func (c *composerHTTP) notify() string {
	if c.http.Base == "" {
		return packagistNotify
	}
	return c.base + "downloads/"
}

func (c *composerHTTP) Serves(notify string) bool { return notify == c.notify() }

func (c *composerHTTP) Releases(ctx context.Context, name string) ([]plan.Release, error) {
	if !composerName(name) {
		return nil, fmt.Errorf("%.80q is no name of a package", name)
	}
	body, err := c.http.Get(ctx, c.base+"p2/"+name+".json", "application/json")
	if err != nil {
		return nil, err
	}
	out, err := parsePackagist(body, name, c.notify())
	if err != nil {
		return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
	}
	return out, nil
}

func composerName(s string) bool {
	vendor, name, ok := strings.Cut(s, "/")
	word := func(s string) bool {
		return s != "" && s[0] != '.' && !strings.ContainsFunc(s, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' && r != '_' && r != '.'
		})
	}
	return ok && len(s) <= 128 && word(vendor) && word(name)
}

// parsePackagist reads a package's releases: each is told by what differs from
// the one before it.
func parsePackagist(body []byte, name, notify string) ([]plan.Release, error) {
	var doc struct {
		Minified string                                  `json:"minified"`
		Packages map[string][]map[string]json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	if doc.Minified != "" && doc.Minified != "composer/2.0" {
		return nil, errors.New("a form that is not known")
	}
	var out []plan.Release
	full := map[string]json.RawMessage{}
	for _, some := range doc.Packages[name] {
		if doc.Minified == "" {
			full = map[string]json.RawMessage{}
		}
		for k, v := range some {
			if full[k] = v; string(v) == `"__unset"` {
				delete(full, k)
			}
		}
		if r, ok := packagistRelease(full, name, notify); ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// packagistRelease is a release as a lock holds it. ok is false for a branch and
// for what cannot be written so.
func packagistRelease(all map[string]json.RawMessage, name, notify string) (r plan.Release, ok bool) {
	all = maps.Clone(all)
	var said string
	if json.Unmarshal(all["version"], &r.Version) != nil || json.Unmarshal(all["name"], &said) != nil || !strings.EqualFold(said, name) ||
		!plan.Plausible(r.Version) || !plan.DigitsOnly(strings.TrimLeft(r.Version, "vV")[:min(1, len(strings.TrimLeft(r.Version, "vV")))]) {
		return r, false
	}
	for _, kind := range []string{"require", "conflict", "provide", "replace", "require-dev"} {
		if links := linksOf(all[kind]); len(links) > 0 { // Composer drops what a package says of itself
			maps.DeleteFunc(links, func(to, _ string) bool { return strings.EqualFold(to, name) })
			all[kind] = sortedObject(links)
		}
	}
	require := linksOf(all["require"])
	r.Links = plan.ComposerLinks{"platform": {}, "conflict": linksOf(all["conflict"]), "replace": linksOf(all["replace"]), "provide": linksOf(all["provide"])}
	for _, n := range slices.Sorted(maps.Keys(require)) {
		need(&r, n, require[n])
	}
	if b, err := json.Marshal(notify); err == nil {
		all["notification-url"] = b
	}
	if len(all["type"]) == 0 {
		all["type"] = json.RawMessage(`"library"`)
	}
	for _, typ := range []string{"source", "dist"} {
		if len(all[typ]) > 0 && all[typ][0] != '{' {
			delete(all, typ)
		}
	}
	if len(all["dist"]) == 0 || string(all["dist"]) == "null" {
		return r, false // it is not to be had as an archive
	}
	raw, err := composerEntry(all)
	r.Raw = raw
	return r, err == nil
}

// need sorts in what a package requires.
func need(r *plan.Release, name, spec string) {
	if spec == "self.version" {
		spec = r.Version
	}
	if strings.Contains(name, "/") {
		r.Needs = append(r.Needs, plan.Need{Name: strings.ToLower(name), Spec: spec})
		return
	}
	if r.Links["platform"][name] = spec; name == "php" {
		r.Runtime = spec
	}
}

// linksOf reads what PHP writes as a list where it is empty.
func linksOf(raw json.RawMessage) map[string]string {
	var out map[string]string
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// composerFields are the members of a package in a lock, in their order.
var composerFields = []string{
	"name", "version", "target-dir", "source", "dist", "require", "conflict", "provide", "replace", "require-dev", "suggest",
	"default-branch", "bin", "type", "extra", "autoload", "autoload-dev", "notification-url", "include-path", "archive",
	"scripts", "license", "authors", "description", "homepage", "keywords", "repositories", "support", "funding", "abandoned",
	"transport-options", "time",
}

// composerEntry puts a package's members in a lock's order.
func composerEntry(all map[string]json.RawMessage) (json.RawMessage, error) {
	var out strings.Builder
	for _, k := range composerFields {
		raw := all[k]
		switch s := strings.TrimSpace(string(raw)); {
		case s == "" || s == "null" || s == "[]" || s == "{}" || k == "abandoned" && s == "false" || k == "default-branch" && s == "false":
			continue
		}
		switch k {
		case "require", "conflict", "provide", "replace", "require-dev", "suggest":
			links := linksOf(raw)
			if links == nil {
				return nil, fmt.Errorf("%s is not read", k)
			}
			raw = sortedObject(links)
		case "source", "dist":
			var err error
			if raw, err = membersInOrder(raw, []string{"type", "url", "reference", "shasum", "mirrors"}); err != nil {
				return nil, err
			}
		case "keywords":
			var words []string
			if json.Unmarshal(raw, &words) != nil {
				return nil, errors.New("keywords are not read")
			}
			slices.Sort(words)
			raw = plainJSON(words)
		}
		out.WriteString("," + string(plainJSON(k)) + ":" + string(raw))
	}
	body := []byte("{" + strings.TrimPrefix(out.String(), ",") + "}")
	if !json.Valid(body) {
		return nil, errors.New("not JSON")
	}
	return body, nil
}

// membersInOrder are the members of an object that are named, in that order.
func membersInOrder(raw json.RawMessage, keys []string) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, k := range keys {
		if v := all[k]; len(v) > 0 && string(v) != "null" {
			out.WriteString("," + string(plainJSON(k)) + ":" + string(v))
		}
	}
	return json.RawMessage("{" + strings.TrimPrefix(out.String(), ",") + "}"), nil
}

func sortedObject(m map[string]string) json.RawMessage {
	var out strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out.WriteString("," + string(plainJSON(k)) + ":" + string(plainJSON(m[k])))
	}
	return json.RawMessage("{" + strings.TrimPrefix(out.String(), ",") + "}")
}

func plainJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
