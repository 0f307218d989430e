package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func collectorPercent() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// The collector is held back only while a cage starts, and never where GOGC
// already asks for less of it.
func TestFewCollections(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	defer fewCollections()()
	if got := collectorPercent(); got != startingPercent {
		t.Errorf("at the start it is %d", got)
	}
	for end := time.Now().Add(startingTime + 30*time.Second); collectorPercent() != 100; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it stays at %d", collectorPercent())
		}
	}
	for _, set := range []int{-1, startingPercent + 100} {
		debug.SetGCPercent(set)
		want := collectorPercent()
		fewCollections()()
		if got := collectorPercent(); got != want {
			t.Errorf("of %d it makes %d", want, got)
		}
	}
}

// What a gateway sets aside counts as heap for as long as it serves, and no longer.
func TestFewerCollections(t *testing.T) {
	live := func() int64 {
		runtime.GC()
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before := live()
	stop := fewerCollections()
	if more := live() - before; more < spareHeap*3/4 || more > spareHeap*5/4 {
		t.Errorf("it counts for %d bytes", more)
	}
	stop()
	if more := live() - before; more > spareHeap/4 {
		t.Errorf("%d bytes are left", more)
	}
}
