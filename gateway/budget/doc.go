// Package budget holds agents and providers to what they may use of model
// providers: requests a minute and a day, tokens a day, calls at the same time,
// and which models.
//
// It owns the counters. A call is let in when every account that it belongs to
// (its agent's and its provider's) has room, and then counts in all of them, or in
// none. Tokens are known when an answer has ended: a call that begins with room
// left goes on to its end, so a day's tokens can be passed by what the calls under
// way still cost. The size of their requests counts while they are under way, so
// that a burst of large ones does not pass unseen.
//
// A day is the calendar day of the machine. A clock that goes back begins no new
// day. The counters of the day outlive a restart: they are written a few seconds
// after they changed and at the end, so a crash forgets seconds at the most.
//
// It is safe for concurrent use. No lock is held over a callback.
package budget
