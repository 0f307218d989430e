package gateway

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

// The opcodes of RFC 6455.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// rawFrame is a frame as bytes go over the wire, right or wrong.
type rawFrame struct {
	opcode   byte
	payload  string
	more     bool // FIN is not set
	reserved byte // RSV bits, 0x40 is RSV1
	bare     bool // not masked
	long     int  // bytes of the length: 0 (fewest), 2 or 8
	claim    uint64
}

func (f rawFrame) bytes() []byte {
	length := uint64(len(f.payload))
	if f.claim != 0 {
		length = f.claim
	}
	first := f.opcode | f.reserved
	if !f.more {
		first |= 0x80
	}
	mask := byte(0x80)
	if f.bare {
		mask = 0
	}
	out := []byte{first}
	switch {
	case f.long == 8 || f.long == 0 && length > 0xffff:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), length)
	case f.long == 2 || f.long == 0 && length > 125:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(length))
	default:
		out = append(out, mask|byte(length))
	}
	if f.bare {
		return append(out, f.payload...)
	}
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	out = append(out, key[:]...)
	for i := range len(f.payload) {
		out = append(out, f.payload[i]^key[i%4])
	}
	return out
}

// rawSocket is a client that speaks WebSocket byte by byte.
type rawSocket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// rawDial upgrades and reads the challenge.
func (h *house) rawDial() *rawSocket {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.Address().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	s := &rawSocket{t: h.t, conn: conn, in: bufio.NewReader(conn)}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", h.Address())
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 101 || answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // the RFC's own example
		h.t.Fatal(answer.Status, answer.Header)
	}
	if f, err := s.read(); err != nil || f.opcode != opText || !strings.Contains(f.payload, wire.EventChallenge) {
		h.t.Fatal(f, err)
	}
	return s
}

// rawConnect shakes hands too.
func (h *house) rawConnect() *rawSocket {
	h.t.Helper()
	s := h.rawDial()
	s.write(rawFrame{opcode: opText, payload: `{"type":"req","id":"c","method":"connect","params":{"minProtocol":4,"maxProtocol":4,"client":{"id":"cli","version":"1","platform":"linux","mode":"cli"},"role":"operator","scopes":["operator.read"],"auth":{"token":"` + h.token + `"}}}`})
	if f, err := s.read(); err != nil || !strings.Contains(f.payload, "hello-ok") {
		h.t.Fatal(f, err)
	}
	return s
}

func (s *rawSocket) write(frames ...rawFrame) {
	s.t.Helper()
	var all []byte
	for _, f := range frames {
		all = append(all, f.bytes()...)
	}
	if _, err := s.conn.Write(all); err != nil {
		s.t.Fatal(err)
	}
}

// read takes one frame of the server and judges it as strictly.
func (s *rawSocket) read() (rawFrame, error) {
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return rawFrame{}, err
	}
	f := rawFrame{opcode: head[0] & 0xf, more: head[0]&0x80 == 0, reserved: head[0] & 0x70}
	if head[1]&0x80 != 0 || f.reserved != 0 || f.more && f.opcode >= 8 {
		return f, errors.New("the server breaks the protocol")
	}
	length := uint64(head[1])
	switch length {
	case 126:
		var more [2]byte
		if _, err := io.ReadFull(s.in, more[:]); err != nil {
			return f, err
		}
		if length = uint64(binary.BigEndian.Uint16(more[:])); length < 126 {
			return f, errors.New("the server writes a length in too many bytes")
		}
	case 127:
		var more [8]byte
		if _, err := io.ReadFull(s.in, more[:]); err != nil {
			return f, err
		}
		if length = binary.BigEndian.Uint64(more[:]); length <= 0xffff {
			return f, errors.New("the server writes a length in too many bytes")
		}
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(s.in, payload)
	f.payload = string(payload)
	return f, err
}

// next is the next frame that is no tick and no ping: both come by the clock.
func (s *rawSocket) next() rawFrame {
	s.t.Helper()
	for {
		f, err := s.read()
		if err != nil {
			s.t.Fatal(err)
		}
		if f.opcode != opPing && (f.opcode != opText || !strings.Contains(f.payload, `"event":"tick"`)) {
			return f
		}
	}
}

