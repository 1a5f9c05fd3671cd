// Package check is one scan: it finds out what a target is, takes in its
// inventory, has the rules and the matcher look at it, and applies the user's
// policy.
//
//	p := &check.Pipeline{
//		Surroundings: check.Surroundings{CacheDir: cache, DataDir: data, Now: time.Now, Log: log},
//		Policy:       check.Policy{Config: cfg, Filter: filter},
//	}
//	res, err := p.Run(ctx, "nginx:1.25", check.Ask{Vulnerabilities: true, Rules: true, Grades: true})
//	verdict := check.Judge(res, gate, false)
//
// [Surroundings] are where a run takes place, [Policy] is what of the findings
// counts and is shown, [Ask] is what is wanted of one target. Rooms further down,
// which look at a target for reasons of their own, take the surroundings and
// choose the policy.
//
// A practice joins as an engine: a function that is given one target that was
// taken in and returns what it [Found] there, and that knows nothing of the run.
// The run files findings under their subject, suppresses, filters and grades them.
package check
