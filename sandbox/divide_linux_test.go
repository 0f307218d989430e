package sandbox

import "openclaw/sandbox/linux/cgroup"

// DivideWith puts every run into a control group, found by the controllers
// named: on a machine whose version 2 has not those that limits need.
func (c *Cage) DivideWith(controllers ...string) {
	c.divide = func() (*cgroup.Place, error) { return cgroup.FindWith(controllers...) }
}
