package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Mode is a way to misbehave. A request chooses it by the header ModeHeader;
// without one, the mode set by SetMode holds.
type Mode string

// The modes.
const (
	Normal   Mode = ""
	Hang     Mode = "hang"     // no reply until the client leaves
	Reset    Mode = "reset"    // the connection is reset before a reply
	Fail     Mode = "500"      // an error in the API's shape
	Overload Mode = "529"      // the same, with Anthropic's own status
	Endless  Mode = "endless"  // events for ever, a thousand a second at most
	Stall    Mode = "stall"    // some events, then silence
	Cut      Mode = "cut"      // some events, then the connection ends
	EchoKey  Mode = "echo"     // 401; the credential in a header and in the text of the error
	EchoBody Mode = "repeat"   // the request's own body
	Redirect Mode = "redirect" // 307 to a host that is not there
)

// The headers by which a request sets how it is answered.
const (
	ModeHeader   = "X-Standin-Mode"
	EventsHeader = "X-Standin-Events" // number of text events of a stream
	SplitHeader  = "X-Standin-Split"  // EchoKey: the body is sent in two pieces, cut at this byte
)

// Text is what it answers.
const Text = "Hello from the stand-in."

const (
	text        = Text
	pace        = time.Millisecond // between the events of Endless
	mostRecords = 10_000
)

// Request is what reached the stand-in.
type Request struct {
	Method string
	Path   string // escaped, as it came
	Query  string
	Host   string
	Header http.Header
	Body   []byte
}

// Provider is the stand-in, an http.Handler. It is safe for concurrent use.
type Provider struct {
	mu   sync.Mutex
	mode Mode
	seen []Request
	left int
}

// Options sets how a Provider answers.
type Options struct {
	Mode Mode // until SetMode
}

// New returns a Provider; without options it answers as it should.
func New(options ...Options) *Provider {
	p := &Provider{}
	for _, o := range options {
		p.mode = o.Mode
	}
	return p
}

// SetMode sets how requests are answered that choose no mode themselves.
func (p *Provider) SetMode(mode Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = mode
}

// Requests returns the newest 10,000 requests, oldest first. What they hold
// must not be changed.
func (p *Provider) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// Left returns how many clients left before their reply was whole.
func (p *Provider) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

func (p *Provider) record(r *http.Request, body []byte) Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == mostRecords {
		p.seen = slices.Delete(p.seen, 0, mostRecords/10)
	}
	p.seen = append(p.seen, Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host, Header: r.Header.Clone(), Body: body})
	if chosen := r.Header.Get(ModeHeader); chosen != "" {
		return Mode(chosen)
	}
	return p.mode
}

func (p *Provider) clientLeft() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left++
}

// ServeHTTP answers as the provider whose path it is would.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.clientLeft()
		return
	}
	mode := p.record(r, body)
	api := apiOf(r.URL.Path)
	w.Header().Set("Request-Id", "req_standin")
	switch mode {
	case Hang:
		<-r.Context().Done()
		p.clientLeft()
	case Reset:
		reset(w)
	case Fail:
		api.fail(w, http.StatusInternalServerError, "internal error of the stand-in")
	case Overload:
		w.Header().Set("Retry-After", "3")
		api.fail(w, 529, "overloaded")
	case EchoKey:
		echoKey(w, r, api)
	case EchoBody:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // as elsewhere here: a client that is gone needs no answer
	case Redirect:
		http.Redirect(w, r, "http://192.0.2.1/elsewhere", http.StatusTemporaryRedirect)
	default:
		if credential(r) == "" {
			api.fail(w, http.StatusUnauthorized, "no credential")
			return
		}
		p.answer(w, r, api, mode, body)
	}
}

// reset ends the connection with an RST instead of an end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if socket, is := conn.(*net.TCPConn); is {
		_ = socket.SetLinger(0) // without it the close is a plain one
	}
	conn.Close()
}

// credential is what the request carried, wherever.
func credential(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	if key := r.Header.Get("X-Goog-Api-Key"); key != "" {
		return key
	}
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// echoKey repeats the credential in a header and in an error, as providers do
// with a wrong one, in one piece or in two.
func echoKey(w http.ResponseWriter, r *http.Request, api api) {
	key := credential(r)
	w.Header().Set("X-Key-Was", key)
	answer := string(api.errorBody("Incorrect API key provided: " + key + ". You can find your key elsewhere; it was " + key))
	split, err := strconv.Atoi(r.Header.Get(SplitHeader))
	if err != nil || split > len(answer) {
		split = len(answer)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(http.StatusUnauthorized)
	for _, part := range []string{answer[:split], answer[split:]} {
		_, _ = io.WriteString(w, part)
		_ = http.NewResponseController(w).Flush()
	}
}

// asked is what of a request's body the stand-in looks at.
type asked struct {
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
	Extra  struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request, api api, mode Mode, body []byte) {
	var wanted asked
	_ = json.Unmarshal(body, &wanted) // a body that is no JSON gets an answer too
	if wanted.Model == "" {
		wanted.Model = "stand-in-1"
	}
	streamed := wanted.Stream || strings.HasSuffix(r.URL.Path, ":streamGenerateContent")
	if !streamed && mode == Normal || r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(api.reply(r.URL.Path, wanted.Model, text))
		return
	}
	words := strings.SplitAfter(text, " ")
	events := len(words)
	if n, err := strconv.Atoi(r.Header.Get(EventsHeader)); err == nil {
		events = n
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	control := http.NewResponseController(w)
	send := func(event string) bool {
		_, err := io.WriteString(w, event)
		if err == nil {
			err = control.Flush()
		}
		if err != nil || r.Context().Err() != nil {
			p.clientLeft()
			return false
		}
		return true
	}
	if !send(api.begin(wanted.Model)) {
		return
	}
	for i := 0; i < events || mode == Endless; i++ {
		if mode == Endless {
			time.Sleep(pace)
		}
		if !send(api.text(words[i%len(words)], i)) {
			return
		}
	}
	switch mode {
	case Stall:
		<-r.Context().Done()
		p.clientLeft()
	case Cut:
		panic(http.ErrAbortHandler)
	default:
		send(api.end(wanted.Model, wanted.Extra.Usage))
	}
}

func event(name string, data any) string {
	encoded, _ := json.Marshal(data) // maps of plain values always encode
	if name == "" {
		return fmt.Sprintf("data: %s\n\n", encoded)
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", name, encoded)
}
