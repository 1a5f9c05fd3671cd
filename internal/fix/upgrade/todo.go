package upgrade

func (p *planner) maven(j job)  {}
func (p *planner) distro(j job) {}