// ends wants a close frame and then the end of the connection.
func (s *rawSocket) ends(code int) {
	s.t.Helper()
	for {
		f, err := s.read()
		if err != nil {
			s.t.Fatalf("it ended without a close frame: %v", err)
		}
		if f.opcode != opClose {
			continue
		}
		got := 1005
		if len(f.payload) >= 2 {
			got = int(binary.BigEndian.Uint16([]byte(f.payload)))
		}
		if got != code || len(f.payload) == 1 {
			s.t.Fatalf("closed with %d %q, want %d", got, f.payload, code)
		}
		break
	}
	_, _ = s.conn.Write(rawFrame{opcode: opClose}.bytes()) // the server may be gone by now
	_ = s.conn.(*net.TCPConn).CloseWrite()                 // the end itself is the server's
	for {
		if _, err := s.in.ReadByte(); err != nil {
			var slow net.Error
			if errors.As(err, &slow) && slow.Timeout() {
				s.t.Fatal("the connection stays open")
			}
			return
		}
	}
}

// health is a request of exactly so many bytes.
func health(length int) string {
	text := `{"type":"req","id":"7","method":"health"}`
	return text + strings.Repeat(" ", max(0, length-len(text)))
}

func closing(code uint16, reason string) rawFrame {
	return rawFrame{opcode: opClose, payload: string(binary.BigEndian.AppendUint16(nil, code)) + reason}
}

func pieces(text string, size int) []rawFrame {
	var out []rawFrame
	opcode := byte(opText)
	for len(text) > 0 {
		n := min(size, len(text))
		out = append(out, rawFrame{opcode: opcode, payload: text[:n], more: n < len(text)})
		text, opcode = text[n:], opContinuation
	}
	return out
}

// What a conforming client may do.
func TestFramesThatConform(t *testing.T) {
	h := start(t, "")
	whole := health(0)
	emoji := `{"type":"req","id":"7","method":"health","params":{"x":"` + strings.Repeat("😀é", 20) + `"}}`
	withPing := pieces(whole, 10)
	withPing = append(withPing[:1:1], append([]rawFrame{{opcode: opPing, payload: "in between"}}, withPing[1:]...)...)
	for name, test := range map[string]struct {
		frames []rawFrame
		pong   string // expected before the answer
	}{
		"125 bytes":                  {frames: []rawFrame{{opcode: opText, payload: health(125)}}},
		"126 bytes":                  {frames: []rawFrame{{opcode: opText, payload: health(126)}}},
		"127 bytes":                  {frames: []rawFrame{{opcode: opText, payload: health(127)}}},
		"65535 bytes":                {frames: []rawFrame{{opcode: opText, payload: health(65535)}}},
		"65536 bytes":                {frames: []rawFrame{{opcode: opText, payload: health(65536)}}},
		"1 MiB":                      {frames: []rawFrame{{opcode: opText, payload: health(1 << 20)}}},
		"two fragments":              {frames: pieces(whole, 20)},
		"fragments of one byte":      {frames: pieces(whole, 1)},
		"empty fragments":            {frames: []rawFrame{{opcode: opText, more: true}, {opcode: opContinuation, more: true, payload: whole}, {opcode: opContinuation, more: true}, {opcode: opContinuation}}},
		"a character over fragments": {frames: pieces(emoji, 1)},
		"a ping between fragments":   {frames: withPing, pong: "in between"},
		"an empty ping":              {frames: []rawFrame{{opcode: opPing}, {opcode: opText, payload: whole}}, pong: "\x00"},
		"a ping of 125 bytes":        {frames: []rawFrame{{opcode: opPing, payload: strings.Repeat("\xff", 125)}, {opcode: opText, payload: whole}}, pong: strings.Repeat("\xff", 125)},
		"a pong that nobody asked":   {frames: []rawFrame{{opcode: opPong, payload: "x"}, {opcode: opText, payload: whole}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := h.rawConnect()
			s.t = t
			s.write(test.frames...)
			f := s.next()
			if test.pong != "" {
				if f.opcode != opPong || f.payload != strings.Trim(test.pong, "\x00") {
					t.Fatalf("no pong: %+v", f)
				}
				f = s.next()
			}
			if f.opcode != opText || !strings.Contains(f.payload, `"id":"7","ok":true`) {
				t.Fatalf("%+v", f)
			}
			s.write(closing(1000, "bye"))
			s.ends(1000)
		})
	}
	t.Run("bytes one by one", func(t *testing.T) {
		s := h.rawConnect()
		s.t = t
		for _, b := range (rawFrame{opcode: opText, payload: health(300)}).bytes() {
			if _, err := s.conn.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if f := s.next(); !strings.Contains(f.payload, `"id":"7","ok":true`) {
			t.Fatalf("%+v", f)
		}
	})
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		t.Run(fmt.Sprint("closing with ", code), func(t *testing.T) {
			s := h.rawConnect()
			s.t = t
			s.write(closing(code, strings.Repeat("r", 123)))
			s.ends(int(code))
		})
	}
	t.Run("closing with no code", func(t *testing.T) {
		s := h.rawConnect()
		s.t = t
		s.write(rawFrame{opcode: opClose}, rawFrame{opcode: opText, payload: whole}) // what follows is not heard
		s.ends(1005)
	})
}

