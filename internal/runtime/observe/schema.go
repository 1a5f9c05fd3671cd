package observe

import _ "embed"

//go:embed observation.schema.json
var schema []byte

// JSONSchema is the JSON schema of an [Observation] of version [Schema].
func JSONSchema() []byte { return append([]byte(nil), schema...) }
