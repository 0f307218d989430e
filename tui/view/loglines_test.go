package view

import (
	"fmt"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// What is fetched anew, by a key or after the connection broke, holds what the screen has
// already, however long ago that came. A line that is there twice was written twice.
func TestLinesOfTheLogThatAreFetchedAnewAreListedOnce(t *testing.T) {
	d := NewData()
	d.Now = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)
	var log []event.LogLine
	write := func(message string, at time.Duration) event.LogLine {
		line := event.LogLine{Time: d.Now.Add(at), Level: "INFO", Source: "gateway", Message: message, Raw: message}
		log = append(log, line)
		return line
	}
	for i := range 300 {
		write(fmt.Sprint("before ", i), time.Duration(i)*time.Second)
	}
	d.LoadLogs(log)
	for i := range 300 {
		line := write(fmt.Sprint("live ", i), time.Hour+time.Duration(i)*time.Second)
		d.Apply(&event.Event{Log: &line})
	}
	write("missed", 2*time.Hour)
	write("twice", 2*time.Hour)
	write("twice", 2*time.Hour)
	for range 3 {
		d.LoadLogs(log[250:])
	}
	if d.Logs.Len() != len(log) {
		t.Fatalf("the log has %d lines, the screen %d", len(log), d.Logs.Len())
	}
	for i := range log {
		if got := d.Logs.At(d.Logs.First() + uint64(i)).Message; got != log[i].Message {
			t.Fatalf("line %d is %q, in the log it is %q", i, got, log[i].Message)
		}
	}
}
