package check

import (
	"errors"
	"io/fs"

	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// Expand fills in the variables of a compose file from the environment, and from the .env
// file beside it.
func Expand(envFile string, getenv func(string) string) (audit.Expand, error) {
	b, err := readFound(envFile, maxEnvBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	vars := over(getenv, parseEnv(b, getenv))
	return func(value string) (string, []string, error) {
		x, err := vars.expand(value)
		return x.text, x.missing, err
	}, nil
}
