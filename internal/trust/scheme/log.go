package scheme

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxProof is how many hashes a proof of inclusion may have: those of a log of 2^63 entries.
const maxProof = 63

// logEntry is what a bundle has of its entry in a log (Rekor's).
type logEntry struct {
	Index number `json:"logIndex"`
	LogID struct {
		KeyID []byte `json:"keyId"`
	} `json:"logId"`
	Kind struct {
		Kind    string `json:"kind"`
		Version string `json:"version"`
	} `json:"kindVersion"`
	Time    number `json:"integratedTime"`
	Promise *struct {
		Timestamp []byte `json:"signedEntryTimestamp"`
	} `json:"inclusionPromise"`
	Proof *inclusion `json:"inclusionProof"`
	Body  []byte     `json:"canonicalizedBody"`
}

type inclusion struct {
	Index      number   `json:"logIndex"`
	RootHash   []byte   `json:"rootHash"`
	Size       number   `json:"treeSize"`
	Hashes     [][]byte `json:"hashes"`
	Checkpoint struct {
		Envelope string `json:"envelope"`
	} `json:"checkpoint"`
}

// verify holds an entry to its log's key and to the signature that it is of. The time is
// zero where the log did not sign one.
func (e logEntry) verify(l logKey, s signing, promised bool) (time.Time, error) {
	switch {
	case e.Proof == nil && (e.Promise == nil || !promised):
		return time.Time{}, errors.New("the bundle has no proof that the log has it")
	case e.Promise == nil && e.Index != e.Proof.Index: // a log without promises counts its own entries alone
		return time.Time{}, errors.New("the entry and its proof are for two places in the log")
	case len(e.Body) == 0:
		return time.Time{}, errors.New("the bundle lacks the entry itself")
	}
	var at time.Time
	if e.Promise != nil {
		if !e.promised(l) {
			return time.Time{}, errors.New("its promise is not by the log's key")
		}
		at = time.Unix(int64(e.Time), 0)
		if !l.span.has(at) {
			return time.Time{}, errors.New("the log's key was not in use then")
		}
	}
	if e.Proof != nil {
		if err := e.Proof.verify(e.Body, l); err != nil {
			return time.Time{}, err
		}
	}
	return at, e.about(s)
}

// promised verifies the log's promise: its signature of the canonical JSON of an entry.
func (e logEntry) promised(l logKey) bool {
	message, err := json.Marshal(struct { // in the order of RFC 8785
		Body  []byte `json:"body"`
		Time  int64  `json:"integratedTime"`
		LogID string `json:"logID"`
		Index int64  `json:"logIndex"`
	}{e.Body, int64(e.Time), hex.EncodeToString(l.id), int64(e.Index)})
	return err == nil && verify(l.public, hashOf(l.public), message, e.Promise.Timestamp)
}

// verify proves that a log has an entry: its hash leads to the root hash that the log
// signed (RFC 9162, section 2.1.3.2).
func (p inclusion) verify(body []byte, l logKey) error {
	size, root, err := checkpoint(p.Checkpoint.Envelope, l)
	if err != nil {
		return err
	}
	if p.Size != number(size) || !bytes.Equal(p.RootHash, root) {
		return errors.New("the proof is for another state than the log signed")
	}
	if p.Index < 0 || p.Index >= p.Size || len(p.Hashes) > maxProof {
		return errors.New("the proof is for no entry of the log")
	}
	h := sha256.Sum256(append([]byte{0}, body...))
	first, last := uint64(p.Index), uint64(p.Size)-1
	for _, sibling := range p.Hashes {
		if last == 0 || len(sibling) != sha256.Size {
			return errors.New("the proof of inclusion does not hold")
		}
		if first&1 == 1 || first == last {
			h = node(sibling, h[:])
			for first&1 == 0 && first != 0 {
				first, last = first>>1, last>>1
			}
		} else {
			h = node(h[:], sibling)
		}
		first, last = first>>1, last>>1
	}
	if last != 0 || !bytes.Equal(h[:], root) {
		return errors.New("the proof of inclusion does not hold")
	}
	return nil
}

func node(left, right []byte) [sha256.Size]byte {
	return sha256.Sum256(bytes.Join([][]byte{{1}, left, right}, nil))
}

// checkpoint reads the state of a log that its key signed: a signed note (C2SP
// signed-note, tlog-checkpoint).
func checkpoint(note string, l logKey) (size int64, root []byte, err error) {
	end := strings.LastIndex(note, "\n\n")
	if end < 0 {
		return 0, nil, errors.New("the state of the log is no signed note")
	}
	text, sigs := note[:end+1], note[end+2:]
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return 0, nil, errors.New("the state of the log is no signed note")
	}
	signed := false
	origin, _, _ := strings.Cut(lines[0], " - ")
	for line := range strings.Lines(sigs) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "—" || fields[1] != origin { // others may sign it, too
			continue
		}
		sig, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil || len(sig) <= 4 || !verify(l.public, hashOf(l.public), []byte(text), sig[4:]) { // after a hint to the key
			return 0, nil, errors.New("the state of the log is not signed by its key")
		}
		signed = true
	}
	if !signed {
		return 0, nil, errors.New("the state of the log is not signed by its key")
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return 0, nil, errors.New("the state of the log has no size")
	}
	root, err = base64.StdEncoding.DecodeString(lines[2])
	return size, root, err
}

