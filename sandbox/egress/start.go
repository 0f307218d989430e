package egress

import (
	"errors"
	"io"
	"os"
	"time"

	"openclaw/sandbox/policy"
)

// outward copies from the cage to the server, after the first bytes were read
// and found to ask for no other name; of HTTP without TLS, every request.
func (e *Egress) outward(s *stream, who owner) error {
	if s.where.host == "" {
		return e.forward(s.server, s.client, nil, &s.sent)
	}
	w := &window{conn: s.client}
	found, err := e.readStart(s, w)
	switch {
	case err != nil:
	case found.kind == firstTLS:
		err = e.hellos(s, w, found)
	case found.kind == firstHTTP:
		err = e.requests(s, w, found)
	case found.kind == firstHTTP2:
		err = e.frames(s, w, found)
	case found.kind == firstOther:
		err = e.others(s, w)
	default:
		err = e.forward(s.server, s.client, w.data, &s.sent)
	}
	if refused, ok := errors.AsType[*errRefused](err); ok {
		e.tell(*refused.refusal, who)
	}
	return err
}

// readStart reads the first bytes of a stream until it is known what they are.
// On other ports than the web's, a word that never becomes a request is not
// waited for: other protocols start with words too.
func (e *Egress) readStart(s *stream, w *window) (opening, error) {
	web := s.where.port == 80 || s.where.port == 443
	timed := false
	for {
		err := w.more()
		for err == nil && timed && w.nothingNew() {
			err = w.more()
		}
		found := readOpening(w.data)
		patient := web || len(w.data) > 0 && isRecord(w.data[0])
		switch {
		case found.kind == firstBroken:
			return found, e.wrongStart(s, found.reason)
		case found.kind != firstUnknown:
			if other, ok := found.asksFor(s.where.host); !ok {
				return found, e.wrongStart(s, startWord(found.kind)+" "+printable(other)+" is not "+s.where.host)
			}
			return found, s.client.SetReadDeadline(time.Time{})
		case len(w.data) == 0 && errors.Is(err, io.EOF):
			return opening{kind: firstOther}, nil
		case len(w.data) == 0 && err != nil:
			return found, plain(err)
		case err != nil && !patient && (errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded)):
			return opening{kind: firstOther}, s.client.SetReadDeadline(time.Time{})
		case err != nil:
			return found, e.wrongStart(s, "the start of a TLS or HTTP conversation that does not end")
		}
		if !timed && len(w.data) > 0 {
			timed = true
			wait := wordTimeout
			if patient {
				wait = e.openingTimeout
			}
			if err := s.client.SetReadDeadline(time.Now().Add(wait)); err != nil {
				return found, err
			}
		}
	}
}

func startWord(kind first) string {
	switch kind {
	case firstTLS:
		return "TLS server name"
	case firstHTTP2:
		return "HTTP/2 authority"
	case firstUnknown, firstOther, firstHTTP, firstBroken:
	}
	return "HTTP host"
}

func (e *Egress) wrongStart(s *stream, rule string) error {
	refusal := e.refusal("connect", MechanismEgress, s.where.String(), rule,
		policy.Origin{BuiltIn: "a connection asks for the name that it was opened for"})
	refusal.Connection = s.id
	return &errRefused{refusal}
}
