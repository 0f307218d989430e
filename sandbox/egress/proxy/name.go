package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var errRefusedName = errors.New("the name is not allowed")

// standIn asks egress for the address that stands for a name, by the question
// that a program in a cage on Linux would ask. No question leaves the machine.
func (p *Proxy) standIn(ctx context.Context, host string) (netip.Addr, error) {
	question, err := buildQuestion(host)
	if err != nil {
		return netip.Addr{}, err
	}
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	if !p.questions.put(ctx, far) {
		_ = far.Close()
		return netip.Addr{}, errors.New("the run has ended")
	}
	if err := near.SetDeadline(time.Now().Add(questionTimeout)); err != nil {
		return netip.Addr{}, err
	}
	if _, err := near.Write(question); err != nil {
		return netip.Addr{}, fmt.Errorf("ask for the name: %w", err)
	}
	var length [2]byte
	if _, err := io.ReadFull(near, length[:]); err != nil {
		return netip.Addr{}, errRefusedName
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(near, message); err != nil {
		return netip.Addr{}, fmt.Errorf("read the answer for the name: %w", err)
	}
	return readAnswer(message)
}

// buildQuestion writes a question for an IPv4 address, behind its length.
func buildQuestion(host string) ([]byte, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(host, ".") + ".")
	if err != nil {
		return nil, errRefusedName
	}
	message := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	packed, err := message.Pack()
	if err != nil {
		return nil, errRefusedName
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...), nil
}

func readAnswer(message []byte) (netip.Addr, error) {
	var answer dnsmessage.Message
	if err := answer.Unpack(message); err != nil {
		return netip.Addr{}, fmt.Errorf("read the answer for the name: %w", err)
	}
	if answer.RCode == dnsmessage.RCodeSuccess && len(answer.Answers) == 1 {
		if a, ok := answer.Answers[0].Body.(*dnsmessage.AResource); ok {
			return netip.AddrFrom4(a.A), nil
		}
	}
	return netip.Addr{}, errRefusedName
}
