package rules

import (
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// Checks are the image rules, in the order of their documentation.
func Checks() []finding.Check[*image.Scan] {
	return []finding.Check[*image.Scan]{
		rootUser(), emptyPassword(), duplicateUID(),
		setuid(), setgid(), worldWritable(), sudo(), sshServer(),
		secretFile(), secretInLayer(), secretEnv(), secretLabel(), secretHistory(),
		privilegedPort(), noHealthcheck(), sensitiveVolume(),
		addURL(), addArchive(), updateAlone(), latestTag(), noProvenance(), manyLayers(),
		waste(), efficiency(), packageCache(), shellHistory(), versionControl(),
	}
}

// Analyzers are what the rules need of the layer pass.
func Analyzers() []layer.Analyzer { return []layer.Analyzer{secretsReader(), accountsReader()} }
