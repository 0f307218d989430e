package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"openclaw/keychain"
)

// ErrKeyRefused says that a provider does not take a key.
var ErrKeyRefused = errors.New("the provider refuses this key")

// tryTimeout bounds a try of a key. A list of models comes within a second.
const tryTimeout = 20 * time.Second

// mostTried bounds what is read of a list of models, in bytes. OpenRouter's has half a
// megabyte.
const mostTried = 8 << 20

// TryKey asks a provider for its list of models with a key, which costs nothing
// and every key may do. nil: the list came, so the provider takes the key; ErrKeyRefused: it
// does not (401 or 403). Any other error, also of an answer without a list such as the
// page of a proxy, leaves it unknown and holds no secret. The key
// stays the caller's. There is no other try.
func (h *Handler) TryKey(ctx context.Context, name string, key keychain.Secret) error {
	target, known := h.options.Providers()[name]
	if !known {
		return fmt.Errorf("no provider is named %s", name)
	}
	trimmed := keychain.NewSecret(bytes.TrimSpace(key.Reveal()))
	if trimmed.Empty() || trimmed.Len() > longestKey || !printable(trimmed.Reveal()) {
		return fmt.Errorf("%w: it is empty, too long, or holds a character that no key has", ErrKeyRefused)
	}
	path := "/v1/models"
	if target.Kind == KindGemini {
		path = "/v1beta/models"
	}
	address, problem := h.bases.upstreamURL(target, path)
	if problem != nil {
		return errors.New(problem.message)
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return errors.New("the provider's address cannot be asked: see its base_url in the config")
	}
	request.Header.Set("Accept", "application/json")
	if target.Kind == KindAnthropic {
		request.Header.Set("Anthropic-Version", anthropicVersion)
	}
	inject(request.Header, target.Kind, trimmed)
	response, err := h.transport.RoundTrip(request)
	if err != nil {
		return errors.New(upstreamRefusal(name, address.Host, errors.Join(err, ctx.Err())).message)
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, mostTried)
	listed := response.StatusCode == http.StatusOK && listsModels(json.NewDecoder(body))
	_, _ = io.Copy(io.Discard, body) // so that the connection can be used again
	switch response.StatusCode {
	case http.StatusOK:
		if !listed {
			return fmt.Errorf("%s answered with no list of models, which says nothing of the key", address.Host)
		}
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (status %d of %s)", ErrKeyRefused, response.StatusCode, address.Host)
	}
	return fmt.Errorf("%s answered with status %d, which says nothing of the key", address.Host, response.StatusCode)
}

// listsModels reports whether an answer is an object with a list of models: "data" of
// OpenAI's and Anthropic's kind, "models" of Gemini's.
func listsModels(answer *json.Decoder) bool {
	if open, err := answer.Token(); err != nil || open != json.Delim('{') {
		return false
	}
	for answer.More() {
		name, err := answer.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if err := answer.Decode(&value); err != nil {
			return false
		}
		if (name == "data" || name == "models") && value[0] == '[' {
			return true
		}
	}
	return false
}

// anthropicVersion is the API's version that a request must name
// (docs.anthropic.com, "Versions").
const anthropicVersion = "2023-06-01"
