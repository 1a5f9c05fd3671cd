package scheme

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Identity is whose keyless signatures count: an issuer of identities and a subject, each
// exactly or by an expression that has to match all of it.
type Identity struct {
	Issuer        string `yaml:"issuer,omitempty"`
	IssuerRegexp  string `yaml:"issuer-regexp,omitempty"`
	Subject       string `yaml:"subject,omitempty"`
	SubjectRegexp string `yaml:"subject-regexp,omitempty"`

	issuer, subject *regexp.Regexp
}

const maxExpression = 1000 // bytes

// Complete checks an identity, and makes it ready to match.
func (i *Identity) Complete() error {
	for _, one := range []struct {
		what, exact, like string
		to                **regexp.Regexp
	}{{"issuer", i.Issuer, i.IssuerRegexp, &i.issuer}, {"subject", i.Subject, i.SubjectRegexp, &i.subject}} {
		if (one.exact == "") == (one.like == "") {
			return fmt.Errorf("an identity has one of %s and %s-regexp", one.what, one.what)
		}
		if one.like == "" {
			continue
		}
		if len(one.like) > maxExpression {
			return fmt.Errorf("%s-regexp: more than %d bytes", one.what, maxExpression)
		}
		re, err := regexp.Compile(`^(?:` + one.like + `)$`)
		if err != nil {
			return fmt.Errorf("%s-regexp: %w", one.what, err)
		}
		*one.to = re
	}
	return nil
}

// Matches reports whether a signature is of the identity.
func (i Identity) Matches(s Signed) bool {
	return s.Issuer != "" && s.Subject != "" && fits(s.Issuer, i.Issuer, i.issuer) && fits(s.Subject, i.Subject, i.subject)
}

func fits(is, exact string, like *regexp.Regexp) bool {
	if like != nil {
		return like.MatchString(is)
	}
	return exact != "" && is == exact
}

// String names the identity.
func (i Identity) String() string {
	subject, issuer := i.Subject, i.Issuer
	if subject == "" {
		subject = "/" + i.SubjectRegexp + "/"
	}
	if issuer == "" {
		issuer = "/" + i.IssuerRegexp + "/"
	}
	return subject + " (" + issuer + ")"
}

// Fulcio's extensions: who confirmed the identity, in two spellings, and names of
// another form.
func oidIssuer() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1} }

func oidIssuerV2() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
}

func oidOtherName() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 7}
}
func oidSubjects() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 17} }

// identityIn is whose certificate it is: one subject, and the issuer of the identity.
func identityIn(c *x509.Certificate) (issuer, subject string, err error) {
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(oidIssuerV2()):
			var s string
			if whole(e.Value, &s) != nil {
				return "", "", refuse("its certificate's issuer cannot be read")
			}
			if issuer != "" && issuer != s {
				return "", "", refuse("its certificate names two issuers")
			}
			issuer = s
		case e.Id.Equal(oidIssuer()):
			if issuer != "" && issuer != string(e.Value) {
				return "", "", refuse("its certificate names two issuers")
			}
			issuer = string(e.Value)
		}
	}
	all := append(slices.Clone(c.EmailAddresses), c.DNSNames...)
	for _, u := range c.URIs {
		all = append(all, u.String())
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	others, err := otherNames(c)
	if err != nil {
		return "", "", refuse("%v", err)
	}
	if all = append(all, others...); len(all) != 1 {
		return "", "", refuse("its certificate names %d subjects, where one is due", len(all))
	}
	return issuer, all[0], nil
}

// otherNames are subjects in the form that Fulcio gives to users' names.
func otherNames(c *x509.Certificate) ([]string, error) {
	var out []string
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSubjects()) {
			continue
		}
		var names []asn1.RawValue
		if err := whole(e.Value, &names); err != nil {
			return nil, err
		}
		for _, n := range names {
			if n.Class != asn1.ClassContextSpecific || n.Tag != 0 {
				continue
			}
			var id asn1.ObjectIdentifier
			var value string
			rest, err := asn1.Unmarshal(n.Bytes, &id)
			if err == nil {
				_, err = asn1.UnmarshalWithParams(rest, &value, "utf8,explicit,tag:0")
			}
			if err != nil || !id.Equal(oidOtherName()) {
				return nil, errors.New("its certificate has a name of a form that is not supported")
			}
			out = append(out, value)
		}
	}
	return out, nil
}

// withoutSubjects are the critical extensions that are understood neither by the standard
// library nor here.
func withoutSubjects(c *x509.Certificate) []asn1.ObjectIdentifier {
	if _, err := otherNames(c); err != nil {
		return c.UnhandledCriticalExtensions
	}
	return slices.DeleteFunc(slices.Clone(c.UnhandledCriticalExtensions), func(id asn1.ObjectIdentifier) bool { return id.Equal(oidSubjects()) })
}
