package main

import "openclaw/sandbox/policy"

// refusedToAll is not known here: there is no cage on this system.
func refusedToAll(policy.Class, string) bool { return false }
