package main

import (
	"fmt"
	"slices"
	"strings"
)

// Names that read better behind "countersign.".
var schemaNames = map[string]string{
	"CheckCode":          "Check",
	"Disabled":           "DisabledReason",
	"EventName":          "EventType",
	"KeyMode":            "Mode",
	"NumberBody":         "ClearNumber",
	"ProblemCode":        "Code",
	"SaveProfileBody":    "SaveProfile",
	"ScopeName":          "Scope",
	"VerificationStatus": "Status",
	"WebhookTry":         "WebhookAttempt",
}

func renameSchemas(document, schemas object) error {
	for old, name := range schemaNames {
		schema, ok := schemas[old]
		if _, taken := schemas[name]; taken || !ok {
			return fmt.Errorf("%s cannot be called %s: one is missing or the other there", old, name)
		}
		delete(schemas, old)
		schemas[name] = schema
	}
	walk(document, func(one object) {
		if name, ok := schemaNames[refOf(one)]; ok {
			one["$ref"] = schemaPath + name
		}
	})
	return nil
}

// shareTypes gives a share, which is a word or a list, the type in values.go.
func shareTypes(document, schemas object) {
	delete(schemas, "Share")
	walk(document, func(one object) {
		if refOf(one) == "Share" {
			delete(one, "$ref")
			one["type"], one["x-go-type"] = "string", "Share"
		}
	})
}

// use says in which direction a schema goes.
type use struct {
	asked bool // in a request
	patch bool // in merge patches alone, where null is not the same as absent
}

func usesOf(document, schemas object) map[string]use {
	uses := map[string]use{}
	var note func(value any, of use)
	note = func(value any, of use) {
		walk(value, func(one object) {
			name := refOf(one)
			if name == "" {
				return
			}
			before, seen := uses[name]
			now := use{asked: true, patch: of.patch && (before.patch || !seen)}
			if !seen || now != before {
				uses[name] = now
				note(schemas[name], use{asked: true})
			}
		})
	}
	for _, path := range sorted(document["paths"].(object)) {
		methods := document["paths"].(object)[path].(object)
		for _, method := range sorted(methods) {
			if body, ok := methods[method].(object)["requestBody"]; ok {
				note(body, use{asked: true, patch: method == "patch"})
			}
		}
	}
	return uses
}

func prepareSchema(name string, schema object, use use) error {
	properties, _ := schema["properties"].(object)
	required, _ := schema["required"].([]any)
	for _, key := range sorted(properties) {
		property, nullable := plain(properties[key].(object))
		properties[key] = property
		shareNames(property)
		if key == "secret" || name == "ReviewNumber" && key == "code" {
			property["x-go-type"] = "Secret"
		}
		absent := !slices.Contains(required, any(key))
		switch {
		case holds(property):
			// Nil says that a list or map is absent; an empty one goes as it is.
			property["x-omitempty"] = false
		case use.patch && nullable:
			kind, err := goType(property)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			property["x-go-type"] = "Nullable[" + kind + "]"
			property["x-omitempty"] = false
		case absent && use.asked:
			pointer := zeroMeansSomething(property)
			property["x-go-type-skip-optional-pointer"], property["x-omitempty"] = !pointer, pointer
		case nullable || refOf(property) == "RefusingLimit":
			// What is null in an answer is nil; the generator makes pointers of what is optional.
			property["x-go-type-skip-optional-pointer"], property["x-omitempty"] = false, false
			required = slices.DeleteFunc(required, func(one any) bool { return one == key })
			schema["required"] = required
		}
	}
	return nil
}

// plain is the schema without null, and whether null was allowed.
func plain(schema object) (object, bool) {
	if types, ok := schema["type"].([]any); ok {
		rest := slices.DeleteFunc(slices.Clone(types), func(one any) bool { return one == "null" })
		schema["type"] = rest[0]
		return schema, len(rest) < len(types)
	}
	if choice, ok := schema["oneOf"].([]any); ok {
		if last, _ := choice[len(choice)-1].(object); len(choice) == 2 && last["type"] == "null" {
			return choice[0].(object), true
		}
	}
	return schema, false
}

// shareNames gives what stands inside another schema the name that it has elsewhere.
func shareNames(property object) {
	walk(property, func(one object) {
		if inner, ok := one["properties"].(object); ok && inner["max"] != nil && inner["window"] != nil {
			clear(one)
			one["$ref"] = schemaPath + "Bucket"
		}
		if values, ok := one["enum"].([]any); ok && len(values) == 2 && values[0] == "allow" && values[1] == "block" {
			clear(one)
			one["$ref"] = schemaPath + "CountryMode"
		}
		if inner, ok := one["additionalProperties"].(object); ok {
			// The texts of a template: null removes a language.
			if value, nullable := plain(inner); nullable {
				value["x-go-type"] = "*string"
			}
		}
	})
}

// holds says whether it is a list or a map.
func holds(property object) bool {
	return property["type"] == "array" || property["type"] == "object"
}

// zeroMeansSomething says whether false or 0 differ from leaving the field out.
func zeroMeansSomething(property object) bool {
	if name := refOf(property); name != "" {
		return name == "Transaction" || name == "WeekHours"
	}
	switch property["type"] {
	case "boolean":
		return true
	case "integer":
		minimum, ok := property["minimum"].(float64)
		return !ok || minimum <= 0
	}
	return false
}

func goType(property object) (string, error) {
	switch {
	case refOf(property) != "":
		return refOf(property), nil
	case property["format"] == "date-time":
		return "time.Time", nil
	case property["type"] == "string":
		return "string", nil
	case property["type"] == "integer":
		return "int", nil
	}
	return "", fmt.Errorf("there is no Nullable of %v yet", property["type"])
}

// sentence begins in lower case, as it follows the name of a method.
func sentence(summary string) string {
	return strings.ToLower(summary[:1]) + summary[1:]
}
