// Package tui is the terminal screen.
//
// It owns the Bubble Tea loop (program.go, keys.go: nothing else imports Bubble
// Tea), the frame around the views, the feed, the terminal's output, the plain
// mode and the demo; tui/view holds the canvas and one file a view. It sees a
// gateway only as Backend and event types.
//
// Order: events are applied in the order of the gateway's bus. After a
// connection was lost, everything is fetched anew and events that came meanwhile
// are applied after the answers, so the last word wins.
//
// Blocking: the gateway never waits for the screen. Events go into a ring of
// 100,000; what a slow terminal misses is counted and shown. Calls to the
// Backend are made from goroutines of their own, each with a deadline of ten
// seconds; drawing does no I/O.
//
// Locking: the state of the screen belongs to one goroutine. The feed and the
// output file have locks of their own, never held over a call to anybody.
//
// Held requests take no key and move no selection. A key that answers one sleeps
// until that request has been in sight for 400 ms, and what is pasted, or comes
// in one burst, answers nothing. The rule of an "always" is shown, to the file
// and the line, whole, before y writes it.
//
// While a request is selected in sight and the last key is younger than ten seconds, the
// gateway is told so, and pauses that request's clock within the bounds of its policy.
//
// Lists are sorted, and stand still, when the person says so, and never sort themselves
// anew under the cursor. However the inbox is sorted, held requests stand above the rest;
// one that comes while it stands still is counted on the filter line, and an answer to
// many reaches only what is in sight.
//
// A client's new token goes into the store, into a file or, once, onto the terminal while
// the screen has given it away (tokens.go): it is made by what Options has as Tokens, and
// no frame holds it.
//
// What went wrong on the screen is kept among the lines of the log, with the source
// "screen", for as long as the screen is open.
//
// Keys are read whole (keyboard.go): one whose bytes come apart, as over a slow line,
// is still one, and its last letter never a key of its own.
//
// Runs are started, started again, stopped and killed from here, each after it was
// said what happens. Who embeds the screen starts one, without a terminal (the
// function Start of Options); its supervisor outlives the screen, and what it says
// is fetched from the gateway. Stopping and restarting go through the gateway to
// the run's own supervisor, which starts the same command again in the same place.
//
// A run may have a terminal of its own, which is shown in a pane of the Agents view
// (tui/pane; the functions Open and Attach of Options). While its program has the
// keys, all but ctrl+] go to it and none answers a request; the screen shows cells,
// never what the program wrote. That run outlives the screen, too.
//
// Bubble Tea reads the keys, owns the terminal's modes and runs the loop; the frames
// are painted by paint.go, of each row the cells that changed and only when something
// did: Bubble Tea's own renderer asks thirty times a second whether it did. Events come
// packed, many at a time (wire.AppendPacked). 'openclaw measure screen' says what this
// takes: in November 2026, at 120x40 on a virtual machine of two processors, 0.13 % of
// one for a screen that stands still, and 2 to 6 % under 10,000 events a second, the
// frames of a stream being 15 a second. A held request does not wait for the next frame
// of a stream: the gateway looks for one each 8 ms among what waits to leave, and the
// screen draws it as it comes. Nothing here wakes only to see that it has nothing to do.
//
// A frame is kept until something changes, as a whole and not part by part: with every
// list full a frame takes 0.03 ms, at 15 a second 0.04 % of a processor, so that parts
// could save no more than that, and each would need to know all that it shows. What does
// not fit in that is not done while drawing: a list looks at the rows that came, and at all
// of them only when its filter, its order or a row of it changed (tui/view, counting.go);
// a look at 100,000 lines of the log is a command.
//
// On a slow line one frame is under way at a time, and a key's frame goes before a
// stream's (pace.go).
//
// What it says is in the catalogue of tui/view, in English and Chinese; the
// locale or --lang chooses. Words of the gateway, the config and the policy stay
// as they are.
//
// It never shows a byte from outside that was not made printable, never holds a
// typed secret in a string, never stops a gateway by itself, never asks the
// terminal for its colours, and always gives the terminal back: after quit, a
// signal and a panic.
package tui
