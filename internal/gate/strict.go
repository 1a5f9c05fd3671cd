package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// strict decodes JSON as the Engine does, and refuses what it could understand
// otherwise: keys that are there twice, in another case than the type has them or that
// it does not have, and anything after the value. more are keys of the top that are known
// and do not matter.
func strict(b []byte, into any, more ...string) error {
	if !utf8.Valid(b) {
		return ambiguous("its body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	w := walker{d, slices.Concat(more, legacyKeys())}
	if err := w.value(reflect.TypeOf(into), "", 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ambiguous("something follows the JSON of its body")
	}
	if err := json.Unmarshal(b, into); err != nil {
		return ambiguous("its body: %v", err)
	}
	return nil
}

// legacyKeys are fields of older versions of the API that today's types do not have, and
// that give no privilege: clients send them all.
func legacyKeys() []string {
	return []string{
		"KernelMemory", "KernelMemoryTCP", "DiskQuota", "MacAddress", "OnBuild", "CheckDuplicate",
	}
}

type walker struct {
	*json.Decoder
	known []string
}

const maxDepth = 64

func (w walker) value(t reflect.Type, at string, depth int) error {
	if depth > maxDepth {
		return ambiguous("its body is nested more than %d deep", maxDepth)
	}
	tok, err := w.Token()
	if err != nil {
		return ambiguous("its body is not JSON")
	}
	open, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	t = settle(t)
	if open == '[' {
		elem := reflect.Type(nil)
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for w.More() {
			if err := w.value(elem, at, depth+1); err != nil {
				return err
			}
		}
		_, err := w.Token()
		return wrapEnd(err)
	}
	fields := fieldsOf(t)
	seen := map[string]bool{}
	for w.More() {
		tok, err := w.Token()
		key, ok := tok.(string)
		if err != nil || !ok {
			return ambiguous("its body is not JSON")
		}
		if seen[key] {
			return ambiguous("its body has %q twice", clip(at+key))
		}
		seen[key] = true
		var next reflect.Type
		switch {
		case fields != nil:
			f, ok := fields[key]
			if !ok && !slices.Contains(w.known, key) {
				return ambiguous("its body has the key %q, which is not known here", clip(at+key))
			}
			next = f
		case t != nil && t.Kind() == reflect.Map:
			next = t.Elem()
		}
		if err := w.value(next, at+key+".", depth+1); err != nil {
			return err
		}
	}
	_, err = w.Token()
	return wrapEnd(err)
}

func wrapEnd(err error) error {
	if err != nil {
		return ambiguous("its body is not JSON")
	}
	return nil
}

// settle is the type that JSON is decoded into; nil for one that decodes itself.
func settle(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	return t
}

// fieldsOf are the fields of a struct by their names in JSON, embedded ones among them;
// nil: it is none.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for k, v := range fieldsOf(settle(f.Type)) {
				if _, ok := out[k]; !ok {
					out[k] = v
				}
			}
		case !f.IsExported() || name == "-":
		case name == "":
			out[f.Name] = f.Type
		default:
			out[name] = f.Type
		}
	}
	return out
}
