// Package chat holds conversations with an agent's model. It owns the life of a
// run: what a person said is kept, the model is asked with the conversation so
// far, its answer is shown as it comes, kept, and ended.
//
// The model is asked through the provider's pass-through, in this process: the
// key is put in there and is never here, and every request is allowed, bounded,
// recorded and audited as any other of that agent.
//
// # Promises
//
// A message is on the disk before it is acknowledged, and an answer before it is
// called final. A run that is sent twice under one id is one run, also across a
// restart. The runs of one session go one after the other, in the order in which
// they were sent; those of others do not wait. What a model said before it was
// aborted or broke off is kept, and marked so; a stream that was cut is an error,
// never an end. The text of a provider's error is masked before it is shown.
//
// The first words are shown at once. After them, text that comes quickly is put
// together: a listener gets at most twenty events a second of one run and, as
// each carries the whole text so far, about 1 MB a second.
//
// There are no tools yet, and none are offered to a model. They fit as follows: a
// message's content is a list of typed blocks, a run may keep any number of
// messages, and Run.answer asks once; tool calls would make it a loop.
//
// # Concurrency
//
// An Engine is safe for concurrent use. Each run has a goroutine and, while its
// model speaks, another one that shows. Show is called by one goroutine of a run
// at a time, in order, with no lock held. Stop ends every run and waits.
package chat
