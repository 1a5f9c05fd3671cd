package report_test

import (
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
)

func Example() {
	res := &check.Result{ // of a scan
		Subjects: []finding.Subject{{Kind: finding.KindDockerfile, Name: "Dockerfile"}},
		Findings: []finding.Finding{{
			Rule: "dockerfile/root-user", Severity: finding.Medium, Message: "the image runs as root",
			At: []finding.Location{{Source: &finding.Span{File: "Dockerfile", Line: 3, Column: 1}}},
		}},
	}
	if err := report.Write(os.Stdout, "github", res, report.Options{Tool: "1.0"}); err != nil {
		log.Fatal(err)
	}
	// Output: ::warning file=Dockerfile,line=3,col=1,title=dockerfile/root-user::the image runs as root
}
