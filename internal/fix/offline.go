package fix

import (
	"context"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// stayHome refuses a build that would fetch something, where no network is used.
// Commands of the file run without one: see [runtime.Build].
func (r *proving) stayHome(ctx context.Context, f *dockerfile.File) error {
	if !r.Offline {
		return nil
	}
	what := fetches(f, func(ref string) bool {
		_, err := r.engine.Inspect(ctx, ref)
		return err == nil
	})
	if what == "" {
		return nil
	}
	return &runtime.UnsupportedError{
		Why:  fmt.Sprintf("to build it, %s would have to be fetched, and no network is used", what),
		What: "leave out --offline, or docker pull what is missing while there is a network",
	}
}

// fetches is the first thing that a build of a file gets from a network; has
// reports whether the Engine has an image. Empty: nothing.
func fetches(f *dockerfile.File, has func(ref string) bool) string {
	for _, d := range f.Directives {
		if strings.EqualFold(d.Name, "syntax") {
			return "the front end " + d.Value
		}
	}
	for i := range f.Stages {
		switch st := &f.Stages[i]; {
		case st.Parent != nil, st.Base == "scratch":
		case st.Base == "":
			return "the base " + st.BaseRaw + ", which a build argument names,"
		case !has(st.Base):
			return "the base " + st.Base
		}
	}
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Trigger != nil {
			in = in.Trigger
		}
		for _, from := range imagesOf(in) {
			if _, err := f.Target(from); err != nil && !has(from) {
				return "the image " + from
			}
		}
		if in.Cmd != "ADD" || len(in.Args) < 2 {
			continue
		}
		for _, source := range in.Args[:len(in.Args)-1] {
			if remote(source) {
				return source
			}
		}
	}
	return ""
}

// imagesOf are the stages and images that an instruction copies or mounts from.
func imagesOf(in *dockerfile.Instruction) []string {
	var out []string
	for _, fl := range in.FlagWords {
		switch {
		case fl.Name == "from" && fl.Value != "":
			out = append(out, strings.Trim(fl.Value, `"'`))
		case fl.Name == "mount":
			for part := range strings.SplitSeq(fl.Value, ",") {
				if from, ok := strings.CutPrefix(strings.TrimSpace(part), "from="); ok && from != "" {
					out = append(out, strings.Trim(from, `"'`))
				}
			}
		}
	}
	return out
}

// remote reports whether ADD fetches a source. A variable may stand for anything.
func remote(source string) bool {
	return strings.Contains(source, "://") || strings.HasPrefix(source, "git@") || strings.HasPrefix(source, "$")
}
