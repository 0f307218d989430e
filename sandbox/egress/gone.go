package egress

import (
	"context"
	"net"
	"time"

	"openclaw/sandbox/policy"
)

// goneEvery is how often it is looked whether a program still waits for an answer.
const goneEvery = 250 * time.Millisecond

// ending says how far a program has ended its side of a connection.
type ending int

const (
	endingNone  ending = iota // it has not, or the system does not tell
	endingWrite               // it sends no more: closed, or half closed and waiting for an answer
	endingReset               // it takes nothing any more
)

// settle is allow for where a connection goes. It asks no longer than its program
// waits for the answer.
func (e *Egress) settle(ctx context.Context, client net.Conn, where place, who owner, id string) (judged, error) {
	decision := judgePlace(e.policy.Load(), where)
	if decision.Effect == policy.Ask {
		waiting, stop := e.whileWaiting(ctx, client, who)
		defer stop()
		ctx = waiting
	}
	return e.allow(ctx, where, decision, who, id)
}

// whileWaiting returns a context that ends when the program at the other side of a
// connection has given it up: it hung up, or its socket is nobody's any more. Who
// has only ended its own sending still waits. stop must be called.
func (e *Egress) whileWaiting(ctx context.Context, client net.Conn, who owner) (waiting context.Context, stop func()) {
	waiting, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(goneEvery)
		defer ticker.Stop()
		for unowned := 0; unowned < 2; { // twice: a process that forks is between two looks
			select {
			case <-waiting.Done():
				return
			case <-ticker.C:
			}
			switch endingOf(client) {
			case endingReset:
				cancel()
				return
			case endingWrite:
				if unowned++; who.pid == 0 || e.identify(addressOf(client.RemoteAddr()), false).pid != 0 {
					unowned = 0
				}
			case endingNone:
			}
		}
		cancel()
	}()
	return waiting, func() {
		cancel()
		<-done
	}
}