// entryJSON is what the kinds of entry have in common with what they are compared with.
type entryJSON struct {
	Kind    string `json:"kind"`
	Version string `json:"apiVersion"`
	Spec    struct {
		PayloadHash *hashJSON `json:"payloadHash"` // dsse 0.0.1
		Signatures  []struct {
			Signature string `json:"signature"`
			Verifier  []byte `json:"verifier"`
		} `json:"signatures"`
		Content struct { // intoto 0.0.2
			PayloadHash *hashJSON `json:"payloadHash"`
			Envelope    struct {
				Signatures []struct {
					Sig       []byte `json:"sig"`
					PublicKey []byte `json:"publicKey"`
				} `json:"signatures"`
			} `json:"envelope"`
		} `json:"content"`
		DSSE *struct { // dsse 0.0.2
			PayloadHash hash2JSON `json:"payloadHash"`
			Signatures  []sigJSON `json:"signatures"`
		} `json:"dsseV002"`
		Hashed *struct { // hashedrekord 0.0.2
			Data      hash2JSON `json:"data"`
			Signature sigJSON   `json:"signature"`
		} `json:"hashedRekordV002"`
	} `json:"spec"`
}

type hashJSON struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

type hash2JSON struct {
	Algorithm string `json:"algorithm"`
	Digest    []byte `json:"digest"`
}

type sigJSON struct {
	Content  []byte `json:"content"`
	Verifier struct {
		Certificate rawJSON `json:"x509Certificate"`
	} `json:"verifier"`
}

// about reports that an entry is of this signature: the same bytes signed, the same
// signature, the same certificate. An entry of another says nothing.
func (e logEntry) about(s signing) error {
	var in entryJSON
	if err := json.Unmarshal(e.Body, &in); err != nil {
		return fmt.Errorf("its entry cannot be read: %w", err)
	}
	if in.Kind != e.Kind.Kind || in.Version != e.Kind.Version {
		return errors.New("its entry is of another kind than the bundle says")
	}
	var hash, sig, cert []byte
	var algorithm string
	want := s.payload
	x := in.Spec
	switch kind := in.Kind + " " + in.Version; {
	case kind == "dsse 0.0.1" && x.PayloadHash != nil && len(x.Signatures) == 1:
		hash, algorithm = fromHex(x.PayloadHash.Value), x.PayloadHash.Algorithm
		sig, cert = fromBase64(x.Signatures[0].Signature), fromPEM(x.Signatures[0].Verifier)
	case kind == "intoto 0.0.2" && x.Content.PayloadHash != nil && len(x.Content.Envelope.Signatures) == 1:
		one := x.Content.Envelope.Signatures[0]
		hash, algorithm = fromHex(x.Content.PayloadHash.Value), x.Content.PayloadHash.Algorithm
		sig, cert = fromBase64(string(one.Sig)), fromPEM(one.PublicKey)
	case kind == "dsse 0.0.2" && x.DSSE != nil && len(x.DSSE.Signatures) == 1:
		hash, algorithm = x.DSSE.PayloadHash.Digest, x.DSSE.PayloadHash.Algorithm
		sig, cert = x.DSSE.Signatures[0].Content, x.DSSE.Signatures[0].Verifier.Certificate.Raw
	case kind == "hashedrekord 0.0.2" && x.Hashed != nil:
		want = s.message
		hash, algorithm = x.Hashed.Data.Digest, x.Hashed.Data.Algorithm
		sig, cert = x.Hashed.Signature.Content, x.Hashed.Signature.Verifier.Certificate.Raw
	default:
		return fmt.Errorf("an entry of kind %q is not supported for envelopes", kind)
	}
	h := hashOf(s.leaf.PublicKey)
	if algorithm == "sha256" || algorithm == "SHA2_256" {
		h = hashOf(nil)
	}
	sum, err := digest(h, want)
	if err != nil {
		return err
	}
	if !bytes.Equal(hash, sum) || !bytes.Equal(sig, s.sig) || !bytes.Equal(cert, s.leaf.Raw) {
		return errors.New("its entry is of another signature")
	}
	return nil
}

func fromHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

func fromBase64(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

// fromPEM is the one certificate of a PEM file.
func fromPEM(b []byte) []byte {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c.Raw
}
