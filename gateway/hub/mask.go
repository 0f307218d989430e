package hub

import (
	"encoding/json"

	"openclaw/gateway/wire"
)

// refusal is the frame that refuses a request, with the secrets taken out that
// its words may have picked up from what was asked or from an error below.
func (c *Conn) refusal(id string, refusal *wire.Error) []byte {
	return wire.EncodeRefusal(id, c.hub.masked(refusal))
}

// refused refuses a request and tells of it.
func (c *Conn) refused(id, method string, refusal *wire.Error) []byte {
	clean := c.hub.masked(refusal)
	c.hub.options.Served(c, method, clean)
	return wire.EncodeRefusal(id, clean)
}

func (h *Hub) masked(refusal *wire.Error) *wire.Error {
	if h.options.Mask == nil || refusal == nil {
		return refusal
	}
	encoded, err := json.Marshal(refusal)
	if err != nil {
		return refusal // EncodeRefusal says so in its place
	}
	clean := h.options.Mask(string(encoded))
	if clean == string(encoded) {
		return refusal
	}
	var out wire.Error
	if json.Unmarshal([]byte(clean), &out) != nil {
		return wire.Unavailable("the request was refused; the reason holds a secret", "the gateway's log has the details")
	}
	return &out
}
