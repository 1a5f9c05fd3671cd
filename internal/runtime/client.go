package runtime

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Client is the user's docker program, as far as it checks signatures.
type Client struct {
	Major        int  // of its version; 0: unknown
	ContentTrust bool // DOCKER_CONTENT_TRUST asks it to
}

// enforcedBefore is the first version of Docker's command line that takes no notice
// of DOCKER_CONTENT_TRUST.
const enforcedBefore = 29

// Ignores reports whether the client was asked to check signatures and does not.
func (c Client) Ignores() bool { return c.ContentTrust && c.Major >= enforcedBefore }

// ClientOf asks the docker program on the path for its version, where the
// environment asks it to check signatures.
func ClientOf(ctx context.Context, getenv func(string) string) Client {
	v := getenv("DOCKER_CONTENT_TRUST")
	on, err := strconv.ParseBool(v)
	if v == "" || err == nil && !on {
		return Client{}
	}
	return Client{ClientMajor(ctx), true}
}

// ClientMajor is the major version of the docker program on the path; 0: unknown.
func ClientMajor(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "--version").Output()
	if err != nil {
		return 0
	}
	v, ok := strings.CutPrefix(string(out), "Docker version ")
	major, _, _ := strings.Cut(v, ".")
	n, err := strconv.Atoi(major)
	if !ok || err != nil {
		return 0
	}
	return n
}
