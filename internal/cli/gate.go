package cli

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/gate"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// gateFlags is what the verbs of gate take beside the global ones.
type gateFlags struct {
	*flags
	policy string
}

func newGate(f *flags) *cobra.Command {
	g := &gateFlags{flags: f}
	c := &cobra.Command{
		Use:   "gate",
		Short: "Only images that a policy allows start: serve, check, status, export",
		Long: `Hold images to a policy: who must have signed them, how fresh that is, what must be
attested, what they may stand on, which vulnerabilities they may have and for how long,
and what a container may ask for. "serve" enforces it in front of the Docker Engine, as
its authorization plugin; "check" gives the same answer for CI.

docs/gate.md has the policy, what is guaranteed, and what cannot be seen.`,
	}
	c.PersistentFlags().StringVar(&g.policy, "policy", "policy.yaml", "the policy's `FILE`")
	c.AddCommand(newGateServe(g), newGateCheck(g), newGateStatus(g), newGateExport(g))
	return c
}

// readPolicy reads the policy, and what it names.
func (f *flags) readPolicy(name string) (*admission.Policy, error) {
	b, err := readSmall(name, admission.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err, "--policy FILE names the policy; docs/gate.md has one to begin with"}
	}
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(name)
	return admission.Parse(name, b, func(file string) ([]byte, error) {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		return readSmall(file, admission.MaxBytes)
	})
}

// verifier finds out what the policy asks for; what it learns is there for the gate.
func (f *flags) verifier() *gate.Verifier {
	v := &gate.Verifier{User: disk.Caller(f.env.Getenv), Images: f.images(), Now: f.env.Now}
	if f.database() != "" {
		v.Dir = filepath.Join(f.database(), "gate")
		pins := keyring.Pins{Dir: filepath.Join(f.database(), "trust"), User: v.User}
		v.Pins = func(repository string) ([]byte, error) {
			pin, err := pins.Load(repository)
			if pin == nil || err != nil {
				return nil, err
			}
			return pin.State[trust.Root], nil
		}
	}
	return v
}
