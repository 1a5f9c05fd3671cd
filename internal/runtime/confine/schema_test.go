package confine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

func published(t *testing.T, name string) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	file := filepath.Join("..", "..", "..", "docs", "schema", name)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	s, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s, raw
}

func valid(s *jsonschema.Schema, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// TestSchemas holds what is written to the schemas that are published, and these to the
// fields that there are: scripts rely on both.
func TestSchemas(t *testing.T) {
	profile, pRaw := published(t, "profile.v1.json")
	proof, fRaw := published(t, "proof.v1.json")
	same(t, "profile", pRaw, reflect.TypeFor[Profile]())
	same(t, "proof", fRaw, reflect.TypeFor[Proof]())

	o := nginx(t)
	for name, opt := range map[string]Options{"tight": {}, "portable": {Portable: true}, "log": {Log: true}, "nproc": {Nproc: 100}} {
		p, err := Draft(o, opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(profile, p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(proof, Unproved(p, o)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []*Profile{Hardened(), Unconfined(observe.Image{})} {
		if err := valid(profile, p); err != nil {
			t.Error(err)
		}
	}
	whole := Unproved(Hardened(), o)
	whole.Level, whole.Runtime = "ran", &o.Runtime
	whole.Users, whole.Capabilities = []Kept{{Name: "root", Failure: "x"}}, []Kept{{Name: "CHOWN", Failure: "x"}}
	whole.Writable = []Kept{{Path: "/run", Failure: "x"}}
	whole.Enforced = Enforced{Capabilities: []string{"CHOWN"}, Differences: []seccomp.Difference{{ABI: seccomp.I386, Name: "x"}}}
	whole.NotEnforced, whole.Tolerated = []NotEnforced{{"a", "b"}}, []string{"x"}
	whole.Missing, whole.Failure = []Missing{{Kind: "call", Name: "x"}}, "y"
	if err := valid(proof, whole); err != nil {
		t.Error(err)
	}
	if valid(profile, &Profile{Schema: Schema, User: "root"}) == nil || valid(proof, &Proof{Level: "yes"}) == nil {
		t.Error("the schemas take anything")
	}
}

// same holds the properties of a schema to the fields of a type, all the way down.
func same(t *testing.T, at string, schema map[string]any, typ reflect.Type) {
	t.Helper()
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		if typ.Kind() == reflect.Slice {
			items, ok := schema["items"].(map[string]any)
			if !ok {
				t.Errorf("%s: the schema has no items", at)
				return
			}
			schema = items
		}
		typ = typ.Elem()
	}
	properties, _ := schema["properties"].(map[string]any)
	if typ.Kind() != reflect.Struct || properties == nil {
		return
	}
	var fields []string
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		fields = append(fields, name)
		if sub, ok := properties[name].(map[string]any); ok {
			same(t, at+"."+name, sub, f.Type)
		}
	}
	var have []string
	for name := range properties {
		have = append(have, name)
	}
	// What only profiles of others have is not among what is written.
	fields = slices.DeleteFunc(fields, func(name string) bool {
		return slices.Contains([]string{"archMap", "includes", "excludes"}, name) || strings.HasSuffix(at, "syscalls") && name == "name"
	})
	slices.Sort(fields)
	slices.Sort(have)
	if !slices.Equal(fields, have) {
		t.Errorf("%s: the schema has %q, and the type %q", at, have, fields)
	}
}
