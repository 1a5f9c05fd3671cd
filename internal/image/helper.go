package image

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/drydock-dev/drydock/internal/secret"
)

const (
	// helperWait limits the time that a credential helper may take.
	helperWait   = 30 * time.Second
	helperGrace  = 2 * time.Second // for its pipes to close once it was killed
	maxHelperOut = 64 << 10
	maxHelperErr = 2 << 10
)

// noCredentials is what a helper prints that has none (docker-credential-helpers,
// credentials/error.go).
const noCredentials = "credentials not found in native keychain"

// credentialHelper is a program docker-credential-NAME. What it prints is a
// secret: no word of it is shown, whether it is understood or not.
type credentialHelper struct {
	name string
	wait time.Duration
}

func (o Options) helper(name string) credentialHelper {
	h := credentialHelper{name: name, wait: o.HelperWait}
	if h.wait <= 0 {
		h.wait = helperWait
	}
	return h
}

// get asks for the credentials of a key; nil: there are none.
func (h credentialHelper) get(parent context.Context, key string) (authn.Authenticator, error) {
	program := "docker-credential-" + h.name
	shown := printable(program)
	if strings.ContainsAny(h.name, `/\`) {
		return nil, fmt.Errorf("credential helper %s: its name is a path", printable(h.name))
	}
	ctx, stop := context.WithTimeout(parent, h.wait)
	defer stop()
	out, errs := &head{most: maxHelperOut}, &head{most: maxHelperErr}
	cmd := exec.CommandContext(ctx, program, "get") //nolint:gosec // the user's configuration names it
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(key), out, errs
	cmd.WaitDelay = helperGrace
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case parent.Err() != nil:
		return nil, parent.Err()
	case ctx.Err() != nil:
		return nil, hint(fmt.Errorf("credential helper %s did not answer within %s", shown, h.wait),
			"run it by hand: echo "+key+" | "+shown+" get; or take it out of the Docker configuration")
	case strings.TrimSpace(out.String()) == noCredentials:
		return nil, nil
	case err != nil:
		return nil, hint(fmt.Errorf("credential helper %s: %w%s", shown, err, errs.said(out)),
			"check the credential helper in the Docker configuration")
	case out.over:
		return nil, fmt.Errorf("credential helper %s prints more than %d bytes", shown, maxHelperOut)
	}
	var got struct{ Username, Secret string }
	if json.Unmarshal(out.Bytes(), &got) != nil {
		return nil, fmt.Errorf("credential helper %s prints something else than credentials%s", shown, errs.said(out))
	}
	switch {
	case got.Username == "" && got.Secret == "":
		return nil, nil
	case got.Username == "<token>":
		return authn.FromConfig(authn.AuthConfig{Username: got.Username, IdentityToken: got.Secret}), nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: got.Username, Password: got.Secret}), nil
}

// head keeps the first bytes of a stream and swallows the rest.
type head struct {
	bytes.Buffer
	most int
	over bool
}

// Write implements [io.Writer].
func (h *head) Write(p []byte) (int, error) {
	keep := min(len(p), h.most-h.Len())
	h.over = h.over || keep < len(p)
	_, err := h.Buffer.Write(p[:keep])
	return len(p), err
}

// ReadFrom implements [io.ReaderFrom], so that the buffer's own is not used.
func (h *head) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(struct{ io.Writer }{h}, r)
	return n, err
}

// said is what a helper complained of, without known secrets and without
// anything that it printed as one.
func (h *head) said(printed *head) string {
	s := h.String()
	for _, word := range words(printed.String()) {
		s = strings.ReplaceAll(s, word, "****")
	}
	s = strings.Join(strings.Fields(secret.Redact(s)), " ")
	if s == "" {
		return ""
	}
	return ": " + printable(s)
}

// words are the parts of a helper's output that could be a secret: its strings,
// and whatever else stands between spaces.
func words(s string) []string {
	var got map[string]any
	var out []string
	if json.Unmarshal([]byte(s), &got) == nil {
		for k, v := range got {
			if text, ok := v.(string); ok && text != "" && (k == "Secret" || len(text) >= 4 && k != "ServerURL") {
				out = append(out, text)
			}
		}
		return out
	}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"{}:,", r) }) {
		if len(w) >= 4 {
			out = append(out, w)
		}
	}
	return out
}
