// Package pane is the terminal of a run that was started from the screen: a
// pseudo-terminal whose program is seen and typed to in a pane.
//
// It owns three things. Emulator turns what a program writes into cells. Host is
// the side of the run's supervisor: it reads the pseudo-terminal, whether anybody
// looks or not, and serves what stands on it on a unix socket. Client is the side
// of the screen.
//
// It promises that nothing a program writes leaves an Emulator but cells: printable
// characters with a colour and a style. Titles, clipboards, hyperlinks, images and
// every sequence that is not about cells are read and dropped. What it holds is
// bounded: at most 300 rows of 500 cells, 2,000 lines above them, and 64 KiB of
// keys that the program has not read; keys beyond that are dropped. It sends at
// most 30 frames a second, only rows that changed, and one frame at a time to each
// screen: one that does not read costs nothing and holds up nobody.
//
// The run's life is its supervisor's. A screen that goes away, killed or left,
// ends nothing; the next one sees what stands there.
//
// An Emulator belongs to one goroutine. Host and Client are safe for concurrent use.
// It never starts a program, knows no gateway, and writes to no terminal but the
// run's own.
package pane
