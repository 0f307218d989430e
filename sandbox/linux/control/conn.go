//go:build linux

package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/positional"
)

const (
	maxMessage = 16 << 20 // bytes; a plan with 100,000 mounts is below it
	maxFiles   = 16
	headerSize = 8 // length, number of descriptors; the message is the kind's length, the kind and the body
)

// Message is one message. Its descriptors belong to the receiver.
type Message struct {
	Kind  string
	Body  []byte
	Files []int
}

// Decode reads the body into v, which is of the type that was sent. Both ends are the
// same program, so no names travel; see package positional.
func (m Message) Decode(v any) error {
	if err := positional.Read(m.Body, v); err != nil {
		return fmt.Errorf("decode %s: %w", m.Kind, err)
	}
	return nil
}

// CloseFiles closes the descriptors that came with the message.
func (m Message) CloseFiles() {
	for _, fd := range m.Files {
		_ = unix.Close(fd)
	}
}

// Conn is one end of the socket.
type Conn struct {
	fd      int
	sending sync.Mutex
	closing sync.Once
}

// Pair makes a connected pair: the supervisor's end, and the file that the
// other process inherits.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make control socket: %w", err)
	}
	return New(fds[0]), os.NewFile(uintptr(fds[1]), "control"), nil
}

// New takes over a connected stream socket.
func New(fd int) *Conn { return &Conn{fd: fd} }

// Hangup ends the connection for both sides; a blocked Receive returns io.EOF.
func (c *Conn) Hangup() { _ = unix.Shutdown(c.fd, unix.SHUT_RDWR) }

// Close releases the descriptor. No Receive or Send may be running: call
// Hangup and wait for them first.
func (c *Conn) Close() {
	c.closing.Do(func() { _ = unix.Close(c.fd) })
}

// Send writes one message with descriptors, which stay the caller's.
func (c *Conn) Send(kind string, body any, files ...int) error {
	data := append(make([]byte, headerSize, 512), byte(len(kind)))
	data = append(data, kind...)
	if body != nil {
		var err error
		if data, err = positional.Append(data, body); err != nil {
			return fmt.Errorf("encode %s: %w", kind, err)
		}
	}
	if len(data)-headerSize > maxMessage || len(files) > maxFiles || len(kind) > 255 {
		return fmt.Errorf("send %s: %w", kind, unix.EMSGSIZE)
	}
	binary.LittleEndian.PutUint32(data, uint32(len(data)-headerSize))
	binary.LittleEndian.PutUint32(data[4:], uint32(len(files)))
	var rights []byte
	if len(files) > 0 {
		rights = unix.UnixRights(files...)
	}

	c.sending.Lock()
	defer c.sending.Unlock()
	for rest := data; len(rest) > 0; {
		n, err := unix.SendmsgN(c.fd, rest, rights, nil, unix.MSG_NOSIGNAL)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("send %s: %w", kind, err)
		}
		rights = nil // they went with the first byte
		rest = rest[n:]
	}
	return nil
}

// Receive waits for the next message. It returns io.EOF when the other side
// has gone between messages.
func (c *Conn) Receive() (Message, error) {
	var header [headerSize]byte
	files, err := c.readHeader(header[:])
	if err != nil {
		return Message{Files: files}, closed(files, err)
	}
	length := binary.LittleEndian.Uint32(header[:])
	if length > maxMessage || int(binary.LittleEndian.Uint32(header[4:])) != len(files) {
		return Message{}, closed(files, fmt.Errorf("receive message: %w", unix.EBADMSG))
	}
	data := make([]byte, length)
	if err := c.readFull(data); err != nil {
		return Message{}, closed(files, fmt.Errorf("receive message: %w", err))
	}
	if length == 0 || len(data) < 1+int(data[0]) {
		return Message{}, closed(files, fmt.Errorf("receive message: %w", unix.EBADMSG))
	}
	kind, body := data[1:1+int(data[0])], data[1+int(data[0]):]
	return Message{Kind: string(kind), Body: body, Files: files}, nil
}

func closed(files []int, err error) error {
	for _, fd := range files {
		_ = unix.Close(fd)
	}
	return err
}

func (c *Conn) readHeader(header []byte) ([]int, error) {
	oob := make([]byte, unix.CmsgSpace(4*maxFiles))
	var files []int
	for read := 0; read < len(header); {
		n, oobn, flags, _, err := unix.Recvmsg(c.fd, header[read:], oob, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return files, fmt.Errorf("receive message: %w", err)
		}
		if n == 0 {
			if read == 0 {
				return files, io.EOF
			}
			return files, io.ErrUnexpectedEOF
		}
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return files, fmt.Errorf("receive descriptors: %w", err)
		}
		for i := range messages {
			fds, err := unix.ParseUnixRights(&messages[i])
			if err != nil {
				return files, fmt.Errorf("receive descriptors: %w", err)
			}
			files = append(files, fds...)
		}
		if flags&unix.MSG_CTRUNC != 0 {
			return files, fmt.Errorf("receive descriptors: %w", unix.EMSGSIZE)
		}
		read += n
	}
	return files, nil
}

func (c *Conn) readFull(data []byte) error {
	for len(data) > 0 {
		n, err := unix.Read(c.fd, data)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		data = data[n:]
	}
	return nil
}
