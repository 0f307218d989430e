package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// longestPath bounds the path of a record, in bytes.
const longestPath = 1024

// call is one request on its way.
type call struct {
	handler *Handler
	writer  http.ResponseWriter
	control *http.ResponseController
	request *http.Request
	record  Record
	kind    string // of the API: the shape of our own errors
	use     use

	settle func(Usage) // of the budget; nil: it was not asked, or refused
	sent   bool        // the request may have reached the provider
	meter  *meter      // of the answer; nil: nothing of it is asked
	costs  bool        // the answer costs tokens
	whole  bool        // the answer came to its end
}

// ServeHTTP passes a request on and its answer back.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, _ := r.Context().Value(callerKey{}).(Caller)
	c := &call{
		handler: h, writer: w, control: http.NewResponseController(w), request: r,
		record: Record{
			ID: newID(), Agent: caller.Agent, Run: caller.Run, Client: caller.Client, From: r.RemoteAddr,
			Method: r.Method, Path: short(r.URL.Path), Started: h.options.Now(),
		},
	}
	to, target, refusal := c.choose()
	h.options.Started(c.record)
	defer c.finish()
	if refusal != nil {
		c.limitRead()
		c.refuse(refusal)
		return
	}
	c.pass(to, target)
}

// finish settles what the call cost and tells of its end.
func (c *call) finish() {
	switch {
	case c.meter != nil:
		c.meter.stop()
		if c.meter.failed() && c.record.Error == "" {
			c.record.Error = "the provider ended its answer with an error"
		}
		if c.costs && (c.use == useGenerates || c.meter.text.told.any) {
			c.record.Usage = c.meter.usage(c.whole, c.record.BytesIn)
		}
	case c.sent && c.use == useGenerates && c.record.Status == 0:
		// The client left before the answer: the provider had its request all the same.
		c.record.Usage = Usage{In: estimate(c.record.BytesIn), Estimated: true}
	}
	if c.settle != nil {
		c.settle(c.record.Usage)
	}
	c.record.Duration = c.handler.options.Now().Sub(c.record.Started)
	c.handler.options.Finished(c.record)
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	return hex.EncodeToString(b[:])
}

func short(path string) string {
	if len(path) <= longestPath {
		return path
	}
	return strings.ToValidUTF8(path[:longestPath-len("…")], "") + "…"
}

// choose finds the provider, and whether it may be used and in this way.
func (c *call) choose() (route, Target, *refusal) {
	to, problem := routeOf(c.request)
	c.kind = to.kind
	if problem != nil {
		return to, Target{}, problem
	}
	name := to.named
	if name == "" {
		name = c.handler.options.Prefer(c.record.Agent, to.kind)
	}
	if name == "" && to.guess {
		name = c.handler.options.Prefer(c.record.Agent, "")
	}
	if name == "" {
		name = to.kind
	}
	target, known := c.handler.options.Providers()[name]
	if !known {
		return to, Target{}, refused(http.StatusNotFound, "unknown_provider", "no provider of that name is configured: see providers in the config")
	}
	c.record.Provider = name
	if ownURL(target.Kind) != nil {
		c.kind = target.Kind
	}
	if err := c.handler.options.Allowed(c.record.Agent, name); err != nil {
		return to, target, refused(http.StatusForbidden, "provider_not_allowed", err.Error())
	}
	switch {
	case isUpgrade(c.request):
		// Codex falls back to HTTP after one 426, and after seven of anything else.
		return to, target, refused(http.StatusUpgradeRequired, "no_websocket", "no WebSocket is served here: send the request over HTTP")
	case c.request.Method == http.MethodTrace, c.request.Method == http.MethodConnect:
		return to, target, refused(http.StatusMethodNotAllowed, "bad_method", "this method is not passed on")
	case ownURL(target.Kind) == nil:
		return to, target, refused(http.StatusNotImplemented, "unknown_kind", "the provider's kind is not one that this gateway speaks: anthropic, openai, gemini")
	}
	found, allowed := find(c.handler.tables[target.Kind], target.Paths, c.request.Method, to.path)
	c.use = found.use
	switch {
	case found.path != nil || found.use == useUnknown:
		return to, target, nil
	case len(allowed) > 0:
		c.writer.Header().Set("Allow", strings.Join(allowed, ", "))
		return to, target, refused(http.StatusMethodNotAllowed, "bad_method", "this path is passed on with "+strings.Join(allowed, ", ")+" only")
	default:
		return to, target, refused(http.StatusNotFound, "unknown_path", "this path of "+name+" is not passed on: providers."+name+".paths in the config can allow it")
	}
}

