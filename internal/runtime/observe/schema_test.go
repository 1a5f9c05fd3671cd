package observe

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// published is the schema, compiled.
func published(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("observation.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("observation.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchema holds that the schema has every field that is written, and no other, and
// that a real observation is valid.
func TestSchema(t *testing.T) {
	s := published(t)
	b, err := nginx(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("a real observation: %v", err)
	}
	empty, err := (&Observation{Schema: Schema, Way: "bpf", Status: Complete}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = jsonschema.UnmarshalJSON(bytes.NewReader(empty)); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("an empty observation: %v", err)
	}
	for name, body := range map[string]string{
		"another field": strings.Replace(string(b), `"way":`, `"news": 1, "way":`, 1),
		"no calls":      strings.Replace(string(b), `"calls":`, `"cals":`, 1),
		"another state": strings.Replace(string(b), `"status": "complete"`, `"status": "fine"`, 1),
	} {
		if doc, err = jsonschema.UnmarshalJSON(strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s is valid", name)
		}
	}
	var tree map[string]any
	if err := json.Unmarshal(JSONSchema(), &tree); err != nil {
		t.Fatal(err)
	}
	same(t, "the observation", reflect.TypeFor[Observation](), tree, tree["$defs"].(map[string]any))
}

// same compares the fields of a type with the properties of a schema, and those in it.
func same(t *testing.T, where string, of reflect.Type, s, defs map[string]any) {
	t.Helper()
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		if of.Kind() == reflect.Slice {
			if s = resolved(s, defs); s["items"] == nil {
				t.Errorf("%s: no list in the schema", where)
				return
			}
			s = s["items"].(map[string]any)
		}
		of = of.Elem()
	}
	s = resolved(s, defs)
	props, ok := s["properties"].(map[string]any)
	if of.Kind() != reflect.Struct || of.String() == "time.Time" {
		if ok {
			t.Errorf("%s: an object in the schema", where)
		}
		return
	}
	var fields, listed []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		fields = append(fields, name)
		p, ok := props[name].(map[string]any)
		if !ok {
			t.Errorf("%s: %s is not in the schema", where, name)
			continue
		}
		same(t, where+"."+name, of.Field(i).Type, p, defs)
	}
	for name := range props {
		listed = append(listed, name)
	}
	for _, name := range listed {
		if !slices.Contains(fields, name) {
			t.Errorf("%s: the schema has %s, which is never written", where, name)
		}
	}
}

func resolved(s, defs map[string]any) map[string]any {
	if ref, ok := s["$ref"].(string); ok {
		return defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	return s
}
