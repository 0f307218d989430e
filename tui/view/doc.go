// Package view draws the screen's views.
//
// It owns the canvas, the theme, the list and text-entry parts, the table of
// actions, and one file a view. A view is a plain struct: Draw paints what Data
// holds, Do answers an action of the table, Key takes typed text while the view
// captures it. Views see event types only, never a gateway, and do no I/O.
//
// Everything here runs on one goroutine, the screen's; nothing locks. A look at all lines
// of the log, which a changed filter asks for, may run on another: on a snapshot of them.
//
// Text from outside passes Clean when it enters and is checked once more by the canvas:
// no byte from outside can move the cursor, change a colour or turn text round.
// Secrets live in an Editor's own bytes, which are wiped, and never in a string.
package view
