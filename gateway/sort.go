package gateway

import (
	"cmp"
	"maps"
	"slices"

	"openclaw/gateway/event"
)

func sortSecrets(rows []event.Secret) {
	slices.SortFunc(rows, func(a, b event.Secret) int { return cmp.Compare(a.Name, b.Name) })
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
