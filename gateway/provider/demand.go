package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
)

// Demand is what a call is about to use, as a budget judges it.
type Demand struct {
	Agent    string // empty: the operator
	Run      string
	Provider string
	Model    string // at a glance, for the record; may be empty
	Bytes    int64  // of the request's body
	Costs    bool   // the call costs tokens
	Unknown  bool   // a path of the config: neither its model nor what it costs can be known
	// Asked reads what the request asks for. It takes a moment for a large
	// body, and is called only where it matters. An error says in a person's
	// words what cannot be judged.
	Asked func() (Asked, error)
	// Cut ends the call when it has lost its right. It may be called at any time.
	Cut func(reason error)
}

// Estimate is what the request alone will cost, in tokens.
func (d Demand) Estimate() int64 { return estimate(d.Bytes) }

func estimate(bytes int64) int64 { return (bytes + bytesPerToken - 1) / bytesPerToken }

// Asked is what a request asks a model for.
type Asked struct {
	Models     []string // every model that it names, the tools' too; never empty for a call that costs
	Background bool     // the answer comes later, by another call
}

// Overspent is why a budget refuses a call.
type Overspent struct {
	Model   bool          // the model is not allowed; otherwise a number is used up
	Day     bool          // it is used up until the next day
	Retry   time.Duration // until there is room again; 0 is not known
	Message string        // what happened and which key of the config says so
}

// Usage is what an answer cost, in tokens. In includes Cached, what the provider
// had seen before.
type Usage struct {
	In, Cached, Out int64
	Estimated       bool // the answer did not say all of it
}

// Total is what counts against a budget.
func (u Usage) Total() int64 { return u.In + u.Out }

// longestModel bounds the name of a model in records, in bytes.
const longestModel = 128

// modelOf is the model that a request names first, for the record; empty when it
// cannot be seen at a glance.
func (c *call) modelOf(path string, body []byte) string {
	if c.use != useGenerates && c.use != useCounts {
		return ""
	}
	name := modelOfPath(path)
	if name == "" {
		members(body, func(key, value []byte) bool {
			if string(key) != "model" {
				return true
			}
			if name = plainText(value); name == "" {
				_ = json.Unmarshal(value, &name) // another kind of value is no name
			}
			return false
		})
	}
	if len(name) > longestModel {
		name = strings.ToValidUTF8(name[:longestModel], "") + "…"
	}
	return name
}

// plainText is a JSON string of characters that stand for themselves, as every
// client writes a model's name; empty for anything else.
func plainText(quoted []byte) string {
	if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return ""
	}
	inner := quoted[1 : len(quoted)-1]
	for _, c := range inner {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return ""
		}
	}
	return string(inner)
}

// modelOfPath is the model of Gemini's paths: /v1beta/models/NAME:method.
func modelOfPath(path string) string {
	segments := belowVersion(path)
	if len(segments) != 2 || segments[0] != "models" {
		return ""
	}
	name, _, called := strings.Cut(segments[1], ":")
	plain, err := url.PathUnescape(name)
	if !called || err != nil {
		return ""
	}
	return plain
}

// The reasons why a request cannot be judged.
var (
	errNotObject    = errors.New("the request's body is not a JSON object, so the model that it names cannot be judged")
	errTwice        = errors.New("the request's body names its model in two places, so it cannot be judged which one counts")
	errNoModel      = errors.New("the request names no model, so it cannot be judged")
	errNoModelsName = errors.New("the request's body holds a model that is not a name, so it cannot be judged")
	errPacked       = errors.New("the request's body is compressed, so the model that it names cannot be judged")
)

// asked reads what a request asks for, strictly: what servers may read in another
// way than this is refused.
func (c *call) asked(path string, body []byte) (Asked, error) {
	var out Asked
	if name := modelOfPath(path); name != "" {
		out.Models = append(out.Models, name)
	}
	if c.use == useReads {
		return out, nil
	}
	if len(c.request.Header["Content-Encoding"]) > 0 {
		return out, errPacked
	}
	if !json.Valid(body) {
		return out, errNotObject
	}
	var problem error
	seen := map[string]bool{}
	whole := members(body, func(key, value []byte) bool {
		name := strings.ToLower(strings.ToUpper(string(key))) // some servers do not tell the cases apart, nor ſ and s
		switch name {
		case "model", "models", "fallbacks", "fallback_model", "fallback_models", "tools", "background":
		default:
			return true
		}
		if seen[name] {
			problem = errTwice
			return false
		}
		seen[name] = true
		switch name {
		case "tools":
			out.Models = append(out.Models, modelsOfTools(value)...)
		case "background":
			out.Background = !bytes.Equal(value, []byte("false")) && !bytes.Equal(value, []byte("null"))
		default:
			names, err := namesOf(value)
			out.Models, problem = append(out.Models, names...), err
		}
		return problem == nil
	})
	switch {
	case problem != nil:
		return out, problem
	case !whole:
		return out, errNotObject
	case len(out.Models) == 0 && c.use != useUnknown:
		return out, errNoModel
	}
	return out, nil
}

// namesOf reads a model's name or a list of them.
func namesOf(value []byte) ([]string, error) {
	var one string
	if json.Unmarshal(value, &one) == nil && !bytes.Equal(value, []byte("null")) {
		return []string{strings.TrimPrefix(one, "models/")}, nil // Gemini writes it so
	}
	var several []string
	if json.Unmarshal(value, &several) == nil {
		return several, nil
	}
	return nil, errNoModelsName
}

// modelsOfTools are the models that tools of the provider's own work with.
func modelsOfTools(value []byte) []string {
	var tools []json.RawMessage
	if json.Unmarshal(value, &tools) != nil {
		return nil
	}
	var out []string
	for _, tool := range tools {
		members(tool, func(key, value []byte) bool {
			var name string
			if strings.EqualFold(string(key), "model") && json.Unmarshal(value, &name) == nil && name != "" {
				out = append(out, name)
			}
			return true
		})
	}
	return out
}