// What breaks RFC 6455 ends with the code that it names.
func TestFramesThatDoNotConform(t *testing.T) {
	h := start(t, "")
	whole := health(0)
	quoted := func(text string) []rawFrame {
		return []rawFrame{{opcode: opText, payload: `{"type":"req","id":"7","method":"health","params":"` + text + `"}`}}
	}
	one := func(f rawFrame) []rawFrame { return []rawFrame{f} }
	tests := map[string]struct {
		frames []rawFrame
		code   int
	}{
		"not masked":                         {one(rawFrame{opcode: opText, payload: whole, bare: true}), 1002},
		"a ping that is not masked":          {one(rawFrame{opcode: opPing, bare: true}), 1002},
		"RSV1":                               {one(rawFrame{opcode: opText, payload: whole, reserved: 0x40}), 1002},
		"RSV2":                               {one(rawFrame{opcode: opText, payload: whole, reserved: 0x20}), 1002},
		"RSV3 of a ping":                     {one(rawFrame{opcode: opPing, reserved: 0x10}), 1002},
		"a ping in fragments":                {one(rawFrame{opcode: opPing, more: true}), 1002},
		"a ping of 126 bytes":                {one(rawFrame{opcode: opPing, payload: strings.Repeat("p", 126)}), 1002},
		"a pong of 64 KiB":                   {one(rawFrame{opcode: opPong, payload: strings.Repeat("p", 65536)}), 1002},
		"a close of 126 bytes":               {one(closing(1000, strings.Repeat("r", 124))), 1002},
		"a close in fragments":               {one(rawFrame{opcode: opClose, more: true}), 1002},
		"a close of one byte":                {one(rawFrame{opcode: opClose, payload: "x"}), 1002},
		"a continuation of nothing":          {one(rawFrame{opcode: opContinuation, payload: whole}), 1002},
		"a continuation after the end":       {append(pieces(whole, 20), rawFrame{opcode: opContinuation}), 1002},
		"a new message before the end":       {[]rawFrame{{opcode: opText, payload: whole, more: true}, {opcode: opText, payload: whole}}, 1002},
		"7 in a length of two bytes":         {one(rawFrame{opcode: opText, payload: whole, long: 2}), 1002},
		"125 in a length of two bytes":       {one(rawFrame{opcode: opText, payload: health(125), long: 2}), 1002},
		"126 in a length of eight bytes":     {one(rawFrame{opcode: opText, payload: health(126), long: 8}), 1002},
		"65535 in a length of eight bytes":   {one(rawFrame{opcode: opText, payload: health(65535), long: 8}), 1002},
		"a ping's length in two bytes":       {one(rawFrame{opcode: opPing, long: 2}), 1002},
		"a length with the highest bit":      {one(rawFrame{opcode: opText, long: 8, claim: 1<<63 | 70000}), 1002},
		"a frame of 1 TiB":                   {one(rawFrame{opcode: opText, long: 8, claim: 1 << 40}), 1009},
		"a frame of a byte too many":         {one(rawFrame{opcode: opText, long: 8, claim: wire.MaxFrame + 1}), 1009},
		"a close with a reason not UTF-8":    {one(closing(1000, "\xff\xfe")), 1002},
		"binary":                             {one(rawFrame{opcode: opBinary, payload: whole}), 1003},
		"text not UTF-8":                     {quoted("\xff"), 1007},
		"text with an overlong slash":        {quoted("\xc0\xaf"), 1007},
		"text with a surrogate":              {quoted("\xed\xa0\x80"), 1007},
		"text past the last character":       {quoted("\xf4\x90\x80\x80"), 1007},
		"text that ends within a character":  {one(rawFrame{opcode: opText, payload: whole + "\xe2\x82"}), 1007},
		"text not UTF-8 in a later fragment": {[]rawFrame{{opcode: opText, payload: `{"type":"req`, more: true}, {opcode: opContinuation, payload: "\xfe"}}, 1007},
	}
	for opcode := byte(3); opcode < 16; opcode++ {
		if opcode != opClose && opcode != opPing && opcode != opPong {
			tests[fmt.Sprint("opcode ", opcode)] = struct {
				frames []rawFrame
				code   int
			}{one(rawFrame{opcode: opcode}), 1002}
		}
	}
	for _, code := range []uint16{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		tests[fmt.Sprint("closing with ", code)] = struct {
			frames []rawFrame
			code   int
		}{one(closing(code, "")), 1002}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := h.rawConnect()
			s.t = t
			s.write(test.frames...)
			s.ends(test.code)
		})
	}
	// The same before the handshake, where nobody has shown a token.
	for name, test := range map[string]struct {
		frame rawFrame
		code  int
	}{
		"not masked":          {rawFrame{opcode: opText, payload: whole, bare: true}, 1002},
		"a close of one byte": {rawFrame{opcode: opClose, payload: "x"}, 1002},
		"too long a length":   {rawFrame{opcode: opText, payload: whole, long: 8}, 1002},
		"binary":              {rawFrame{opcode: opBinary, payload: whole}, 1003},
		"not UTF-8":           {rawFrame{opcode: opText, payload: "\xff"}, 1007},
		"64 KiB and one":      {rawFrame{opcode: opText, payload: strings.Repeat(" ", wire.MaxHandshakeFrame+1)}, 1009},
	} {
		t.Run("before the handshake: "+name, func(t *testing.T) {
			s := h.rawDial()
			s.t = t
			s.write(test.frame)
			s.ends(test.code)
		})
	}
	if n := h.hub.Count(); n > 0 {
		until(t, "every socket is gone", func() bool { return h.hub.Count() == 0 })
	}
}

