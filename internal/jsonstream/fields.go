package jsonstream

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// field is a field of a struct as encoding/json has it.
type field struct {
	name                string
	value               reflect.Value
	omitEmpty, omitZero bool
}

// key is what stands before the field's value, with the comma after the one before.
func (f *field) key(e *encoder) string {
	name, _ := json.Marshal(f.name) // a string always encodes
	var b strings.Builder
	b.WriteByte(',')
	if e.compact {
		return b.String() + string(name) + ":"
	}
	b.WriteString("\n" + strings.Repeat("  ", e.depth))
	return b.String() + string(name) + ": "
}

// absent reports whether the field is left out for what it holds.
func (f *field) absent() bool {
	if f.omitEmpty {
		switch v := f.value; v.Kind() {
		case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
			return v.Len() == 0
		case reflect.Struct:
		default:
			return v.IsZero()
		}
	}
	if !f.omitZero {
		return false
	}
	if z, ok := address(f.value).(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return f.value.IsZero()
}

// fields visits those of a struct in their order, an embedded struct's in its place.
func (e *encoder) fields(v reflect.Value, visit func(field) error) error {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		tag := t.Tag.Get("json")
		if tag == "-" || !t.IsExported() && !t.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if t.Anonymous && name == "" && t.Type.Kind() == reflect.Struct {
			if err := e.fields(v.Field(i), visit); err != nil {
				return err
			}
			continue
		}
		f := field{name: name, value: v.Field(i)}
		if name == "" {
			f.name = t.Name
		}
		for o := range strings.SplitSeq(options, ",") {
			switch o {
			case "":
			case "omitempty":
				f.omitEmpty = true
			case "omitzero":
				f.omitZero = true
			default:
				return fmt.Errorf("jsonstream: %s.%s: the option %q is not known", v.Type(), t.Name, o)
			}
		}
		if t.Anonymous && !t.IsExported() || t.Anonymous && name == "" && t.Type.Kind() == reflect.Pointer {
			return fmt.Errorf("jsonstream: %s: %s cannot be embedded", v.Type(), t.Name)
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}
