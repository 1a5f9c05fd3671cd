package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/gate"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// obeys holds an image, and the line that starts it, to the policy of --policy.
func (x *running) obeys(cmd *cobra.Command, ref string, line []string) error {
	if x.policy == "" {
		return nil
	}
	p, err := x.readPolicy(x.policy)
	if err != nil {
		return err
	}
	api, err := image.DialEngine(x.images())
	if err != nil {
		return err
	}
	defer api.Close() //nolint:errcheck // nothing is lost with it
	g := &gate.Gate{Policy: p, Engine: &gate.Docker{Client: api}, Facts: x.facts(p), Now: x.env.Now}
	rule, d, err := g.Admit(cmd.Context(), ref)
	if err != nil {
		return err
	}
	quoted := "docker"
	for _, word := range line {
		quoted += " '" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	read, err := audit.ReadCommands("docker run", []byte(quoted))
	if err != nil {
		return err
	}
	if len(read.Containers) != 1 {
		return errors.New("the line of docker run is not understood: the policy cannot be held to it")
	}
	c := read.Containers[0]
	d = d.With(rule, gate.StartOf(c), c.Unsure)
	switch d.Verdict {
	case admission.Allowed:
		return nil
	case admission.Refused:
		return refusal{finding.WithHint(errors.New(gate.Message(d)), d.Hint)}
	}
	return finding.WithHint(errors.New("the policy: "+gate.Message(d)), d.Hint)
}
