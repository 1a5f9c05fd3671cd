package check

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/drydock-dev/drydock/internal/policy"
)

// LoadHadolint reads hadolint's configuration as hadolint finds it: the first
// of its files that exists, from dir (empty: no folder of the user's) on, and
// its environment variables on top. getenv looks up the environment.
func LoadHadolint(dir string, getenv func(string) string) (*policy.Lint, error) {
	cfg := &policy.Lint{}
	for _, name := range policy.HadolintFiles(dir, getenv) {
		b, err := readFound(name, maxPolicyBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read hadolint's configuration: %w", err)
		}
		if cfg, err = policy.ParseHadolint(name, b); err != nil {
			return nil, err
		}
		break
	}
	env, err := policy.HadolintEnvironment(func(name string) (string, bool) {
		v := getenv(name)
		return v, v != ""
	})
	if err != nil {
		return nil, err
	}
	cfg.Add(env)
	return cfg, nil
}
