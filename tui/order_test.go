package tui

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// manyBackend has some connections, and notes what is closed and banned.
type manyBackend struct {
	*Demo
	rows []event.Connection
	told []string
}

func (b *manyBackend) Connections(context.Context) ([]event.Connection, error) {
	return slices.Clone(b.rows), nil
}

func (b *manyBackend) Disconnect(_ context.Context, id string) error {
	b.told = append(b.told, "close "+id)
	return nil
}

func (b *manyBackend) Ban(_ context.Context, network, during string) error {
	b.told = append(b.told, "ban "+network+" "+during)
	return nil
}

func manyConnections(t *testing.T, width, height int) (*driver, *manyBackend) {
	t.Helper()
	b := &manyBackend{Demo: NewDemo()}
	for i, route := range []string{"delta", "alpha", "charlie", "bravo"} {
		b.rows = append(b.rows, connectionRow(i, route))
	}
	d := newDriver(t, b, false, width, height)
	d.press("2")
	return d, b
}

func connectionRow(i int, route string) event.Connection {
	return event.Connection{ID: fmt.Sprint("c", i), Kind: "ws", State: "open", From: fmt.Sprintf("192.0.2.%d:400", i+1), Route: route, Opened: demoTime(i), BytesIn: int64(i)}
}

// order are the routes of the list, from above.
func order(frame string, routes ...string) string {
	var seen []string
	for line := range strings.Lines(strip(frame)) {
		if strings.HasPrefix(line, " ─ ") {
			break // the pane below the list
		}
		row, _, _ := strings.Cut(line, "│")
		for _, r := range routes {
			if strings.Contains(row, r) {
				seen = append(seen, r)
			}
		}
	}
	return strings.Join(seen, " ")
}

// begins reports whether the rows in sight, of which there are at least three, are the
// first of those that there should be.
func begins(want, got string) bool {
	return strings.HasPrefix(want, got) && len(strings.Fields(got)) >= 3
}

// A sorted list is not sorted anew while it is read, and what comes stands above it.
func TestAListIsSortedWhenAPersonSaysSo(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		d, _ := manyConnections(t, size[0], size[1])
		routes := []string{"delta", "alpha", "charlie", "bravo", "omega"}
		if got := order(d.frame(), routes...); !begins("bravo charlie alpha delta", got) {
			t.Errorf("%v: newest first is %q", size, got)
		}
		frame := d.press("o", "o") // by agent, by route
		if got := order(frame, routes...); !begins("alpha bravo charlie delta", got) || !strings.Contains(strip(frame), "by ROUTE") {
			t.Errorf("%v: by route it is %q:\n%s", size, got, strip(frame))
		}
		late, busy := connectionRow(9, "omega"), connectionRow(0, "delta")
		busy.BytesIn = 1 << 20
		d.event(event.Event{Connection: &late}, event.Event{Connection: &busy})
		if got := order(d.press("g"), routes...); !begins("omega alpha bravo charlie delta", got) {
			t.Errorf("%v: what came later: %q", size, got)
		}
		frame = d.press("o", "o") // by state, by bytes
		if got := order(frame, routes...); !strings.HasPrefix(got, "delta") {
			t.Errorf("%v: by bytes: %q", size, got)
		}
		sound(t, frame, size[0], size[1])
		if frame = d.press("o", "o"); strings.Contains(strip(frame), "by ") || !strings.HasPrefix(order(frame, routes...), "omega") {
			t.Errorf("%v: the way back:\n%s", size, strip(frame))
		}
	}
}

// A list that stands still hides what comes, says how much that is, and goes on.
func TestAListStandsStill(t *testing.T) {
	d, _ := manyConnections(t, 120, 36)
	d.press("p")
	for i := range 3 {
		row := connectionRow(20+i, fmt.Sprint("later", i))
		d.event(event.Event{Connection: &row})
	}
	if frame := strip(d.frame()); strings.Contains(frame, "later0") || !strings.Contains(frame, "stands still, 3 new") {
		t.Errorf("it moves, or does not say so:\n%s", frame)
	}
	if frame := strip(d.press("p")); !strings.Contains(frame, "later0") || strings.Contains(frame, "stands still") {
		t.Errorf("it does not go on:\n%s", frame)
	}
}

// Marks choose rows for copying and for what acts on many; each is named, or counted,
// in the question, and only y does it.
func TestMarkedRowsAreActedOnTogether(t *testing.T) {
	d, b := manyConnections(t, 120, 36)
	frame := strip(d.press("m", "j", "j", "m"))
	if !strings.Contains(frame, "2 marked") || strings.Count(frame, "•") != 2 {
		t.Errorf("two rows are not marked:\n%s", frame)
	}
	d.press("Y")
	_, encoded, _ := strings.Cut(d.s.clipboard, ";c;")
	text, _ := base64.StdEncoding.DecodeString(strings.TrimRight(encoded, "\x07\x1b\\"))
	if !strings.Contains(string(text), `"c3"`) || !strings.Contains(string(text), `"c1"`) || strings.Contains(string(text), `"c2"`) {
		t.Errorf("copied %q of %q", text, d.s.clipboard)
	}
	if frame = strip(d.press("x")); !strings.Contains(frame, "Close 2 connections?") {
		t.Errorf("the question:\n%s", frame)
	}
	d.press("n")
	if len(b.told) > 0 {
		t.Fatalf("no, and it did %v", b.told)
	}
	d.press("x", "y")
	d.press("b", "y")
	if want := "close c1 close c3 ban 192.0.2.4 1h ban 192.0.2.2 1h"; !sameWords(strings.Join(b.told, " "), want) {
		t.Errorf("it did %v", b.told)
	}
	b.told = nil
	d.press("esc", "x", "y")
	if strings.Join(b.told, " ") != "close c1" {
		t.Errorf("without marks the selected row alone: %v", b.told)
	}
	d.press("5", "G", "m", "k", "m", "y")
	_, encoded, _ = strings.Cut(d.s.clipboard, ";c;")
	if text, _ = base64.StdEncoding.DecodeString(strings.TrimRight(encoded, "\x07\x1b\\")); strings.Count(string(text), "\n") != 2 {
		t.Errorf("two lines of the log: %q", text)
	}
	if d.s.current != view.Logs {
		t.Error("not in Logs")
	}
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
