package provider

import (
	"bytes"
	"context"
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

// mostTried is how much of an answer is read so that its connection can be used
// again, in bytes.
const mostTried = 64 << 10

// TryKey asks a provider for its list of models with a key, which costs nothing
// and every key may do. nil: the provider takes the key; ErrKeyRefused: it does
// not (401 or 403). Any other error leaves it unknown and holds no secret. The key
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
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, mostTried))
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (status %d of %s)", ErrKeyRefused, response.StatusCode, address.Host)
	}
	return fmt.Errorf("%s answered with status %d, which says nothing of the key", address.Host, response.StatusCode)
}

// anthropicVersion is the API's version that a request must name
// (docs.anthropic.com, "Versions").
const anthropicVersion = "2023-06-01"
