package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	modelsWait = 5 * time.Second // for the provider's own list
	maxModels  = 4 << 20         // bytes of it
)

// chatModel is an entry of the list of models.
type chatModel struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	Created    int    `json:"created"`
	OwnedBy    string `json:"owned_by"`
	Permission []any  `json:"permission"`
}

func newChatModel(id string) chatModel {
	return chatModel{ID: id, Object: "model", OwnedBy: "openclaw", Permission: []any{}}
}

// serveModels lists the agents' chats in front of the models of the provider that
// OpenAI's clients reach here. Where the provider gives no list, theirs is all.
// Anthropic's clients get their provider's answer as it is.
func (c *chats) serveModels(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Anthropic-Version") != "" || r.Header.Get("X-Api-Key") != "" {
		return false
	}
	id, one := strings.CutPrefix(r.URL.Path, "/v1/models/")
	if one && !isChatModel(id) {
		return false
	}
	ids := []string{"openclaw", "openclaw/default"}
	for _, agent := range c.g.deps.Config.Current().Agents() {
		ids = append(ids, "openclaw/"+agent)
	}
	if one {
		if slices.Contains(ids, id) {
			writeBody(w, newChatModel(id))
			return true
		}
		openAIRefusal(w, http.StatusNotFound, badRequest, "there is no agent of that name")
		return true
	}
	entries := make([]json.RawMessage, 0, len(ids))
	for _, id := range ids {
		entry, _ := json.Marshal(newChatModel(id)) // texts always encode
		entries = append(entries, entry)
	}
	list := c.providersModels(r)
	var theirs []json.RawMessage
	if json.Unmarshal(list["data"], &theirs) == nil {
		entries = append(entries, theirs...)
	}
	list["object"] = json.RawMessage(`"list"`)
	list["data"], _ = json.Marshal(entries) // as above
	writeBody(w, list)
	return true
}

func writeBody(w http.ResponseWriter, body any) {
	text, _ := json.Marshal(body) // ours always encodes
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a client that is gone needs no answer
}

// providersModels asks the provider as the client did. The map is never nil.
func (c *chats) providersModels(r *http.Request) map[string]json.RawMessage {
	ctx, cancel := context.WithTimeout(r.Context(), modelsWait)
	defer cancel()
	answer := &heldAnswer{header: http.Header{}}
	func() {
		defer func() {
			if p := recover(); p != nil {
				if err, is := p.(error); !is || !errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				answer.status = 0 // it broke off
			}
		}()
		c.g.deps.Provider.ServeHTTP(answer, r.WithContext(c.g.deps.WithCaller(ctx, "", "")))
	}()
	list := map[string]json.RawMessage{}
	if answer.status != http.StatusOK || json.Unmarshal(answer.body.Bytes(), &list) != nil || list == nil { // "null" makes it so
		return map[string]json.RawMessage{}
	}
	return list
}

// heldAnswer keeps an answer instead of sending it.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header { return a.header }

func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *heldAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len()+len(b) > maxModels {
		return 0, errTooLarge
	}
	return a.body.Write(b)
}
