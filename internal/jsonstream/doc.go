// Package jsonstream writes a JSON document of any length in the memory of one of its
// elements, byte for byte as encoding/json would write it:
//
//	doc := Report{Tool: "drydock"} // its field Findings, `json:"findings"`, is empty
//	err := jsonstream.Write(w, jsonstream.Value{V: doc, Lists: jsonstream.Lists{
//		"findings": jsonstream.Map(slices.Values(found), docOf),
//	}})
//
// encoding/json holds all of a document's text before it writes the first byte, and the
// caller has made all values by then. Here the lists of a document are encoded element
// by element, and those that Lists names are made that way, too. An element may be a
// [Value] with lists of its own.
//
// HTML is not escaped. As part of the document is written before the rest is encoded, an
// error leaves a document that breaks off.
package jsonstream
