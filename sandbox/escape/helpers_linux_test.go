package escape_test

import "openclaw/sandbox/policy"

func entry(name string) policy.PathEntry { return policy.PathEntry{Path: name} }
