package upgrade

import "context"

// Modules says what the Go module proxy knows of a module.
type Modules interface{}

func (p *planner) goMod(_ context.Context, j job) {}
func (p *planner) pyLock(j job)                   {}
func (p *planner) requirements(j job)             {}
func (p *planner) maven(j job)                    {}
func (p *planner) distro(j job)                   {}
