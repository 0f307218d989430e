package configs

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"openclaw/sandbox/policy"
)

// scalar decodes a single value and checks it against the table.
func (d *decoder) scalar(node *yaml.Node, into reflect.Value, key string, known field) {
	if node.Kind != yaml.ScalarNode {
		d.errorAt(node, key, "", "must be %s, not %s", wanted(into.Type()), kindOf(node))
		return
	}
	if isNull(node) {
		d.errorAt(node, key, "write a value, or remove the key for the default", "has no value")
		return
	}
	if into.Type() == reflect.TypeFor[policy.Duration]() {
		d.duration(node, into, key)
		return
	}
	switch into.Kind() {
	case reflect.Bool:
		d.boolean(node, into, key)
	case reflect.Int, reflect.Int64:
		d.number(node, into, key, known)
	case reflect.String:
		d.text(node, into, key, known)
	default:
		d.errorAt(node, key, "", "cannot be read as %s", into.Type())
	}
}

func (d *decoder) boolean(node *yaml.Node, into reflect.Value, key string) {
	var v bool
	if node.ShortTag() == "!!bool" && node.Decode(&v) == nil {
		into.SetBool(v)
		return
	}
	hint := ""
	switch strings.ToLower(node.Value) {
	case "yes", "on", "y", "1", "true":
		hint = "write true"
	case "no", "off", "n", "0", "false":
		hint = "write false"
	}
	d.errorAt(node, key, hint, "must be true or false, not %s", d.show(node))
}

func (d *decoder) number(node *yaml.Node, into reflect.Value, key string, known field) {
	var v int64
	if node.ShortTag() != "!!int" || node.Decode(&v) != nil {
		d.errorAt(node, key, "", "must be a whole number, not %s", d.show(node))
		return
	}
	switch {
	case v < known.Min, known.Max != 0 && v > known.Max:
		if known.Max == 0 {
			d.errorAt(node, key, "", "must be at least %d, not %d", known.Min, v)
		} else {
			d.errorAt(node, key, "", "must be from %d to %d, not %d", known.Min, known.Max, v)
		}
	case into.OverflowInt(v):
		d.errorAt(node, key, "", "is too large")
	default:
		into.SetInt(v)
	}
}

func (d *decoder) text(node *yaml.Node, into reflect.Value, key string, known field) {
	switch node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!timestamp":
	case "!!bool":
		// `model: on` and the like: the person may have meant the word.
		d.errorAt(node, key, "put quotes around it if the word is meant", "must be a text, not true or false")
		return
	default:
		d.errorAt(node, key, "", "must be a text, not %s", kindOf(node))
		return
	}
	if len(known.Enum) > 0 && !slices.Contains(known.Enum, node.Value) {
		d.errorAt(node, key, "", "%s is not one of %s%s", d.show(node), strings.Join(known.Enum, ", "), didYouMean(node.Value, known.Enum))
		return
	}
	into.SetString(node.Value)
	if known.Path {
		d.path(node, into, key)
	}
}

// path expands the path of a file or folder in place.
func (d *decoder) path(node *yaml.Node, into reflect.Value, key string) {
	if strings.HasPrefix(key, "agents") && strings.HasSuffix(key, ".workspace") {
		// The policy's compiler judges it, because it alone knows what an agent
		// may have; it wants the path as written.
		d.workspaces[parentKey(key)] = node.Value
	}
	expanded, err := expandPath(node.Value, d.home, d.getenv)
	if err != nil {
		if _, workspace := d.workspaces[parentKey(key)]; !workspace {
			d.errorAt(node, key, "", "%v", err)
		}
		return
	}
	into.SetString(expanded)
}

// The longest that a call may be held for an answer.
const maxHold = time.Hour

func (d *decoder) duration(node *yaml.Node, into reflect.Value, key string) {
	v, err := time.ParseDuration(node.Value)
	switch {
	case err != nil:
		d.errorAt(node, key, "write it like 60s or 5m", "%s is not a duration", d.show(node))
	case v <= 0 || v > maxHold:
		d.errorAt(node, key, "", "must be more than 0s and at most 1h")
	default:
		into.SetInt(int64(v))
	}
}

// show gives a scalar for a message; a quoted one keeps its quotes.
func (d *decoder) show(node *yaml.Node) string {
	if node.ShortTag() == "!!int" || node.ShortTag() == "!!float" || node.ShortTag() == "!!bool" {
		if len(node.Value) <= 20 {
			return node.Value
		}
	}
	return quote(node.Value)
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		if t == reflect.TypeFor[policy.Duration]() {
			return "a duration"
		}
		return "a number"
	default:
		return "a text"
	}
}