// An upgrade that is none is answered as HTTP.
func TestUpgradesThatDoNotConform(t *testing.T) {
	h := start(t, "")
	for name, test := range map[string]struct {
		method string
		header map[string]string
		status int
	}{
		"another version":   {"GET", with(upgradeHeaders, "Sec-WebSocket-Version", "8"), 426},
		"no version":        {"GET", map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "SaaLXzTs9b4XoSQb0B2yHg=="}, 426},
		"no key":            {"GET", map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}, 400},
		"a key too short":   {"GET", with(upgradeHeaders, "Sec-WebSocket-Key", "AAAA"), 400},
		"a key not base64":  {"GET", with(upgradeHeaders, "Sec-WebSocket-Key", "not base 64 at all!!!!!!"), 400},
		"a POST":            {"POST", upgradeHeaders, 405},
		"not an upgrade":    {"GET", map[string]string{"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}, 200},
		"words in the line": {"GET", with(upgradeHeaders, "Connection", "keep-alive, Upgrade"), 101},
	} {
		r := h.ask(t, test.method, "/", test.header)
		if r.StatusCode != test.status {
			t.Errorf("%s: %s", name, r.Status)
		}
		if test.status == 426 && r.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%s: which version it speaks is not said", name)
		}
	}
	if r := h.ask(t, "GET", "/ws", upgradeHeaders); r.StatusCode != 404 {
		t.Error("another path:", r.Status)
	}
}
