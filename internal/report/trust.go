package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// Facts writes what a verb did: a text, or the facts as JSON.
func Facts(w io.Writer, format string, facts map[string]any, text string, opt Options) error {
	switch format {
	case "json":
		facts["schema"] = Schema
		return jsonstream.Write(w, facts)
	case "text":
		return paged(w, opt, func(p *page) {
			for _, l := range strings.Split(text, "\n") {
				p.line("%s", Clean(l))
			}
		})
	}
	return errTrustFormat(format)
}

func errTrustFormat(format string) error {
	return fmt.Errorf("trust has no format %q (one of text, json)", format)
}

// TrustKeys writes the keys of this machine.
func TrustKeys(w io.Writer, format string, all []keyring.Entry, opt Options) error {
	if format == "json" {
		if all == nil {
			all = []keyring.Entry{}
		}
		return jsonstream.Write(w, map[string]any{"schema": Schema, "keys": all})
	}
	if format != "text" {
		return errTrustFormat(format)
	}
	return paged(w, opt, func(p *page) {
		if len(all) == 0 {
			p.line("no keys; drydock trust key generate NAME makes one")
			return
		}
		var rows [][]string
		for _, e := range all {
			rows = append(rows, cleanAll([]string{string(e.Role), e.Name, e.ID[:12], e.Repository}))
		}
		p.table(0, []string{"ROLE", "NAME", "KEY", "~REPOSITORY"}, rows)
	})
}

// Inspected is one argument of trust inspect.
type Inspected struct {
	Name string
	Tag  string // empty: the repository
	View *trust.View
}

// dockerInspect is the shape of docker trust inspect.
type dockerInspect struct {
	Name               string
	SignedTags         []dockerTag
	Signers            []dockerSigner
	AdministrativeKeys []dockerSigner
}

type dockerTag struct {
	SignedTag, Digest string
	Signers           []string
}

type dockerSigner struct {
	Name string
	Keys []dockerKey
}

type dockerKey struct{ ID string }

// TrustInspect writes what is signed in repositories, as docker trust inspect
// does.
func TrustInspect(w io.Writer, format string, all []Inspected, opt Options) error {
	switch format {
	case "json":
		out := []dockerInspect{}
		for _, in := range all {
			out = append(out, inspected(in))
		}
		return jsonstream.Write(w, out)
	case "text":
	default:
		return errTrustFormat(format)
	}
	return paged(w, opt, func(p *page) {
		for i, in := range all {
			if i > 0 {
				p.line("")
			}
			p.inspected(in)
		}
	})
}

func inspected(in Inspected) dockerInspect {
	out := dockerInspect{Name: in.Name, SignedTags: []dockerTag{}, Signers: []dockerSigner{}}
	for _, st := range signedTags(in) {
		out.SignedTags = append(out.SignedTags, dockerTag{st.Tag, st.Digest.Hex(), st.Signers})
	}
	for _, r := range in.View.Roles {
		if r.Signer != "" {
			out.Signers = append(out.Signers, dockerSigner{r.Signer, dockerKeys(r)})
		}
	}
	for _, name := range []string{trust.Root, trust.Targets} {
		r, _ := in.View.Role(name)
		title := map[string]string{trust.Root: "Root", trust.Targets: "Repository"}[name]
		out.AdministrativeKeys = append(out.AdministrativeKeys, dockerSigner{title, dockerKeys(r)})
	}
	return out
}

func dockerKeys(r trust.RoleView) []dockerKey {
	out := []dockerKey{}
	for _, k := range r.Keys {
		out = append(out, dockerKey{k.ID()})
	}
	return out
}

func signedTags(in Inspected) []trust.Standing {
	return slices.DeleteFunc(in.View.Tags(), func(st trust.Standing) bool { return st.Revoked || in.Tag != "" && st.Tag != in.Tag })
}

func (p *page) inspected(in Inspected) {
	name := Clean(in.Name)
	tags := signedTags(in)
	if len(tags) == 0 {
		p.line("No signatures for %s", name)
	} else {
		p.line("Signatures for %s", name)
		p.line("")
		var rows [][]string
		for _, st := range tags {
			rows = append(rows, cleanAll([]string{st.Tag, st.Digest.Hex(), strings.Join(st.Signers, ", ")}))
		}
		p.table(0, []string{"SIGNED TAG", "~DIGEST", "SIGNERS"}, rows)
	}
	var signers [][]string
	for _, r := range in.View.Roles {
		if r.Signer == "" {
			continue
		}
		var keys []string
		for _, k := range r.Keys {
			keys = append(keys, k.ID()[:12])
		}
		if r.Threshold > 1 {
			keys = append(keys, fmt.Sprintf("(%d of %d must sign)", r.Threshold, len(r.Keys)))
		}
		signers = append(signers, cleanAll([]string{r.Signer, strings.Join(keys, " ")}))
	}
	if len(signers) > 0 {
		p.line("")
		p.line("List of signers and their keys for %s", name)
		p.line("")
		p.table(0, []string{"SIGNER", "KEYS"}, signers)
	}
	p.line("")
	p.line("Administrative keys for %s", name)
	p.line("")
	var admin [][]string
	for _, of := range []struct{ role, title string }{{trust.Targets, "Repository Key:"}, {trust.Root, "Root Key:"}} {
		r, _ := in.View.Role(of.role)
		for _, k := range r.Keys {
			admin = append(admin, []string{of.title, k.ID()})
		}
	}
	p.table(2, []string{"", "~"}, admin)
}
