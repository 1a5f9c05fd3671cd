package rule_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func Example() {
	check := rule.Check{Check: finding.Check[*inspect.Input]{
		Rule: finding.Rule{ID: "dockerfile/no-yes", Severity: finding.Medium},
		Run: func(_ context.Context, p *rule.Pass) error {
			p.Input.EachCommand(func(i int, c *dockerfile.Command) {
				m, ok := inspect.ParsePackageCommand(c, "apt-get")
				if !ok || inspect.HasAptOption(c, "y") {
					return
				}
				f := rule.At(c.Span, inspect.CommandName(c), "apt-get asks, and nobody answers")
				f = rule.WithFix(f, finding.Safe, "Answer with -y", inspect.InsertWord(p.Input, i, c, m.Verb, "-y")...)
				p.Report(f)
			})
			return nil
		},
	}}

	file, err := dockerfile.Parse("Dockerfile", []byte("FROM debian:12\nRUN apt-get install curl\n"))
	if err != nil {
		log.Fatal(err)
	}
	in := inspect.New(file, inspect.Options{})
	found, _ := finding.RunChecks(context.Background(), in, []finding.Check[*inspect.Input]{check.Check})
	for _, f := range found {
		fmt.Println(f.Line(), f.Message)
		fmt.Println(f.Fixes[0].Title, f.Fixes[0].Edits)
	}
	// Output:
	// 2 apt-get asks, and nobody answers
	// Answer with -y [{Dockerfile sha256:cce824dbe11eb2e6c1653ec3809febbe0b3e6ef48e7a8c5c3590b8caf0f326d1 34 34  -y}]
}
