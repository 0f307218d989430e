package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// From 110 columns on the list stands beside its pane, below that above it. However
// narrow the list is, how often something was tried and what it was about can be read.
func TestThePaneOfDenialsStandsBesideTheListFrom110Columns(t *testing.T) {
	d := atWork(t, true, 120, 36)
	for width := 60; width <= 220; width++ {
		d.s.resize(width, 30)
		lines := strings.Split(strip(d.press("3")), "\n")
		head, first := "", ""
		for i, line := range lines {
			if strings.Contains(line, "STATE") && head == "" {
				head, first = line, lines[i+1]
			}
		}
		list, pane, beside := strings.Cut(head, "│")
		if want := width >= 110; beside != want {
			t.Fatalf("%d columns: beside = %v", width, beside)
		}
		if beside {
			first, _, _ = strings.Cut(first, "│")
			if !strings.Contains(pane, "ask 4f2a91") {
				t.Errorf("%d columns: the pane does not begin beside the head of the list: %q", width, head)
			}
		}
		if !strings.HasSuffix(strings.TrimRight(list, " "), "  N") || !strings.HasSuffix(strings.TrimRight(first, " "), " 14") {
			t.Errorf("%d columns: the count has left:\n%q\n%q", width, list, first)
		}
		if target := "registry.example.test:443"; (width >= 115 || width >= 80 && !beside) && !strings.Contains(first, target) {
			t.Errorf("%d columns: the target is cut: %q", width, first)
		}
		for _, line := range lines {
			if ansi.StringWidth(line) > width {
				t.Fatalf("%d columns: %q", width, line)
			}
		}
	}
}

// The keys that answer are in sight at every size from the smallest on, and so is all of
// the rule when they would write it; where it does not fit, a shows it first.
func TestTheKeysOfAnAskAreInSightAtEverySize(t *testing.T) {
	sizes := [][2]int{{60, 16}, {70, 17}, {80, 24}, {109, 20}, {110, 16}, {110, 30}, {120, 36}, {149, 18}, {200, 60}}
	for _, scope := range []string{"once", "run", "always"} {
		for _, language := range []string{"en", "zh"} {
			d := atWork(t, true, 120, 36)
			allow, rule, whole := "a allow", "+     - registry.example.test:443", "show the whole rule"
			if language == "zh" {
				d = chineseScreen(t, 120, 36)
				allow, whole = "a 允许", "显示整条规则"
			}
			d.press("3")
			switch scope {
			case "run":
				d.press("s", "m", "m")
			case "always":
				d.press("s", "s")
			}
			for _, size := range sizes {
				d.s.resize(size[0], size[1])
				frame := strip(d.press("home"))
				sound(t, frame, size[0], size[1])
				switch shows := strings.Contains(frame, allow); {
				case scope != "always" && !shows:
					t.Errorf("%s, %s, %v: the keys are not in sight:\n%s", language, scope, size, frame)
				case scope == "always" && !strings.Contains(frame, whole) && (!shows || !strings.Contains(frame, rule)):
					t.Errorf("%s, %v: neither the rule nor the key that shows it is in sight:\n%s", language, size, frame)
				case scope == "always" && strings.Contains(frame, whole) && shows:
					t.Errorf("%s, %v: it offers to write what is not in sight whole:\n%s", language, size, frame)
				}
			}
		}
	}
}
