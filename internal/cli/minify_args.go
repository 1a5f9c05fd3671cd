package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// after takes those of our options that stand right after the image, and returns what is the container's:
// what follows the first word that is no option, or --.
func (m *minifying) after(cmd *cobra.Command, args []string) ([]string, error) {
	if err := cmd.Flags().Parse(args); err != nil {
		hint := ""
		if strings.HasPrefix(err.Error(), "unknown") {
			hint = "what the container is to be started with comes after --"
		}
		return nil, usageError{err, hint}
	}
	return cmd.Flags().Args(), nil
}

// recipe refuses a Dockerfile or a statement that could not be written.
func (m *minifying) recipe() error {
	if m.opt.DryRun && slices.ContainsFunc(m.formats.list, func(d destination) bool { return d.format == "openvex" }) {
		return usageError{errors.New("--format openvex states what is not in the new image, and --dry-run makes none"), "leave out --dry-run"}
	}
	switch _, err := image.ParseName(m.opt.Image); {
	case m.opt.Recipe == "":
	case m.opt.KeepBase:
		err := errors.New("a Dockerfile copies what stays, and cannot keep the layers of the base")
		return usageError{err, "leave out --keep-base or --dockerfile"}
	case err != nil || strings.HasPrefix(m.opt.Image, "sha256:"):
		err := errors.Join(errors.New("--dockerfile: IMAGE has no name that a Dockerfile could start from"), err)
		return usageError{err, "give it one: docker tag IMAGE NAME"}
	}
	return nil
}

// places reads where the image goes.
func (m *minifying) places() error {
	for _, to := range m.to {
		file, archive := strings.CutPrefix(to, "archive://")
		dir, layout := strings.CutPrefix(to, "oci-dir://")
		switch {
		case archive && file != "" && m.opt.Archive == "":
			m.opt.Archive = file
		case layout && dir != "" && m.opt.Layout == "":
			m.opt.Layout = dir
		default:
			return usageError{fmt.Errorf("--to %s: neither an archive nor an OCI layout, or a second one", to), "--to archive://FILE, --to oci-dir://FOLDER"}
		}
	}
	if m.opt.Tag == "" && m.opt.Archive+m.opt.Layout == "" && !m.opt.DryRun {
		n, err := image.ParseName(m.opt.Image)
		if err != nil || n.Digest != "" || strings.HasPrefix(m.opt.Image, "sha256:") {
			return usageError{errors.New("the new image has no name: IMAGE has none that one could be made of"), "name it with -t NAME"}
		}
		tag := n.Tag
		if tag == "" {
			tag = "latest"
		}
		m.opt.Tag = strings.TrimSuffix(m.opt.Image, ":"+n.Tag) + ":" + tag + "-minified"
	}
	if m.opt.Tag == "" {
		return nil
	}
	n, err := image.ParseName(m.opt.Tag)
	if err != nil || n.Digest != "" {
		return usageError{errors.Join(fmt.Errorf("-t %s is no name that an image can be given", m.opt.Tag), err), "-t NAME:TAG"}
	}
	if n.Tag == "" {
		m.opt.Tag += ":latest"
	}
	return nil
}

// vulnerable finds the vulnerabilities of an image of the Engine.
func vulnerable(p *check.Pipeline) func(context.Context, string) ([]finding.Finding, error) {
	q := &check.Pipeline{Surroundings: p.Surroundings}
	return func(ctx context.Context, id string) ([]finding.Finding, error) {
		res, err := q.Run(ctx, "local://"+id, check.Ask{Vulnerabilities: true, Aside: true})
		if err != nil {
			return nil, err
		}
		return res.Findings, nil
	}
}