func isUpgrade(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Upgrade"], func(value string) bool { return strings.Contains(strings.ToLower(value), "websocket") })
}

// refuse answers with an error of our own.
func (c *call) refuse(f *refusal) {
	body := f.body(c.kind)
	f.header(c.writer.Header(), len(body))
	c.record.Status, c.record.Error = f.status, f.message
	c.writer.WriteHeader(f.status)
	if c.request.Method == http.MethodHead {
		return
	}
	n, _ := c.writer.Write(body) // a client that is gone needs no answer
	c.record.BytesOut = int64(n)
}

// abort breaks the connection: what was sent so far is not the whole answer.
func (c *call) abort(reason string) {
	c.record.Error = reason
	panic(http.ErrAbortHandler)
}

// pass sends the request to the provider and gives the answer back.
func (c *call) pass(to route, target Target) {
	body, problem, err := c.readBody()
	if err != nil {
		c.abort(err.Error())
	}
	if problem != nil {
		c.refuse(problem)
		return
	}
	address, problem := c.handler.bases.upstreamURL(target, to.path)
	if problem != nil {
		c.refuse(problem)
		return
	}
	ctx, cancel := context.WithCancelCause(c.request.Context())
	defer cancel(nil)
	c.handler.underWay.add(c.record.ID, cancel)
	defer c.handler.underWay.remove(c.record.ID)
	c.record.Model = c.modelOf(to.path, body)
	var over *Overspent
	c.settle, over = c.handler.options.Budget(Demand{
		Agent: c.record.Agent, Run: c.record.Run, Provider: c.record.Provider, Model: c.record.Model, Bytes: c.record.BytesIn, Costs: c.use == useGenerates, Unknown: c.use == useUnknown,
		Asked: func() (Asked, error) { return c.asked(to.path, body) }, Cut: func(reason error) { cancel(&lostError{reason}) },
	})
	if over != nil {
		c.settle = nil
		c.refuse(overspent(over))
		return
	}
	tokens := presented(c.request)
	address.RawQuery, address.ForceQuery = withoutTokens(c.request.URL.RawQuery, tokens), c.request.URL.ForceQuery
	key, problem := c.handler.fetchKey(ctx, c.record.Provider, target.Kind)
	if problem != nil {
		if c.request.Context().Err() != nil {
			c.abort(errGone.Error())
		}
		c.refuse(problem)
		return
	}
	defer key.Wipe()

	request := (&http.Request{
		Method: c.request.Method, URL: address, Host: address.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: outgoing(c.request, tokens), ContentLength: int64(len(body)), Body: http.NoBody,
	}).WithContext(ctx)
	if len(body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	inject(request.Header, target.Kind, key)

	c.sent = true
	watch := time.AfterFunc(c.handler.options.HeaderTimeout, func() { cancel(errSilent) })
	defer watch.Stop()
	response, err := c.handler.transport.RoundTrip(request)
	if err != nil {
		watch.Stop()
		if c.request.Context().Err() != nil {
			c.abort(errGone.Error())
		}
		if lost, is := errors.AsType[*lostError](context.Cause(ctx)); is {
			c.refuse(lost.refusal())
			return
		}
		c.refuse(upstreamRefusal(c.record.Provider, address.Host, errors.Join(err, context.Cause(ctx))))
		return
	}
	defer response.Body.Close()
	watch.Stop()
	answer := &answer{call: c, response: response, mask: c.handler.maskOf(c.record.Provider, key), watch: watch, cancelled: func() error { return context.Cause(ctx) }, path: to.path}
	if why := unpack(response, c.request.Method); why != nil {
		c.refuse(why)
		return
	}
	withoutEcho(response, answer.mask)
	answer.give()
}
