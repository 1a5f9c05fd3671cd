package sbom

import (
	"encoding/json"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
)

// spdxRef stands before every identifier, except in the tag-value library.
const spdxRef = "SPDXRef-"

// spdxRelationship reads one relationship of an SPDX document in JSON.
func (d *decoder) spdxRelationship(dec *json.Decoder) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	var r struct {
		From    string `json:"spdxElementId"`
		Kind    string `json:"relationshipType"`
		To      string `json:"relatedSpdxElement"`
		Comment string `json:"comment"`
	}
	if json.Unmarshal(raw, &r) != nil {
		return nil
	}
	return d.related(strings.TrimPrefix(r.From, spdxRef), r.Kind, strings.TrimPrefix(r.To, spdxRef), r.Comment)
}

// related takes in that one element stands in a relationship to another (SPDX
// 2.3, 11.1). That something contains a package does not mean that it depends on
// it: an image contains all of its packages.
func (d *decoder) related(from, kind, to, comment string) error {
	d.ownership(from, to, comment)
	dev := false
	switch kind {
	case common.TypeRelationshipDependsOn, common.TypeRelationshipHasPrerequisite,
		common.TypeRelationshipStaticLink, common.TypeRelationshipDynamicLink:
	case common.TypeRelationshipDevDependencyOf, common.TypeRelationshipTestDependencyOf,
		common.TypeRelationshipDevToolOf, common.TypeRelationshipTestToolOf:
		from, to, dev = to, from, true
	case common.TypeRelationshipDependencyOf, common.TypeRelationshipBuildDependencyOf, common.TypeRelationshipBuildToolOf,
		common.TypeRelationshipOptionalDependencyOf, common.TypeRelationshipProvidedDependencyOf,
		common.TypeRelationshipRuntimeDependencyOf, common.TypeRelationshipPrerequisiteFor:
		from, to = to, from
	case common.TypeRelationshipDescribe, common.TypeRelationshipDescribeBy:
		if kind == common.TypeRelationshipDescribeBy {
			to = from
		}
		if len(d.described) < 2 { // more than one is none that others are there for
			d.described = append(d.described, to)
		}
		return nil
	default:
		return nil
	}
	switch {
	case from == "NONE", from == noAssertion, to == noAssertion:
		return nil
	case to == "NONE":
		d.refs.tell(from)
		return nil
	}
	if dev {
		return d.refs.needForDev(from, to)
	}
	return d.refs.need(from, to)
}

// ownership keeps what Syft says of files that two packages claim: the
// distribution's package owns the other.
func (d *decoder) ownership(owner, owned, comment string) {
	if !strings.HasPrefix(comment, "ownership-by-file-overlap") || len(d.owners) >= maxElements {
		return
	}
	if d.owners == nil {
		d.owners = map[string]string{}
	}
	d.owners[owned] = owner
}

// spdxKind is a package's purpose in CycloneDX's words.
func spdxKind(purpose string) string {
	switch purpose {
	case purposeOS, purposeOSJSON:
		return "operating-system"
	case "CONTAINER", "DEVICE", "FIRMWARE", "FRAMEWORK", "LIBRARY", "FILE":
		return strings.ToLower(purpose)
	case "APPLICATION":
		return "application"
	}
	return ""
}
