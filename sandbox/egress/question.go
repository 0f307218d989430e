package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// answerTTL is how long a program may keep an answer, in seconds. Addresses
// are stable, so a short time costs a query and never a connection.
const answerTTL = 10

// query is one question that came from the cage.
type query struct {
	id       uint16
	recurse  bool
	opcode   dnsmessage.OpCode
	question dnsmessage.Question
}

var errNotAQuery = errors.New("not a query with one question")

// parseQuery reads a message. It takes queries with exactly one question;
// whatever follows the question is not looked at.
func parseQuery(message []byte) (query, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil {
		return query{}, fmt.Errorf("read query: %w", err)
	}
	if header.Response {
		return query{}, errNotAQuery
	}
	question, err := parser.Question()
	if err != nil {
		return query{}, fmt.Errorf("read question: %w", err)
	}
	if _, err := parser.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return query{}, errNotAQuery
	}
	return query{id: header.ID, recurse: header.RecursionDesired, opcode: header.OpCode, question: question}, nil
}

// reply is what a query gets: a code and at most one record.
type reply struct {
	code    dnsmessage.RCode
	address netip.Addr // of an A or AAAA record; the zero value gives none
	pointer string     // of a PTR record
}

// build writes the reply to q.
func (r reply) build(q query) ([]byte, error) {
	builder := dnsmessage.NewBuilder(make([]byte, 0, 512), dnsmessage.Header{
		ID: q.id, Response: true, OpCode: q.opcode, RecursionDesired: q.recurse, RecursionAvailable: true, RCode: r.code,
	})
	builder.EnableCompression()
	if err := builder.StartQuestions(); err != nil {
		return nil, err
	}
	if err := builder.Question(q.question); err != nil {
		return nil, err
	}
	if err := builder.StartAnswers(); err != nil {
		return nil, err
	}
	header := dnsmessage.ResourceHeader{Name: q.question.Name, Class: dnsmessage.ClassINET, TTL: answerTTL}
	var err error
	switch {
	case r.address.Is4():
		err = builder.AResource(header, dnsmessage.AResource{A: r.address.As4()})
	case r.address.Is6():
		err = builder.AAAAResource(header, dnsmessage.AAAAResource{AAAA: r.address.As16()})
	case r.pointer != "":
		var target dnsmessage.Name
		if target, err = dnsmessage.NewName(r.pointer + "."); err == nil {
			err = builder.PTRResource(header, dnsmessage.PTRResource{PTR: target})
		}
	}
	if err != nil {
		return nil, err
	}
	return builder.Finish()
}

// local answers what needs no policy because it tells nothing of the outside:
// the cage's own localhost and the names behind addresses that were given out.
func (n *names) local(q query, host string) (reply, bool) {
	kind := q.question.Type
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		switch kind {
		case dnsmessage.TypeA:
			return reply{address: netip.AddrFrom4([4]byte{127, 0, 0, 1})}, true
		case dnsmessage.TypeAAAA:
			return reply{address: netip.IPv6Loopback()}, true
		default:
			return reply{}, true
		}
	}
	if reversed, ok := strings.CutSuffix(host, ".in-addr.arpa"); ok {
		if address, ok := reverse4(reversed); ok && kind == dnsmessage.TypePTR {
			if name, ok := n.name(address); ok {
				return reply{pointer: name}, true
			}
		}
		return reply{code: dnsmessage.RCodeNameError}, true
	}
	if strings.HasSuffix(host, ".ip6.arpa") {
		return reply{code: dnsmessage.RCodeNameError}, true
	}
	return reply{}, false
}

// reverse4 reads "4.3.2.1" as 1.2.3.4.
func reverse4(reversed string) (netip.Addr, bool) {
	var octets [4]byte
	parts := strings.Split(reversed, ".")
	if len(parts) != len(octets) {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		value, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		octets[3-i] = byte(value)
	}
	return netip.AddrFrom4(octets), true
}

// printable makes text from the cage safe to show.
func printable(text string) string {
	quoted := strconv.QuoteToASCII(text)
	if len(quoted) > 300 {
		quoted = quoted[:300] + "…"
	}
	if inner := strings.Trim(quoted, `"`); inner == text {
		return text
	}
	return quoted
}
