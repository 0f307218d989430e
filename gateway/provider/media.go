package provider

import (
	"mime"
	"net/http"
)

// mediaOf is the media type of a message's body, in lower case and without its
// parameters; empty where the header holds none.
func mediaOf(header http.Header) string {
	switch text := header.Get("Content-Type"); text {
	case "application/json", "text/event-stream": // as most answers have it, to the letter
		return text
	case "application/json; charset=utf-8", "application/json; charset=UTF-8":
		return "application/json"
	case "text/event-stream; charset=utf-8":
		return "text/event-stream"
	default:
		media, _, err := mime.ParseMediaType(text)
		if err != nil {
			return "" // what cannot be read is of no type that is looked into
		}
		return media
	}
}
