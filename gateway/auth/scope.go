package auth

import "slices"

// Scope is a right of a socket, from the closed set of the protocol.
type Scope string

// The scopes. Admin implies all; write implies read.
const (
	ScopeRead        Scope = "operator.read"
	ScopeWrite       Scope = "operator.write"
	ScopeAdmin       Scope = "operator.admin"
	ScopeApprovals   Scope = "operator.approvals"
	ScopeQuestions   Scope = "operator.questions"
	ScopePairing     Scope = "operator.pairing"
	ScopeTalk        Scope = "operator.talk"
	ScopeTalkSecrets Scope = "operator.talk.secrets"
)

// AllScopes is the closed set.
func AllScopes() []Scope {
	return []Scope{ScopeAdmin, ScopeApprovals, ScopePairing, ScopeQuestions, ScopeRead, ScopeTalk, ScopeTalkSecrets, ScopeWrite}
}

// Scopes is what a socket may do.
type Scopes []Scope

// Has reports whether s includes scope, directly or implied.
func (s Scopes) Has(scope Scope) bool {
	if slices.Contains(s, scope) || slices.Contains(s, ScopeAdmin) {
		return true
	}
	return slices.Contains(s, ScopeWrite) && (scope == ScopeRead || scope == ScopeTalk)
}

// Grant returns the smaller of what was asked and what the caller may have, in
// the order asked. Names outside the closed set are never granted, and asking
// for nothing gets nothing.
func Grant(asked []string, may Scopes) Scopes {
	granted := Scopes{}
	for _, name := range asked {
		scope := Scope(name)
		if slices.Contains(AllScopes(), scope) && may.Has(scope) && !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	return granted
}

// Strings returns the names, never nil.
func (s Scopes) Strings() []string {
	names := make([]string, 0, len(s))
	for _, scope := range s {
		names = append(names, string(scope))
	}
	return names
}
