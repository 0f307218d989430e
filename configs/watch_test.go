package configs

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// An edit is taken up within 300 ms on the watch's own clock: alone, as the many
// events of one save, and in a folder where other files are written all the time.
func TestAnEditIsTakenUpInTime(t *testing.T) {
	for name, noise := range map[string]string{"alone": "", "a save of many events": "config.yaml", "a busy folder": "other"} {
		t.Run(name, func(t *testing.T) {
			store, path := openTest(t, "gateway: {port: 18000}\n")
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				events := make(chan fsnotify.Event)
				applied, done := make(chan struct{}, 1), make(chan struct{})
				stop := store.Subscribe(Subscriber{Name: "test", Apply: func(_, _ *Snapshot) { applied <- struct{}{} }})
				go func() {
					defer close(done)
					_ = store.watch(ctx, events, nil)
				}()
				time.Sleep(time.Second + time.Millisecond) // the look at the start is over, and no poll is near
				send := func(name string) {
					if name != "" {
						events <- fsnotify.Event{Name: filepath.Join(filepath.Dir(path), name), Op: fsnotify.Write}
					}
				}
				send(noise)
				if err := os.WriteFile(path, []byte("gateway: {port: 18001}\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				send(filepath.Base(path))
				for len(applied) == 0 && time.Since(begin) < 5*time.Second {
					time.Sleep(20 * time.Millisecond)
					send(noise)
				}
				if took := time.Since(begin); took > 300*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				cancel()
				<-done
				stop()
			})
		})
	}
}
