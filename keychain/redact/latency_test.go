package redact_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// kilobyte is the length of a long line of a log, in bytes.
const kilobyte = 1024

// trickyLines are lines of a kilobyte, each of nothing but one kind of text that is
// like a secret and is none, of every kind of every set, with other words each time.
func trickyLines(c corpus) map[string][]string {
	lines := map[string][]string{}
	fill := func(kind string, next func() string) {
		var line strings.Builder
		for line.Len() < kilobyte {
			line.WriteString(strings.ReplaceAll(next(), "\n", " "))
			line.WriteByte(' ')
		}
		lines[kind] = append(lines[kind], line.String()[:kilobyte])
	}
	for _, text := range slices.Concat(blindOrdinary(), secondOrdinary(), thirdOrdinary(), fourthOrdinary(), fifthOrdinary(), sixthOrdinary(), seventhOrdinary(), eighthOrdinary()) {
		for range 3 {
			fill(text, func() string { return c.fill(text, "", "") })
		}
	}
	for _, unit := range hostileUnits() {
		fill("hostile "+unit, func() string { return unit })
	}
	all := slices.Concat(blindOrdinary(), secondOrdinary(), thirdOrdinary(), fourthOrdinary(), fifthOrdinary(), sixthOrdinary(), seventhOrdinary(), eighthOrdinary())
	for range 40 {
		fill("all kinds", func() string { return c.fill(all[c.IntN(len(all))], "", "") })
		fill("ordinary", c.ordinary)
		fill("ordinary elsewhere", c.ordinaryElsewhere)
		fill("ordinary in tools", c.ordinaryInTools)
	}
	for range 5 {
		fill("base64", func() string { return c.text(base64Text, 60) })
		fill("base64 of text", func() string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(c.word()+" ", 12))) })
		fill("url-safe", func() string { return c.text(urlSafe, 43) })
		fill("git SHA", func() string { return c.text(hexDigits, 40) })
		fill("UUID", c.uuid)
		fill("lexer", func() string { return "token := lexer.Next();" })
	}
	return lines
}

// BenchmarkTrickyKilobyte measures the time of one line of a kilobyte, of lines that
// have nothing but what is like a secret: the slowest kind, and the 99th of a hundred lines.
func BenchmarkTrickyKilobyte(b *testing.B) {
	m := newMasker(b)
	for i := range 500 {
		m.Add(fmt.Sprint(i), []byte(fmt.Sprintf("value-%d-%s", i*7919, fake("", 30+i%9))))
	}
	lines := trickyLines(newCorpus(*seed))
	b.SetBytes(kilobyte)
	b.ReportAllocs()
	type timed struct {
		kind string
		took time.Duration
	}
	var all []timed
	for b.Loop() {
		all = all[:0]
		for kind, list := range lines {
			for _, line := range list {
				least := time.Hour // what the processor needs when nothing else has it
				for range 9 {
					begin := time.Now()
					m.Text(line)
					least = min(least, time.Since(begin))
				}
				all = append(all, timed{kind, least})
			}
		}
	}
	slices.SortFunc(all, func(a, b timed) int { return int(a.took - b.took) })
	at := func(share float64) float64 {
		return float64(all[min(int(share*float64(len(all))), len(all)-1)].took.Nanoseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(1), "max-µs")
	for _, slow := range all[max(len(all)-40, 0):] {
		b.Logf("%8.1f µs: %.100q", float64(slow.took.Nanoseconds())/1000, slow.kind)
	}
}

// A line that stays as it is costs no memory, whatever is in it.
func TestTrickyLinesCostNoMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	m := newMasker(t)
	for kind, lines := range trickyLines(newCorpus(*seed)) {
		for _, line := range lines[:1] {
			if m.Text(line) != line {
				continue
			}
			if n := testing.AllocsPerRun(3, func() { m.Text(line) }); n > 0 {
				t.Errorf("%q: %v allocations a line", kind, n)
			}
		}
	}
}
