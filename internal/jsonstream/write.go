package jsonstream

import (
	"bufio"
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"reflect"
	"strings"
)

// Lists are what stands in the place of fields that are lists, by the fields' JSON names.
// A field whose own list would be left out when it is empty (omitempty) is left out if no
// element comes; one that is a pointer to a list is not.
type Lists map[string]iter.Seq[any]

// Value is a struct, or a pointer to one, some of whose lists are made while it is
// written.
type Value struct {
	V     any
	Lists Lists
}

// Map is a list of what a function makes of each element.
func Map[T, U any](from iter.Seq[T], make func(T) U) iter.Seq[any] {
	return func(yield func(any) bool) {
		for x := range from {
			y := make(x)
			if !yield(&y) {
				return
			}
		}
	}
}

// Write writes v as indented JSON, two blanks a level, with a line end behind it.
func Write(w io.Writer, v any) error { return write(w, v, false) }

// WriteCompact writes v as JSON on one line, with a line end behind it.
func WriteCompact(w io.Writer, v any) error { return write(w, v, true) }

func write(w io.Writer, v any, compact bool) error {
	e := &encoder{w: bufio.NewWriterSize(w, 64<<10), compact: compact}
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	if err := e.document(v); err != nil {
		return err
	}
	_ = e.w.WriteByte('\n')
	return e.w.Flush() // which has the first error of all
}

type encoder struct {
	w       *bufio.Writer
	compact bool
	depth   int
	text    bytes.Buffer // of the element that is encoded
	json    *json.Encoder
}

// document writes a value and, where it is a struct or a list, what it holds one by one.
func (e *encoder) document(v any) error {
	d, ok := v.(Value)
	if !ok {
		d.V = v
	}
	at := reflect.ValueOf(d.V)
	for at.Kind() == reflect.Pointer && !at.IsNil() && !encodesItself(at) {
		at = at.Elem()
	}
	switch {
	case !at.IsValid() || encodesItself(at):
	case at.Kind() == reflect.Struct:
		return e.object(at, d.Lists)
	case at.Kind() == reflect.Slice && !at.IsNil() && heavy(at.Type().Elem()):
		return e.list(elements(at), "", true)
	}
	return e.whole(d.V)
}

// object writes a struct field by field.
func (e *encoder) object(v reflect.Value, lists Lists) error {
	_ = e.w.WriteByte('{')
	e.depth++
	first := true
	left := len(lists)
	err := e.fields(v, func(f field) error {
		key, seq := f.key(e), lists[f.name]
		if first {
			key = strings.TrimPrefix(key, ",")
		}
		var err error
		wrote := true
		switch {
		case seq != nil:
			left--
			wrote, err = e.named(key, seq, !f.omitEmpty || f.value.Kind() == reflect.Pointer)
		case f.absent():
			return nil
		default:
			_, _ = e.w.WriteString(key)
			err = e.held(f.value)
		}
		first = first && !wrote
		return err
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("jsonstream: %s has not all the lists that it is given", v.Type())
	}
	e.depth--
	if !first {
		e.line()
	}
	_ = e.w.WriteByte('}')
	return err
}

// held writes what a field holds: a list one by one, anything else as a whole.
func (e *encoder) held(v reflect.Value) error {
	list := v
	if list.Kind() == reflect.Pointer && !list.IsNil() {
		list = list.Elem()
	}
	if list.Kind() == reflect.Slice && !list.IsNil() && heavy(list.Type().Elem()) && !encodesItself(list) {
		return e.list(elements(list), "", true)
	}
	return e.whole(address(v))
}

func (e *encoder) list(seq iter.Seq[any], key string, always bool) error {
	_, err := e.named(key, seq, always)
	return err
}

// named writes a list behind its key, unless it is empty and may be left out, and reports
// whether it was written.
func (e *encoder) named(key string, seq iter.Seq[any], always bool) (bool, error) {
	wrote := false
	begin := func() {
		_, _ = e.w.WriteString(key)
		_ = e.w.WriteByte('[')
		wrote = true
	}
	for x := range seq {
		if !wrote {
			begin()
			e.depth++
		} else {
			_ = e.w.WriteByte(',')
		}
		e.line()
		var err error
		if v, ok := x.(Value); ok {
			err = e.document(v)
		} else {
			err = e.whole(x)
		}
		if err != nil {
			return true, err
		}
	}
	switch {
	case wrote:
		e.depth--
		e.line()
	case always:
		begin()
	default:
		return false, nil
	}
	return true, e.w.WriteByte(']')
}

// whole writes a value by encoding/json.
func (e *encoder) whole(v any) error {
	e.text.Reset()
	if err := e.json.Encode(v); err != nil {
		return err
	}
	text := bytes.TrimSuffix(e.text.Bytes(), []byte("\n"))
	if e.compact {
		_, err := e.w.Write(text)
		return err
	}
	e.indented(text)
	return nil
}

func (e *encoder) line() {
	if e.compact {
		return
	}
	_ = e.w.WriteByte('\n')
	for range e.depth {
		_, _ = e.w.WriteString("  ")
	}
}

// indented writes compact JSON as json.Indent lays it out. It takes what the encoder made
// for well-formed, and so costs a fraction.
func (e *encoder) indented(compact []byte) {
	for i := 0; i < len(compact); {
		c := compact[i]
		switch c {
		case '{', '[':
			_ = e.w.WriteByte(c)
			i++
			if i < len(compact) && compact[i] == c+2 {
				_ = e.w.WriteByte(c + 2)
				i++
				continue
			}
			e.depth++
			e.line()
			continue
		case '}', ']':
			e.depth--
			e.line()
		case ',':
			_ = e.w.WriteByte(c)
			i++
			e.line()
			continue
		case ':':
			_, _ = e.w.WriteString(": ")
			i++
			continue
		}
		end := i + 1
		if c == '"' {
			for end < len(compact) && compact[end] != '"' {
				if compact[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(compact))
		}
		_, _ = e.w.Write(compact[i:end])
		i = end
	}
}

// elements are those of a list, by their addresses: a method with a pointer receiver
// counts for encoding/json, too, where an element has an address.
func elements(list reflect.Value) iter.Seq[any] {
	return func(yield func(any) bool) {
		for i := range list.Len() {
			if !yield(list.Index(i).Addr().Interface()) {
				return
			}
		}
	}
}

// address is a pointer to v where it has an address: see elements.
func address(v reflect.Value) any {
	if v.CanAddr() {
		return v.Addr().Interface()
	}
	return v.Interface()
}

// heavy reports whether the elements of a list are worth writing one by one.
func heavy(element reflect.Type) bool {
	switch element.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Interface:
		return true
	case reflect.Pointer:
		return element.Elem().Kind() == reflect.Struct
	}
	return false
}

// encodesItself reports whether a value says itself what its JSON is.
func encodesItself(v reflect.Value) bool {
	for _, t := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if v.Type().Implements(t) || v.CanAddr() && reflect.PointerTo(v.Type()).Implements(t) {
			return true
		}
	}
	return false
}
