// Package tui is the terminal screen.
//
// It owns the Bubble Tea loop, the keys, the theme, the canvas, the feed and
// the plain mode; tui/view holds one file a view. It sees a gateway only as
// Backend and event types. It never blocks the gateway, never shows a byte
// from outside that was not made printable, and always restores the terminal.
package tui
