package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"openclaw/sandbox/policy"
)

// Schema returns a JSON Schema (draft 2020-12) of the config, made from the same
// tree and table that the decoder reads, so that an editor can complete and
// check a file. Validation across keys is not in it.
func Schema() ([]byte, error) {
	table := fields()
	root := schemaOf(reflect.TypeFor[Config](), table)
	maps.Copy(root, map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "openclaw config.yaml",
		"description": "The configuration of openclaw, an AI gateway that runs agents in a cage.",
	})
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(text, '\n'), nil
}

func schemaOf(t reflect.Type, table map[string]field) map[string]any {
	switch t {
	case reflect.TypeFor[policy.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, "examples": []string{"60s", "5m"}}
	case reflect.TypeFor[Reference]():
		return map[string]any{"type": "string", "examples": []string{"${NAME}", "keychain://openclaw/anthropic", "vault://anthropic", "file:///run/secrets/anthropic", "aws-secrets://prod/anthropic", "gcp-secrets://projects/my-project/secrets/anthropic", "azure-keyvault://my-vault/anthropic"}}
	case reflect.TypeFor[policy.PathEntry]():
		return map[string]any{"oneOf": []any{map[string]any{"type": "string"}, objectSchema(t, table)}}
	case reflect.TypeFor[TLS]():
		return map[string]any{"oneOf": []any{map[string]any{"const": false}, objectSchema(t, table)}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), table)
	case reflect.Struct:
		// A section whose lines are all comments has the value null.
		schema := objectSchema(t, table)
		schema["type"] = []string{"object", "null"}
		return schema
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem(), table)}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), table)}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	default:
		return map[string]any{"type": "string"}
	}
}

func objectSchema(t reflect.Type, table map[string]field) map[string]any {
	properties := map[string]any{}
	for field := range t.Fields() {
		name := yamlName(field)
		known := table[t.Name()+"."+name]
		schema := schemaOf(field.Type, table)
		limited := schema
		if items, ok := schema["items"].(map[string]any); ok {
			limited = items
		}
		if len(known.Enum) > 0 {
			limited["enum"] = known.Enum
		}
		if schema["type"] == "integer" {
			schema["minimum"] = known.Min
			if known.Max > 0 {
				schema["maximum"] = known.Max
			}
		}
		if t == reflect.TypeFor[Agent]() && name == "command" {
			schema = map[string]any{"oneOf": []any{map[string]any{"type": "string"}, schema}}
		}
		if t == reflect.TypeFor[Screen]() && name == "keys" {
			schema["additionalProperties"] = map[string]any{"oneOf": []any{map[string]any{"type": "string"}, schema["additionalProperties"]}}
		}
		if t == reflect.TypeFor[Config]() && (name == "agents" || name == "roles" || name == "providers") {
			schema["propertyNames"] = map[string]any{"pattern": namePattern}
		}
		schema["description"] = known.About
		properties[name] = schema
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if t == reflect.TypeFor[policy.PathEntry]() {
		schema["required"] = []string{"path"}
	}
	return schema
}
