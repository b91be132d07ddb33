// Prepare makes of openapi.json the document that oapi-codegen reads: names as Go has them,
// which fields may be left out, and for each operation the method that it becomes.
//
//	prepare openapi.json > prepared.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

type object = map[string]any

func main() {
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func run(path string, out *os.File) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var document object
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	schemas := document["components"].(object)["schemas"].(object)
	if err := renameSchemas(document, schemas); err != nil {
		return err
	}
	shareTypes(document, schemas)
	use := usesOf(document, schemas)
	for _, name := range sorted(schemas) {
		if err := prepareSchema(name, schemas[name].(object), use[name]); err != nil {
			return fmt.Errorf("schema %s: %w", name, err)
		}
	}
	if err := prepareOperations(document, schemas); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(document)
}

func sorted(of object) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

const schemaPath = "#/components/schemas/"

// refOf is the name of the schema that a $ref names, or "".
func refOf(schema object) string {
	ref, _ := schema["$ref"].(string)
	return strings.TrimPrefix(ref, schemaPath)
}

// walk calls visit with each object in a document.
func walk(value any, visit func(object)) {
	switch value := value.(type) {
	case object:
		visit(value)
		for _, key := range sorted(value) {
			walk(value[key], visit)
		}
	case []any:
		for _, one := range value {
			walk(one, visit)
		}
	}
}

func pascal(text string) string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == '_' || r == '-' }) {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}
