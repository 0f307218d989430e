// Package wire holds the frames and payload types of the gateway's WebSocket
// protocol, version 4, and the names of our own methods. It owns encoding,
// decoding and the numbers of the protocol (codes, limits), and has no other
// behaviour: no socket, no clock, no state. Everything is safe for concurrent
// use.
//
// Decoding accepts unknown fields, because newer clients send more than we
// read, and refuses what the protocol forbids: a frame that is not one JSON
// object, an id or a method that is empty or too long. It never keeps a
// reference to the bytes that it was given.
package wire
