package configs

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestHostileTexts: a text of the largest size, made to be expensive, is refused
// or loaded with bounded memory, and with at most a few hundred problems.
func TestHostileTexts(t *testing.T) {
	repeat := func(part string) string { return strings.Repeat(part, (MaxSize-100)/len(part)) }
	lines := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < MaxSize-100; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	entries := strings.Repeat("    - /a/**/b*c*d*e/**/x\n", 900) + "   allowed_paths:\n" + strings.Repeat("    - /"+strings.Repeat("a", 60)+"\n", 900)
	options := testOptions(t)
	for name, text := range map[string]string{
		"long list":        "audit: {events: [" + repeat("a,") + "]}",
		"brackets":         repeat("["),
		"dashes":           repeat("- "),
		"empty items":      repeat("-\n"),
		"unknown keys":     lines("k%d: 1\n"),
		"agents":           "agents:\n" + lines(" a%d: {}\n"),
		"comments":         repeat("#\n"),
		"error at the end": lines("k%[1]d: [1, 2]\n") + "\"x",
		"open quote":       "a: \"" + repeat("x\n"),
		"anchors":          lines("k%[1]d: &a%[1]d x\n"),
		"patterns":         "agents:\n a:\n  permissions:\n   denied_paths:\n" + entries,
		"complex keys":     repeat("? "),
		"long word":        "audit: " + repeat("x"),
		"bomb":             bomb(),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse("c.yaml", []byte(text), options)
			runtime.ReadMemStats(&after)
			if spent := (after.TotalAlloc - before.TotalAlloc) >> 20; spent > 512 {
				t.Errorf("%d MiB allocated", spent)
			}
			if n := strings.Count(fmt.Sprint(err), "\n"); n > 2*maxProblems {
				t.Errorf("%d problems", n)
			}
		})
	}
}
