package tui

import (
	"encoding/json"
	"time"

	"openclaw/gateway/event"
)

// demoTrail is what happened on one of the demo's connections.
func demoTrail(c event.Connection, records bool) event.ConnectionTrail {
	step := func(kind string, after, last time.Duration, count int, text string) event.Step {
		return event.Step{Kind: kind, First: c.Opened.Add(after), Last: c.Opened.Add(last), Count: count, Text: text}
	}
	out := event.ConnectionTrail{Connection: c}
	record := func(line string) {
		if records {
			out.Records = append(out.Records, json.RawMessage(line))
		}
	}
	stamp := func(after time.Duration) string { return c.Opened.Add(after).Format(time.RFC3339) }
	switch c.Kind {
	case event.ConnectionUnix:
		out.Steps = []event.Step{
			step(event.StepOpened, 0, 0, 1, c.Auth),
			step(event.StepRequest, 0, 60*time.Second, 31, "openclaw.overview"),
			step(event.StepRequest, time.Second, time.Second, 1, "openclaw.events.subscribe"),
			step(event.StepRefused, 40*time.Second, 40*time.Second, 1, "openclaw.config.rollback: version 10 is not kept"),
		}
		record(`{"timestamp":"` + stamp(0) + `","event_type":"authentication","user":"operator","ip":"local","action":"connect openclaw-tui","result":"success","reason":"peer credentials","details":{"connection":"` + c.ID + `"}}`)
	case event.ConnectionNet:
		out.Steps = []event.Step{
			step(event.StepOpened, 0, 0, 1, c.Auth),
			step(event.StepHeld, 3200*time.Millisecond, 3200*time.Millisecond, 1, "3.2s"),
		}
		record(`{"timestamp":"` + stamp(3*time.Second) + `","event_type":"approval","user":"operator","ip":"local","action":"allow","target":"api.example.test:443","result":"allowed","details":{"connection":"` + c.ID + `"}}`)
		record(`{"timestamp":"` + stamp(4*time.Second) + `","event_type":"authorization","user":"coder","ip":"local","action":"connect","target":"api.example.test:443","result":"allowed","reason":"` + c.Auth + `","details":{"connection":"` + c.ID + `"}}`)
	default:
		out.Steps = []event.Step{step(event.StepRefused, 0, 0, 1, c.Detail)}
	}
	return out
}
