package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

func TestSinceReadsTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "2h": 2 * time.Hour, "7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour,
		"": 0, "10": 0, "m": 0, "-5m": 0, "0s": 0, "0d": 0, "1.5d": 0, "99999999999d": 0, "9999999h": 0, "yesterday": 0, "NaNh": 0, "-1d": 0, "1e9h": 0,
	} {
		f, err := ParseFilter("since:"+text, []string{sinceKey})
		switch {
		case want == 0:
			if err == nil {
				t.Errorf("%q is a time: %+v", text, f)
			} else if said := faultText(NewWords("zh"), err); !strings.Contains(said, "需要") || !strings.Contains(said, fmt.Sprintf("%q", strings.ToLower(text))) {
				t.Errorf("%q: %s", text, said)
			}
		case err != nil:
			t.Errorf("%q: %v", text, err)
		default:
			if !f.Young(want) || f.Young(want+time.Second) {
				t.Errorf("%q does not part at %s", text, want)
			}
			not, err := ParseFilter("-since:"+text, []string{sinceKey})
			if err != nil || not.Young(want) || !not.Young(want+time.Second) {
				t.Errorf("-%q does not part at %s: %v", text, want, err)
			}
		}
	}
}

// What the log's filter knows beyond words.
func TestWordsOfTheLogsFilter(t *testing.T) {
	d := NewData()
	d.Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	v := &logView{NewLogs(d), t, NewCanvas(NewTheme(false, false))}
	v.level = 0
	for i, l := range []event.LogLine{
		{Level: "error", Source: "provider", Message: "one", Text: "agent=coder status=429"},
		{Level: "warn", Source: "auth", Message: "two", Text: `reason="bad token" runrun=9 agent=reviewer`},
		{Level: "info", Source: "gateway", Message: "three", Text: "run=r7 agent=coder"},
		{Level: "debug", Source: "gateway", Message: "four", Text: ""},
	} {
		l.Time = d.Now.Add(-time.Duration(4-i) * 10 * time.Minute)
		d.Logs.Push(l)
	}
	for filter, want := range map[string]string{
		"":                        "one two three four",
		"agent:coder":             "one three",
		"-agent:coder":            "two four",
		"run:9":                   "",
		"run:r7":                  "three",
		"status:429":              "one",
		"reason:token":            "two",
		"level:warn+":             "one two",
		"-level:warn+":            "three four",
		"level:warn":              "two",
		"level:debug+":            "one two three four",
		"since:25m":               "three four",
		"-since:25m":              "one two",
		"since:25m agent:coder":   "three",
		"since:1h -since:15m":     "one two three",
		"level:info+ since:10m":   "",
		"src:gateway since:20m":   "three four",
		"agent:* -src:provider":   "two three",
		"nonsense:here":           "",
		"level:loud+":             "",
		"/o(ne|ur)/ -level:debug": "one",
	} {
		v.Do(ActFilter)
		v.Key(Key{Name: "ctrl+u"})
		v.typed(filter)
		v.Key(Key{Name: "enter"})
		v.draw()
		got := ""
		for _, n := range v.match {
			got += " " + d.Logs.At(n).Message
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%q lets%s through, want %s", filter, got, want)
		}
	}
	// Time goes by: what was young is not, and what was not old is.
	v.edit.Set("since:25m")
	v.parse()
	v.rescan()
	v.draw()
	d.Now = d.Now.Add(15 * time.Minute)
	if v.draw(); len(v.match) != 1 {
		t.Errorf("%d lines of the last 25 minutes, a quarter of an hour later", len(v.match))
	}
	v.edit.Set("-since:1h")
	v.parse()
	v.rescan()
	v.draw()
	d.Now = d.Now.Add(30 * time.Minute)
	if v.draw(); len(v.match) != 3 {
		t.Errorf("%d lines older than an hour", len(v.match))
	}
}

// The lines of before come back with the up key, and what was begun is not lost.
func TestEarlierFiltersComeBack(t *testing.T) {
	v := newLogView(t, "one", "two")
	for _, line := range []string{"first", "second", "first", "", "third"} {
		v.Do(ActFilter)
		v.Key(Key{Name: "ctrl+u"})
		v.typed(line)
		v.Key(Key{Name: "enter"})
	}
	v.Do(ActFilter)
	v.Key(Key{Name: "ctrl+u"})
	v.typed("begun")
	for _, c := range [][2]string{
		{"down", "begun"}, {"up", "third"}, {"up", "first"}, {"up", "second"}, {"up", "second"}, {"down", "first"}, {"down", "third"}, {"down", "begun"}, {"down", "begun"},
	} {
		v.Key(Key{Name: c[0]})
		if got := v.edit.Text(); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
	v.Key(Key{Name: "up"})
	if v.Key(Key{Name: "enter"}); len(v.filter.terms) != 1 || v.filter.terms[0].value != "third" {
		t.Errorf("it is not in force: %+v", v.filter)
	}
	for i := range 100 {
		v.past.keep(fmt.Sprint(i))
	}
	if n := len(v.past.lines); n != maxPastFilters {
		t.Errorf("%d lines are kept", n)
	}
}

func FuzzLineField(f *testing.F) {
	f.Add("agent=coder run=r7", "run")
	f.Add(`reason="a \"b" x=1`, "x")
	f.Add("runrun=1 =", "run")
	f.Fuzz(func(t *testing.T, text, key string) {
		if key == "" {
			return
		}
		if value := lineField(text, key); value != "" && !strings.Contains(text, key+"="+value) {
			t.Fatalf("%q of %q is %q", key, text, value)
		}
	})
}

func BenchmarkFilterSince(b *testing.B) {
	d := NewData()
	d.Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range MaxLogs {
		d.Logs.Push(event.LogLine{Time: d.Now.Add(-time.Duration(MaxLogs-i) * time.Millisecond), Level: "info", Source: "gateway", Message: "request", Text: "id=r-1 agent=coder route=/v1/messages"})
	}
	v := NewLogs(d)
	v.edit.Set("since:1m agent:coder level:info+")
	v.parse()
	for b.Loop() {
		v.rescan()
		v.scan()
	}
}
