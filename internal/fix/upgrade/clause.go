package upgrade

import "strings"

// clause is one of the comma-separated parts of a range; the text around its
// operator and version is kept as it stands.
type clause struct {
	lead, op, gap, version, tail string
}

// clauses takes a range apart. It accepts any text.
func clauses(spec string) []clause {
	var out []clause
	for part := range strings.SplitSeq(spec, ",") {
		var c clause
		at := blanks(part, 0)
		c.lead = part[:at]
		from := at
		for at < len(part) && strings.IndexByte("<>=!~^", part[at]) >= 0 {
			at++
		}
		c.op = part[from:at]
		from, at = at, blanks(part, at)
		c.gap = part[from:at]
		rest := part[at:]
		c.version = strings.TrimRight(rest, " \t")
		c.tail = rest[len(c.version):]
		out = append(out, c)
	}
	return out
}

func (c clause) String() string { return c.lead + c.op + c.gap + c.version + c.tail }

// joinClauses is the range again.
func joinClauses(cs []clause) string {
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = c.String()
	}
	return strings.Join(parts, ",")
}

// atLeast adds a lower bound to clauses, written as the others are.
func atLeast(cs []clause, version string) []clause {
	c := clause{op: ">=", version: version}
	if len(cs) > 0 {
		c.gap = cs[0].gap
	}
	if len(cs) > 1 {
		c.lead = cs[1].lead
	} else if len(cs) == 1 {
		c.lead = " "
	}
	return append(cs, c)
}
