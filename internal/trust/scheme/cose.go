package scheme

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const maxDepth = 8 // of CBOR values in each other

// tagged is a CBOR value with a tag.
type tagged struct {
	tag   uint64
	value any
}

// cbor reads one value of RFC 8949 in its definite form: an int64, a string, bytes, a list,
// a map with integers or strings as keys, a tagged value, or nil. A key that is there twice
// is an error.
type cbor struct{ rest []byte }

var errCBOR = errors.New("it is no CBOR that is supported")

func (c *cbor) value(depth int) (any, error) {
	if len(c.rest) == 0 || depth > maxDepth {
		return nil, errCBOR
	}
	kind, info := c.rest[0]>>5, c.rest[0]&31
	c.rest = c.rest[1:]
	n := uint64(info)
	if kind == 7 && n != 20 && n != 21 && n != 22 {
		return nil, errCBOR
	}
	if info >= 24 {
		size := 1 << (info - 24)
		if info > 27 || len(c.rest) < size {
			return nil, errCBOR
		}
		var word [8]byte
		copy(word[8-size:], c.rest[:size])
		n, c.rest = binary.BigEndian.Uint64(word[:]), c.rest[size:]
	}
	switch kind {
	case 0, 1:
		if n > 1<<62 {
			return nil, errCBOR
		}
		if kind == 1 {
			return -1 - int64(n), nil
		}
		return int64(n), nil
	case 2, 3:
		if n > uint64(len(c.rest)) {
			return nil, errCBOR
		}
		b := c.rest[:n:n]
		if c.rest = c.rest[n:]; kind == 3 {
			return string(b), nil
		}
		return b, nil
	case 4:
		return c.list(n, depth)
	case 5:
		return c.mapping(n, depth)
	case 6:
		v, err := c.value(depth + 1)
		return tagged{n, v}, err
	}
	return nil, nil
}

func (c *cbor) list(n uint64, depth int) (any, error) {
	if n > uint64(len(c.rest)) { // each takes a byte at least
		return nil, errCBOR
	}
	var out []any
	for range n {
		v, err := c.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (c *cbor) mapping(n uint64, depth int) (any, error) {
	if n > uint64(len(c.rest)) {
		return nil, errCBOR
	}
	out := map[any]any{}
	for range n {
		k, err := c.value(depth + 1)
		if err != nil {
			return nil, err
		}
		switch k.(type) {
		case int64, string:
		default:
			return nil, errCBOR
		}
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("the key %v is there twice", k)
		}
		if out[k], err = c.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readCBOR(b []byte) (any, error) {
	c := cbor{b}
	v, err := c.value(0)
	if err == nil && len(c.rest) > 0 {
		err = errors.New("something follows the CBOR value")
	}
	return v, err
}

// coseAlgorithms are JWS's names of what RFC 9053 has numbers for.
func coseAlgorithms() map[int64]string {
	return map[int64]string{-7: "ES256", -35: "ES384", -36: "ES512", -37: "PS256", -38: "PS384", -39: "PS512"}
}

// readCOSE reads an envelope in COSE's form: COSE_Sign1 (RFC 9052, section 4.2).
func readCOSE(b []byte) (envelope, error) {
	var out envelope
	v, err := readCBOR(b)
	if err != nil {
		return out, err
	}
	t, _ := v.(tagged)
	parts, _ := t.value.([]any)
	if t.tag != 18 || len(parts) != 4 {
		return out, errors.New("it is no COSE_Sign1")
	}
	protected, ok := parts[0].([]byte)
	open, ok2 := parts[1].(map[any]any)
	var ok3, ok4 bool
	out.payload, ok3 = parts[2].([]byte)
	out.sig, ok4 = parts[3].([]byte)
	if !ok || !ok2 || !ok3 || !ok4 {
		return out, errors.New("it is no COSE_Sign1")
	}
	if v, err = readCBOR(protected); err != nil {
		return out, err
	}
	head, _ := v.(map[any]any)
	alg, _ := head[int64(1)].(int64)
	out.algorithm = coseAlgorithms()[alg]
	critical, _ := head[int64(2)].([]any)
	for _, c := range critical {
		out.critical = append(out.critical, fmt.Sprint(c))
	}
	out.content, _ = head[int64(3)].(string)
	out.scheme, _ = head[headScheme].(string)
	if out.time, err = coseTime(head[headTime]); err != nil {
		return out, err
	}
	if e, there := head[headExpiry]; there {
		if out.expiry, err = coseTime(e); err != nil {
			return out, err
		}
	}
	switch chain := open[int64(33)].(type) { // RFC 9360
	case []byte:
		out.chain = [][]byte{chain}
	case []any:
		for _, c := range chain {
			raw, _ := c.([]byte)
			out.chain = append(out.chain, raw)
		}
	}
	out.stamp, _ = open["io.cncf.notary.timestampSignature"].([]byte)
	// Sig_structure (RFC 9052, section 4.4)
	out.signed = append([]byte{0x84, 0x6a}, "Signature1"...)
	out.signed = appendBytes(out.signed, protected)
	out.signed = append(out.signed, 0x40)
	out.signed = appendBytes(out.signed, out.payload)
	return out, nil
}

func coseTime(v any) (time.Time, error) {
	t, _ := v.(tagged)
	n, ok := t.value.(int64)
	if t.tag != 1 || !ok {
		return time.Time{}, errors.New("its times cannot be read")
	}
	return time.Unix(n, 0), nil
}

// appendBytes writes a byte string of CBOR.
func appendBytes(to, b []byte) []byte {
	switch n := len(b); {
	case n < 24:
		to = append(to, 0x40|byte(n))
	case n < 1<<8:
		to = append(to, 0x58, byte(n))
	case n < 1<<16:
		to = binary.BigEndian.AppendUint16(append(to, 0x59), uint16(n))
	default:
		to = binary.BigEndian.AppendUint32(append(to, 0x5a), uint32(n))
	}
	return append(to, b...)
}
