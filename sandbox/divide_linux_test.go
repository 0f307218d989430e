package sandbox

import "openclaw/sandbox/linux/cgroup"

// DivideWith puts every run into a control group, found by the controllers
// named: on a machine whose version 2 has not those that limits need.
func (c *Cage) DivideWith(controllers ...string) {
	c.GroupsWith(controllers...)
	c.divideAll = true
}

// GroupsWith finds control groups by the controllers named, for the runs that need one.
func (c *Cage) GroupsWith(controllers ...string) {
	c.groups = func() (*cgroup.Place, error) { return cgroup.FindWith(controllers...) }
}
