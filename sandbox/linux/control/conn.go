//go:build linux

package control

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	maxMessage = 16 << 20 // bytes; a plan with 100,000 mounts is below it
	maxFiles   = 16
	headerSize = 8 // length, number of descriptors
)

// Message is one message. Its descriptors belong to the receiver.
type Message struct {
	Kind  string          `json:"kind"`
	Body  json.RawMessage `json:"body,omitempty"`
	Files []int           `json:"-"`
}

// Decode reads the body into v.
func (m Message) Decode(v any) error {
	if err := json.Unmarshal(m.Body, v); err != nil {
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
	message := Message{Kind: kind}
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode %s: %w", kind, err)
		}
		message.Body = raw
	}
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	if len(data) > maxMessage || len(files) > maxFiles {
		return fmt.Errorf("send %s: %w", kind, unix.EMSGSIZE)
	}
	header := make([]byte, headerSize, headerSize+len(data))
	binary.LittleEndian.PutUint32(header, uint32(len(data)))
	binary.LittleEndian.PutUint32(header[4:], uint32(len(files)))
	var rights []byte
	if len(files) > 0 {
		rights = unix.UnixRights(files...)
	}

	c.sending.Lock()
	defer c.sending.Unlock()
	rest := append(header, data...)
	for len(rest) > 0 {
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
	message := Message{Files: files}
	if err := json.Unmarshal(data, &message); err != nil {
		return Message{}, closed(files, fmt.Errorf("decode message: %w", err))
	}
	return message, nil
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
