package certs

// Look is what Run does at each tick.
func (s *Server) Look() { s.look() }
