package cli

import (
	"net/url"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/image"
)

// TestImageFacts: a service is told which user an image runs as and what it stands on for
// certain; what the user says wins, and a text that no service takes is left out.
func TestImageFacts(t *testing.T) {
	target := func(user, by string) *check.Target {
		return &check.Target{
			Image: &image.Image{Platform: "linux/arm64", Config: &v1.ConfigFile{Config: v1.Config{User: user}}},
			Base:  &base.Base{Ref: "debian:12", By: by},
		}
	}
	for name, c := range map[string]struct {
		target *check.Target
		told   url.Values
		want   string
	}{
		"root":           {target("", "label"), nil, "base=debian:12&platform=linux/arm64&user="},
		"a user":         {target("web", "layers"), nil, "base=debian:12&platform=linux/arm64&user=web"},
		"a base by name": {target("web", "name"), nil, "platform=linux/arm64&user=web"},
		"said":           {target("web", "label"), url.Values{"base": {"mine"}, "env": {"prod"}}, "base=mine&env=prod&platform=linux/arm64&user=web"},
		"hostile":        {target("a\nb", "name"), nil, "platform=linux/arm64"},
		"endless":        {target(strings.Repeat("x", 257), "name"), nil, "platform=linux/arm64"},
		"an SBOM":        {&check.Target{}, url.Values{"env": {"prod"}}, "env=prod"},
	} {
		got, err := url.QueryUnescape(imageFacts(c.target, c.told).Encode())
		if err != nil || got != c.want {
			t.Errorf("%s: %q, and not %q", name, got, c.want)
		}
	}
}
