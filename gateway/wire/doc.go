// Package wire holds the frames and payload types of the gateway's WebSocket
// protocol, version 4, and the names of our own methods. It has no behaviour
// but encoding.
package wire
