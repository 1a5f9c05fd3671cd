package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// destination is one report: its format, and the file it goes to.
type destination struct {
	format string
	file   string // empty or "-": standard output
}

func (d destination) String() string {
	if d.file == "" {
		return d.format
	}
	return d.format + "=" + d.file
}

// sink is where a verb prints one report.
type sink struct {
	io.Writer
	format string
	color  bool // the reader is a terminal that wants colours
}

// destinations is the value of --format: FORMAT or FORMAT=FILE, as often as the
// user likes. What is set first takes the place of the default.
type destinations struct {
	list []destination
	set  bool
}

func (d *destinations) Type() string { return "FORMAT" }

func (d *destinations) String() string {
	var s []string
	for _, one := range d.list {
		s = append(s, one.String())
	}
	return strings.Join(s, ",")
}

func (d *destinations) Set(value string) error {
	for _, one := range splitFormats(value) {
		name, file, _ := strings.Cut(one, "=")
		format, ok := formatNamed(name)
		if !ok {
			return fmt.Errorf("unknown format %q (one of %s)", name, strings.Join(formatNames(), ", "))
		}
		d.add(destination{format, file})
	}
	return nil
}

func (d *destinations) add(one destination) {
	if !d.set {
		d.list, d.set = nil, true
	}
	if !slices.Contains(d.list, one) {
		d.list = append(d.list, one)
	}
}

// outputFile is the value of --output: a file. A format's name, alone or as
// FORMAT=FILE, is what Syft and Grype mean by -o, and is taken as they take it;
// a file of that name is written ./json.
type outputFile struct{ f *flags }

func (o outputFile) Type() string { return "FILE" }

func (o outputFile) String() string {
	if o.f == nil {
		return ""
	}
	return o.f.output
}

func (o outputFile) Set(value string) error {
	name, _, _ := strings.Cut(value, "=")
	if _, ok := formatNamed(name); ok {
		return o.f.formats.Set(value)
	}
	o.f.output = value
	return nil
}

// destinations resolves --format and --output: a report that names no file goes
// to --output.
func (f *flags) destinations() ([]destination, error) {
	list := slices.Clone(f.formats.list)
	seen := map[string]bool{}
	for i := range list {
		if list[i].file == "" {
			list[i].file = f.output
		}
		if list[i].file == "-" {
			list[i].file = ""
		}
		to := list[i].file
		if seen[to] {
			if to == "" {
				to = "standard output"
			}
			return nil, usageError{fmt.Errorf("--format: two reports would go to %s", to), "name a file for one of them, as in --format json=report.json"}
		}
		seen[to] = true
	}
	return list, nil
}

// formatOnly refuses what a verb cannot print, before any work is done.
func (f *flags) formatOnly(verb string, formats []string) error {
	for _, d := range f.formats.list {
		if !slices.Contains(formats, d.format) {
			return usageError{fmt.Errorf("%s has no format %q", verb, d.format), "one of " + strings.Join(formats, ", ")}
		}
	}
	return nil
}

// write lets print write each report that was asked for to where it goes.
func (f *flags) write(print func(sink) error) error {
	list, err := f.destinations()
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range list {
		errs = append(errs, f.writeTo(d.file, func(w io.Writer) error {
			return print(sink{w, d.format, f.color() && d.file == ""})
		}))
	}
	return errors.Join(errs...)
}
