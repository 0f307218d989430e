package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"openclaw/sandbox/policy"
)

// Bounds of one file. A config of a hundred agents has a few thousand nodes.
const (
	maxNodes    = 100_000 // after aliases, so that a small text cannot grow
	maxDepth    = 32      // the tree itself is eight levels deep
	maxProblems = 200
	maxItems    = 1000 // of one list
	maxNames    = 256  // of agents, roles, providers: each is compared with every other
)

// decoder fills a Config from a YAML tree and keeps going after every error.
type decoder struct {
	file      string
	table     map[string]field
	positions map[string]position // of every key and item that is written
	values    map[string]position // of its value, for errors about the value
	problems  []Problem
	dropped   int // problems past maxProblems
	nodes     int
	overflow  bool

	home       string
	getenv     func(string) string
	workspaces map[string]string // of agents, by key path, as written
}

func newDecoder(file string) *decoder {
	return &decoder{
		file: file, table: fields(),
		positions: map[string]position{}, values: map[string]position{}, workspaces: map[string]string{},
	}
}

// decodeRoot fills c, which holds the defaults.
func (d *decoder) decodeRoot(root *yaml.Node, c *Config) {
	if root == nil || isNull(root) {
		return
	}
	d.value(root, reflect.ValueOf(c).Elem(), "", field{}, 0)
}

func (d *decoder) report(p Problem) {
	p.File = d.file
	if len(d.problems) >= maxProblems {
		d.dropped++
		return
	}
	d.problems = append(d.problems, p)
}

