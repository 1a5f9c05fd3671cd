package upgrade

func (p *planner) pyLock(j job)       {}
func (p *planner) requirements(j job) {}
func (p *planner) maven(j job)        {}
func (p *planner) distro(j job)       {}
