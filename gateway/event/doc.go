// Package event holds what the gateway tells its watchers: plain data and the
// Bus that carries it.
//
// The bus gives every event a number and a time under one lock, so that all
// watchers see the same events in the same order. Publish never blocks and
// never waits for a watcher: a watcher whose queue is full loses that event,
// and the loss is counted, for the watcher and for the bus. The bus keeps no
// history; what must not be lost belongs into the audit log.
//
// The package knows nothing of ours but policy types, starts no goroutine, and
// calls back only the mask that MaskWith gave it, with no lock held: with one, no
// text of any event of any kind leaves the bus unmasked. Events are shared by all watchers: what
// their pointers lead to must not be changed after Publish, by anyone.
package event
