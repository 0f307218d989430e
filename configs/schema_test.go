package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestTableIsComplete: every key has a description, and no row is left over.
func TestTableIsComplete(t *testing.T) {
	left := fields()
	var walk func(reflect.Type)
	walk = func(kind reflect.Type) {
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice || kind.Kind() == reflect.Map {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct {
			return
		}
		for field := range kind.Fields() {
			key := kind.Name() + "." + yamlName(field)
			if fields()[key].About == "" {
				t.Errorf("%s has no description", key)
			}
			delete(left, key)
			walk(field.Type)
		}
	}
	walk(reflect.TypeFor[Config]())
	for key := range left {
		t.Errorf("%s is no key", key)
	}
}

// TestUnbuiltKeysExist: every row of what is not built names a key that the
// decoder knows.
func TestUnbuiltKeysExist(t *testing.T) {
	s, err := Parse("c.yaml", []byte(readTest(t, "testdata/spec/full.yaml")), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range notBuilt() {
		proxy := row.Key == "gateway.behind_proxy" || row.Key == "gateway.trusted_proxies" // not in the specification
		if !s.Written(row.Key) && !proxy {
			t.Errorf("%s is not a key of the specification", row.Key)
		}
		if !row.Active(s.Config) && !proxy {
			t.Errorf("%s is on in the specification's file and its row does not see it", row.Key)
		}
		if row.Active(Default()) {
			t.Errorf("%s is active by default", row.Key)
		}
	}
}

// TestSchemaAgrees: the schema accepts what the loader accepts and refuses the
// shapes that it refuses.
func TestSchemaAgrees(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) []string {
		var tree any
		if err := yaml.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(asJSON, &tree); err != nil {
			t.Fatal(err)
		}
		return conform(schema, tree, "")
	}
	files, _ := filepath.Glob("testdata/spec/*.yaml")
	for _, file := range files {
		good, _ := os.ReadFile(file)
		if errs := check(good); len(errs) > 0 {
			t.Errorf("%s: %v", file, errs)
		}
	}
	if errs := check(DefaultFile()); len(errs) > 0 {
		t.Errorf("first run's file: %v", errs)
	}
	for _, bad := range []string{
		"gateway: {hots: x}", "gateway: {port: 70000}", "gateway: {port: 0}", "gateway: {require_auth: 'yes'}", "logging: {level: loud}",
		"gateway: {tls: true}", "audit: {events: [nothing]}", "agents: {a: {permissions: {ask: [path]}}}", "agents: {A: {}}", "agents: [a]",
		"agents: {a: {permissions: {allowed_paths: [{access: read}]}}}", "agents: {a: {permissions: {ask_timeout: 60}}}", "agents: {a: {command: {}}}",
	} {
		if errs := check([]byte(bad)); len(errs) == 0 {
			t.Errorf("%s conforms", bad)
		}
	}
}

// conform checks a value against the parts of JSON Schema that Schema uses.
func conform(schema map[string]any, value any, at string) (errs []string) {
	fail := func(format string, args ...any) { errs = append(errs, at+": "+fmt.Sprintf(format, args...)) }
	if choices, ok := schema["oneOf"].([]any); ok {
		fits := 0
		for _, choice := range choices {
			if len(conform(choice.(map[string]any), value, at)) == 0 {
				fits++
			}
		}
		if fits != 1 {
			fail("fits %d choices", fits)
		}
		return errs
	}
	if want, ok := schema["const"]; ok && !reflect.DeepEqual(want, value) {
		fail("is not %v", want)
	}
	kinds := []any{schema["type"]}
	if several, ok := schema["type"].([]any); ok {
		kinds = several
	}
	if schema["type"] != nil && !slices.Contains(kinds, any(jsonType(value))) {
		fail("is %s, not %v", jsonType(value), kinds)
		return errs
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
		fail("%v is not one of %v", value, enum)
	}
	switch v := value.(type) {
	case string:
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			fail("%q does not match", v)
		}
	case float64:
		if low, ok := schema["minimum"].(float64); ok && v < low {
			fail("%v is too small", v)
		}
		if high, ok := schema["maximum"].(float64); ok && v > high {
			fail("%v is too large", v)
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, item := range v {
			errs = append(errs, conform(items, item, itemKey(at, i))...)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for name, child := range v {
			property, known := properties[name].(map[string]any)
			other, open := schema["additionalProperties"].(map[string]any)
			switch {
			case known:
				errs = append(errs, conform(property, child, childKey(at, name))...)
			case open:
				errs = append(errs, conform(other, child, childKey(at, name))...)
			default:
				fail("unknown %s", name)
			}
			if names, ok := schema["propertyNames"].(map[string]any); ok {
				errs = append(errs, conform(names, name, at)...)
			}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				fail("lacks %v", name)
			}
		}
	}
	return errs
}

func jsonType(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// TestShowLoadsAgain: what Show prints means the same config, names the origin
// of every value, and holds no literal secret.
func TestShowLoadsAgain(t *testing.T) {
	files, _ := filepath.Glob("testdata/spec/*.yaml")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			options := testOptions(t)
			first, err := Parse("config.yaml", []byte(readTest(t, file)), options)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := Show(first)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(shown) {
				text := strings.TrimRight(string(line), "\n")
				item := strings.HasPrefix(strings.TrimSpace(text), "- ") // its list's line says it
				if !item && !strings.HasSuffix(text, ":") && !strings.Contains(text, " # config.yaml:") && !strings.HasSuffix(text, " # default") {
					t.Errorf("no origin: %s", text)
				}
			}
			if bytes.Contains(shown, []byte("sk-ant-api03")) {
				t.Fatal("a secret is shown")
			}
			if strings.HasSuffix(file, "plain.yaml") {
				return // its literal is bullets, and bullets do not load
			}
			second, err := Parse("config.yaml", shown, options)
			if err != nil {
				t.Fatal(err)
			}
			if changes, _ := Diff(first, second); len(changes) > 0 {
				t.Errorf("means something else: %v", changes)
			}
		})
	}
}
