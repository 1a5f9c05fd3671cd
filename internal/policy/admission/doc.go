// Package admission is the image policy: which images may start, and how. One schema
// and one evaluator serve the gate in front of the Docker Engine, "gate check" and
// "check --policy".
//
//	p, err := admission.Parse("policy.yaml", b, files)            // a key that it does not know is an error
//	rule := p.Rule("registry.example.com/me/app")                 // the first that matches, else the default
//	decision := rule.Decide(ctx, subject, facts, now)             // allowed, refused or unknown, and which rule decided
//	refused := rule.Privileges(start, admission.ProtectedPaths()) // what a container asks for beyond an image
//
// The list "policies" is what images keep to wherever they are ([Standard]). The gate
// leaves it to "check" and the service, which fill in what is [Known] of an image:
//
//	sum, until := standard.Count(&vulnerability, now)         // sums of an image's parts add up
//	health := admission.HealthOf(name, p.Policies, &known)    // kept, violated or unknown, and a grade
//
// It is functions of values. Whoever calls collects the [Facts] that [Rule.Needs]
// names; a fact that could not be found out makes the decision unknown, and never
// allowed.
package admission