func (d *decoder) errorAt(node *yaml.Node, key, hint, format string, args ...any) {
	d.report(Problem{Line: node.Line, Column: node.Column, Key: key, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// enter counts a node and refuses what is too much.
func (d *decoder) enter(node *yaml.Node, key string, depth int) bool {
	d.nodes++
	switch {
	case d.overflow:
		return false
	case d.nodes > maxNodes:
		d.overflow = true
		d.errorAt(node, key, "aliases repeat their anchor's value; write less", "the file grows past %d values", maxNodes)
		return false
	case depth > maxDepth:
		d.errorAt(node, key, "", "nested deeper than %d levels", maxDepth)
		return false
	}
	return true
}

// value decodes one node by the type that is wanted.
func (d *decoder) value(node *yaml.Node, into reflect.Value, key string, known field, depth int) {
	if !d.enter(node, key, depth) {
		return
	}
	if _, seen := d.values[key]; !seen {
		d.values[key] = position{node.Line, node.Column}
	}
	if node.Kind == yaml.AliasNode {
		d.value(node.Alias, into, key, known, depth+1)
		return
	}
	if tag := node.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		d.errorAt(node, key, "remove it", "YAML tags such as %s are not supported", quote(tag))
		return
	}
	if d.special(node, into, key, depth) {
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		target := reflect.New(into.Type().Elem())
		before := len(d.problems)
		d.value(node, target.Elem(), key, known, depth+1)
		if len(d.problems) == before || into.Type().Elem().Kind() == reflect.Struct {
			into.Set(target)
		}
	case reflect.Struct:
		d.object(node, into, key, depth)
	case reflect.Map:
		d.named(node, into, key, depth)
	case reflect.Slice:
		d.list(node, into, key, known, depth)
	default:
		d.scalar(node, into, key, known)
	}
}

// special decodes the fields that take more than one shape.
func (d *decoder) special(node *yaml.Node, into reflect.Value, key string, depth int) bool {
	switch into.Interface().(type) {
	case TLS:
		if node.Kind != yaml.ScalarNode || isNull(node) {
			return false
		}
		if node.ShortTag() != "!!bool" || strings.EqualFold(node.Value, "true") {
			d.errorAt(node, key, "write false, or a mapping with enabled, cert_file and key_file", "must be false or a mapping")
		}
		return true
	case policy.PathEntry:
		if node.Kind != yaml.ScalarNode {
			return false
		}
		d.scalar(node, into.FieldByName("Path"), key, field{})
		return true
	}
	if isScreenKeys(key) && node.Kind == yaml.ScalarNode && into.Kind() == reflect.Slice && !isNull(node) {
		one := reflect.New(into.Type().Elem()).Elem()
		before := len(d.problems)
		d.scalar(node, one, key, field{})
		if len(d.problems) == before {
			into.Set(reflect.Append(into, one))
		}
		return true
	}
	if strings.HasSuffix(key, ".command") && node.Kind == yaml.ScalarNode && into.Kind() == reflect.Slice && !isNull(node) {
		line := reflect.New(reflect.TypeFor[string]()).Elem()
		d.scalar(node, line, key, field{})
		if line.Len() > 0 {
			into.Set(reflect.ValueOf([]string{"sh", "-c", line.String()}))
		}
		return true
	}
	return false
}

// pairs walks a mapping's keys in order, refusing what no mapping may hold.
func (d *decoder) pairs(node *yaml.Node, key string, each func(name *yaml.Node, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if len(d.problems) >= maxProblems {
			d.dropped++
			return
		}
		name, value := node.Content[i], node.Content[i+1]
		if name.Kind != yaml.ScalarNode || isNull(name) {
			d.errorAt(name, key, "", "a key must be a word")
			continue
		}
		if name.ShortTag() == "!!merge" {
			d.errorAt(name, key, "put what agents share into a role", "merge keys (<<) are not supported")
			continue
		}
		if line, twice := first[name.Value]; twice {
			d.errorAt(name, childKey(key, name.Value), "keep one of the two", "is written twice; the first is in line %d", line)
			continue
		}
		first[name.Value] = name.Line
		each(name, value)
	}
}

// object decodes a mapping with known keys.
func (d *decoder) object(node *yaml.Node, into reflect.Value, key string, depth int) {
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.errorAt(node, key, "write its keys below it, two spaces further in", "must be a mapping, not %s", kindOf(node))
		return
	}
	kind := into.Type()
	members := map[string]int{}
	var names []string
	for i := range kind.NumField() {
		name := yamlName(kind.Field(i))
		members[name] = i
		names = append(names, name)
	}
	d.pairs(node, key, func(name, value *yaml.Node) {
		child := childKey(key, name.Value)
		index, known := members[name.Value]
		if !known {
			d.errorAt(name, child, d.unknownHint(kind, name.Value), "unknown key%s", didYouMean(name.Value, names))
			return
		}
		if _, seen := d.positions[child]; !seen {
			d.positions[child] = position{name.Line, name.Column}
		}
		d.value(value, into.Field(index), child, d.table[kind.Name()+"."+name.Value], depth+1)
	})
}

// unknownHint names the section in which a misplaced key is known.
func (d *decoder) unknownHint(kind reflect.Type, name string) string {
	var homes []string
	for entry := range d.table {
		owner, key, _ := strings.Cut(entry, ".")
		if key == name && owner != kind.Name() && name != "enabled" {
			homes = append(homes, owner)
		}
	}
	if len(homes) == 0 {
		return ""
	}
	slices.Sort(homes)
	places := map[string]string{
		"Config": "the top level", "Permissions": "permissions", "Network": "permissions.network", "Agent": "an agent",
		"Role": "a role", "Gateway": "gateway", "TLS": "gateway.tls", "RateLimiting": "gateway.rate_limiting",
		"TokenRotation": "gateway.token_rotation", "Provider": "a provider", "Logging": "logging", "Audit": "audit",
		"ClientTLS": "client.tls", "Client": "client", "Limits": "an agent's limits", "Budget": "a budget", "Screen": "tui", "Approve": "approve",
	}
	if place, ok := places[homes[0]]; ok {
		return "it belongs to " + place + "; check the indentation"
	}
	return ""
}

// named decodes a mapping from names that the person chose.
func (d *decoder) named(node *yaml.Node, into reflect.Value, key string, depth int) {
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.errorAt(node, key, "write one name below it for each", "must be a mapping from names, not %s", kindOf(node))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	if n := len(node.Content) / 2; n > maxNames {
		d.errorAt(node, key, "", "holds %d entries; at most %d are taken", n, maxNames)
		return
	}
	d.pairs(node, key, func(name, value *yaml.Node) {
		child := childKey(key, name.Value)
		if _, seen := d.positions[child]; !seen {
			d.positions[child] = position{name.Line, name.Column}
		}
		element := reflect.New(into.Type().Elem()).Elem()
		d.value(value, element, child, field{}, depth+1)
		into.SetMapIndex(reflect.ValueOf(name.Value), element)
	})
}

// list decodes a sequence. A list without a value is empty, not absent: for
// allowed_domains the difference is nothing against everything.
func (d *decoder) list(node *yaml.Node, into reflect.Value, key string, known field, depth int) {
	if isNull(node) {
		into.Set(reflect.MakeSlice(into.Type(), 0, 0))
		d.report(Problem{
			Line: node.Line, Column: node.Column, Key: key, Warning: true,
			Message: "has no value and is read as an empty list", Hint: "write [] if that is meant, or remove the key",
		})
		return
	}
	if node.Kind != yaml.SequenceNode {
		d.errorAt(node, key, "write one item a line, each with a leading \"- \"", "must be a list, not %s", kindOf(node))
		return
	}
	if n := len(node.Content); n > maxItems {
		d.errorAt(node, key, "", "holds %d items; at most %d are taken", n, maxItems)
		return
	}
	items := reflect.MakeSlice(into.Type(), 0, len(node.Content))
	for i, item := range node.Content {
		child := itemKey(key, i)
		if _, seen := d.positions[child]; !seen {
			d.positions[child] = position{item.Line, item.Column}
		}
		element := reflect.New(into.Type().Elem()).Elem()
		d.value(item, element, child, known, depth+1)
		items = reflect.Append(items, element)
		if d.overflow {
			break
		}
	}
	into.Set(items)
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// kindOf names what was found in a person's words, never the value itself.
func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	case yaml.ScalarNode, yaml.DocumentNode:
	}
	switch node.ShortTag() {
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!null":
		return "nothing"
	}
	return "a text"
}
