// Package plan holds what the upgrades of every ecosystem share: what is to be raised
// in which file, the files as they were read, edits of them, and the sources that say
// what a new version depends on.
//
//	p := &plan.Planner{Dir: dir, Found: findings, Files: map[string]*plan.File{}}
//	for _, j := range p.Jobs(ctx) {
//		fmt.Println(j.File, len(j.Wants))
//	}
//
// A format's own package ends each want of a job with Add or Cannot.
package plan
