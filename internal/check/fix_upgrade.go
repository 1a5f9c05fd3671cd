package check

import (
	"context"
)

// manifests raises what a folder's manifests depend on.
func (f *fixer) manifests(context.Context, string, []string) error { return nil }

// image fixes what an image brings, in the Dockerfile that made it.
func (f *fixer) image(_ context.Context, target string) error {
	return &noFixError{target + ": no such file or folder", "a Dockerfile, or a folder that holds some"}
}
