package event

import "testing"

// A sum says which refusals it counts, and is short however many those are: a cage makes
// thousands a second.
func TestASumNamesItsRows(t *testing.T) {
	c := Counter{Name: "more"}
	for row := range uint64(9000) {
		rule := "a"
		if row == 5 || row == 6 || row == 8 {
			rule = "b"
		}
		c.Add(Denial{Operation: "open", Rule: rule, Count: 2, Row: row}) // the first has no number
	}
	c.Add(Denial{Operation: "open", Rule: "b", Count: 1, Row: 12})
	want := []Denial{
		{Operation: "open", Rule: "a", Target: "more", Count: 2 * 8997, Rows: "1-4,7,9-8999"},
		{Operation: "open", Rule: "b", Target: "more", Count: 7, Rows: "5-6,8,12"},
	}
	got := c.Sums()
	for i := range want {
		if len(got) != len(want) || got[i] != want[i] {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	}
}
