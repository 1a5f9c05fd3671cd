package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
)

// schemeFlags is who must have signed in another scheme than Drydock's own.
type schemeFlags struct {
	key      string
	sigTags  bool
	root     string
	identity scheme.Identity
	notation []string
	stampers []string
	subjects []string
	lists    []string
}

func (o *schemeFlags) add(s *pflag.FlagSet) {
	s.StringVar(&o.key, "key", "", "verify that the public key in `FILE` signed it, as cosign or Drydock does; beside the pinned root, if there is one")
	s.BoolVar(&o.sigTags, "sig-tags", false, "with --key: take cosign's older signatures, under the tag sha256-DIGEST.sig, too")
	s.StringVar(&o.root, "trusted-root", "", "verify that an identity signed it without a key, by Sigstore's trusted root in `FILE`")
	s.StringVar(&o.identity.Subject, "certificate-identity", "", "with --trusted-root: the `SUBJECT` that the certificate has to be for")
	s.StringVar(&o.identity.SubjectRegexp, "certificate-identity-regexp", "", "an `EXPRESSION` that has to match all of the subject")
	s.StringVar(&o.identity.Issuer, "certificate-oidc-issuer", "", "with --trusted-root: the `URL` of the issuer that confirmed the identity")
	s.StringVar(&o.identity.IssuerRegexp, "certificate-oidc-issuer-regexp", "", "an `EXPRESSION` that has to match all of the issuer")
	s.StringArrayVar(&o.notation, "notation-certificate", nil, "verify a signature of Notation's that ends in a certificate of `FILE`")
	s.StringArrayVar(&o.stampers, "notation-timestamp", nil, "with --notation-certificate: the timestamp authority's certificates in `FILE`")
	s.StringArrayVar(&o.lists, "notation-crl", nil, "with --notation-certificate: the certificates that their issuers revoked, in `FILE` (a CRL, DER or PEM)")
	s.StringArrayVar(&o.subjects, "notation-subject", nil, "with --notation-certificate: who has to have signed it, as `CN=NAME,O=ORGANISATION`")
}

// who reads what the flags name; ok is false where they ask for no other scheme.
func (o *schemeFlags) who() (w scheme.Who, ok bool, err error) {
	identified := o.identity != scheme.Identity{}
	kinds := 0
	for _, there := range []bool{o.key != "", o.root != "" || identified, len(o.notation)+len(o.stampers)+len(o.subjects)+len(o.lists) > 0} {
		if there {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return w, false, usageError{errors.New("--key, --trusted-root and --notation-certificate are three questions"), "ask one at a time"}
	case o.sigTags && o.key == "":
		return w, false, usageError{errors.New("--sig-tags goes with --key"), ""}
	case o.key != "":
		w, err = o.byKey()
	case identified && o.root == "":
		return w, false, usageError{errors.New("an identity is verified by a trusted root"), "name it: --trusted-root trusted_root.json"}
	case o.root != "":
		w, err = o.byRoot()
	case kinds == 1:
		w, err = o.byStore()
	}
	return w, kinds == 1, err
}

func (o *schemeFlags) byKey() (scheme.Who, error) {
	b, err := readSmall(o.key, 64<<10)
	if err != nil {
		return scheme.Who{}, err
	}
	keys, err := trust.PublicKeys(b)
	if err != nil {
		return scheme.Who{}, fmt.Errorf("--key %s: %w", o.key, err)
	}
	return scheme.Who{Keys: keys[:1], SigTags: o.sigTags}, nil
}

func (o *schemeFlags) byRoot() (scheme.Who, error) {
	if err := o.identity.Complete(); err != nil {
		return scheme.Who{}, usageError{err, "--certificate-identity SUBJECT --certificate-oidc-issuer URL say who has to have signed it"}
	}
	b, err := readSmall(o.root, scheme.MaxTrustedRoot)
	if err != nil {
		return scheme.Who{}, err
	}
	root, err := scheme.ParseTrustedRoot(b)
	if err != nil {
		return scheme.Who{}, fmt.Errorf("--trusted-root %s: %w", o.root, err)
	}
	return scheme.Who{Identities: []scheme.Identity{o.identity}, Root: root}, nil
}

func (o *schemeFlags) byStore() (scheme.Who, error) {
	var files [3][][]byte
	for i, names := range [][]string{o.notation, o.stampers, o.lists} {
		most := int64(1 << 20)
		if i == 2 {
			most = scheme.MaxList
		}
		for _, name := range names {
			b, err := readSmall(name, most)
			if err != nil {
				return scheme.Who{}, err
			}
			files[i] = append(files[i], b)
		}
	}
	s, err := scheme.NewTrustStore(files[0], files[1], o.subjects)
	if err != nil {
		return scheme.Who{}, usageError{fmt.Errorf("--notation-certificate: %w", err), ""}
	}
	if err := s.Revocation(files[2]); err != nil {
		return scheme.Who{}, usageError{fmt.Errorf("--notation-crl: %w", err), "a CRL as its issuer publishes it: whole, and of its own certificates"}
	}
	return scheme.Who{Store: s}, nil
}
