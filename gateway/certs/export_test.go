package certs

// Look is what Run does at each tick.
func (s *Server) Look() { s.look() }

// Suites is what a list leaves of the versions from lowest on, and its suites.
func Suites(list []string, lowest uint16) (low, high uint16, all []uint16, err error) {
	s, err := newSuites(list)
	if err != nil {
		return 0, 0, nil, err
	}
	low, high, err = s.versions(lowest)
	return low, high, append(append(all, s.modern...), s.older...), err
}
