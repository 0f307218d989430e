// Package standin is a stand-in for model providers, for tests and recorded
// runs. It is not a model: its replies are fixed text in the shapes of
// Anthropic's, OpenAI's and Gemini's APIs, as JSON and as event streams.
//
// It records the newest requests with the credentials that they carried, so
// that a test can show what reached a provider, and it misbehaves on demand. It
// listens nowhere by itself, starts no goroutine, and knows nothing of the
// gateway.
package standin
