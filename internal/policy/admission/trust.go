package admission

import (
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
)

// complete checks an entry and reads what it names.
func (t *Trust) complete(read Files) error {
	kinds := 0
	for _, there := range []bool{len(t.Roots) > 0, len(t.Keys) > 0, len(t.Identities) > 0, t.Notation != nil} {
		if there {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return errors.New("name roots, keys, identities or notation")
	case kinds > 1:
		return errors.New("roots, keys, identities and notation are requirements of their own: an entry each")
	case len(t.Roots) == 0 && len(t.Signers) > 0:
		return errors.New("signers are names under a root, and of nothing else")
	case len(t.Keys) == 0 && t.SigTags:
		return errors.New("sig-tags goes with keys")
	case (len(t.Identities) > 0) != (t.TrustedRoot != ""):
		return errors.New("identities and trusted-root go together")
	}
	t.roots = map[string][]byte{}
	for _, look := range []func(Files) error{t.readRoots, t.readKeys, t.readIdentities, t.readNotation} {
		if err := look(read); err != nil {
			return err
		}
	}
	if t.Threshold == 0 {
		t.Threshold = 1
	}
	most := max(len(t.Signers), t.who.Most())
	if t.Notation != nil && most == 0 {
		most = 1
	}
	if t.Threshold < 0 || most > 0 && t.Threshold > most {
		return fmt.Errorf("threshold: %d of %d", t.Threshold, most)
	}
	return nil
}

func (t *Trust) readRoots(read Files) error {
	for _, file := range t.Roots {
		b, err := read(file)
		if err != nil {
			return err
		}
		repository, err := trust.RootOf(b)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if t.roots[repository] != nil {
			return fmt.Errorf("%s: a second root of %s", file, repository)
		}
		t.roots[repository] = b
	}
	return nil
}

func (t *Trust) readKeys(read Files) error {
	t.who.SigTags = t.SigTags
	for _, file := range t.Keys {
		b, err := read(file)
		if err != nil {
			return err
		}
		keys, err := trust.PublicKeys(b)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		t.who.Keys = append(t.who.Keys, keys[0]) // the second one of NAME.pub is the signer's online key
	}
	return nil
}

func (t *Trust) readIdentities(read Files) error {
	for i := range t.Identities {
		if err := t.Identities[i].Complete(); err != nil {
			return err
		}
	}
	if t.who.Identities = t.Identities; t.TrustedRoot == "" {
		return nil
	}
	b, err := read(t.TrustedRoot)
	if err != nil {
		return err
	}
	if t.who.Root, err = scheme.ParseTrustedRoot(b); err != nil {
		return fmt.Errorf("%s: %w", t.TrustedRoot, err)
	}
	return nil
}

func (t *Trust) readNotation(read Files) error {
	if t.Notation == nil {
		return nil
	}
	var files [3][][]byte
	for i, names := range [][]string{t.Notation.Certificates, t.Notation.Timestamps, t.Notation.CRLs} {
		for _, file := range names {
			b, err := read(file)
			if err != nil {
				return err
			}
			files[i] = append(files[i], b)
		}
	}
	var err error
	if t.who.Store, err = scheme.NewTrustStore(files[0], files[1], t.Notation.Subjects); err == nil {
		err = t.who.Store.Revocation(files[2])
	}
	if err != nil {
		return fmt.Errorf("notation: %w", err)
	}
	return nil
}
