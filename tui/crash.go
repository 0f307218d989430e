package tui

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Panic is a defect of the screen itself. The terminal has been restored; Stack
// is for the log.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("the screen failed: %v", p.Value) }

// crash keeps the first panic.
type crash struct {
	once  sync.Once
	stop  context.CancelFunc
	mu    sync.Mutex
	panic *Panic
}

// guard is deferred: it turns a panic into the end of the screen.
func (c *crash) guard() {
	if value := recover(); value != nil {
		stack := debug.Stack()
		c.once.Do(func() {
			c.mu.Lock()
			c.panic = &Panic{Value: value, Stack: stack}
			c.mu.Unlock()
			c.stop()
		})
	}
}

func (c *crash) found() *Panic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.panic
}
