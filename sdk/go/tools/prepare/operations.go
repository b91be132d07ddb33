package main

import (
	"fmt"
	"slices"
	"strings"
)

// POSTs that may be sent again when the answer was lost: the server knows their
// Idempotency-Key, or they change nothing more the second time.
var repeatable = []string{
	"cancel_verification", "check_code", "check_code_by_number", "clear_number", "create_invitation", "create_key", "create_provider",
	"create_review_number", "create_route", "create_sender", "create_template", "create_tenant",
	"create_tenant_key", "create_webhook", "erase_number", "explain_route", "move_key", "preview_template", "resend_verification", "rotate_key", "rotate_receipts",
	"search_verifications", "start_verification",
}

// Those that would do their work twice: another SMS, another message, another link, and of three
// rotations of a webhook the third ends the secret that was in use.
var notRepeatable = []string{
	"ping_webhook", "redeliver_message", "resend_invitation", "rotate_webhook", "test_provider",
}

// Not methods: one leads a browser to the documentation; the other answers with lines, and
// Audit.List gives the same entries.
var leftOut = []string{"read_docs", "export_audit"}

// Methods whose name does not follow from the operation's.
var methodNames = map[string]string{
	"check_code_by_number":            "CheckNumber",
	"create_tenant_key":               "CreateKey",
	"list_address_uses":               "Usage",
	"list_attempts":                   "Attempts",
	"list_default_texts":              "Defaults",
	"read_conversion_report":          "Conversion",
	"read_hourly_report":              "Hourly",
	"read_liveness":                   "Live",
	"read_member_pool":                "Pool",
	"read_openapi":                    "OpenAPI",
	"read_portal_allowlist":           "GetPortal",
	"read_readiness":                  "Ready",
	"read_tenant_portal_allowlist":    "GetPortalAllowlist",
	"read_tenant_security":            "GetSecurity",
	"read_timeline":                   "Timeline",
	"replace_tenant_portal_allowlist": "ReplacePortalAllowlist",
	"rotate_receipts":                 "RotateReceipts",
	"update_tenant_security":          "UpdateSecurity",
}

// Where an operation belongs that its path would put elsewhere.
var serviceNames = map[string]string{
	"checks": "Verifications", "health": "System", "openapi.json": "System",
}

func prepareOperations(document, schemas object) error {
	paths := document["paths"].(object)
	version := document["info"].(object)["version"]
	services, methods := []string{}, map[string]bool{}
	var all []object
	for _, path := range sorted(paths) {
		for _, verb := range sorted(paths[path].(object)) {
			operation := paths[path].(object)[verb].(object)
			id := operation["operationId"].(string)
			if slices.Contains(leftOut, id) {
				delete(paths, path)
				continue
			}
			if err := prepareOperation(path, verb, operation, schemas); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			service, method := operation["x-service"].(string), operation["x-method"].(string)
			if methods[service+method] {
				return fmt.Errorf("%s: there is a %s.%s already", id, service, method)
			}
			methods[service+method] = true
			if !slices.Contains(services, service) {
				services = append(services, service)
			}
			all = append(all, operation)
		}
	}
	slices.Sort(services)
	for _, operation := range all {
		operation["x-version"], operation["x-services"] = version, services
	}
	return nil
}

func prepareOperation(path, verb string, operation, schemas object) error {
	id := operation["operationId"].(string)
	segment, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/v1"), "/"), "/")
	service, ok := serviceNames[segment]
	if !ok {
		service = pascal(segment)
	}
	method, ok := methodNames[id]
	if !ok {
		act, _, _ := strings.Cut(id, "_")
		method = pascal(act)
		if act == "read" {
			method = "Get"
		}
	}
	again := verb == "get" || verb == "put" || verb == "delete"
	if verb == "post" {
		again = slices.Contains(repeatable, id)
		if again == slices.Contains(notRepeatable, id) {
			return fmt.Errorf("operations.go must say whether it may be repeated")
		}
	}
	operation["x-service"], operation["x-method"], operation["x-repeatable"] = service, method, again
	summary, _ := operation["summary"].(string)
	operation["x-summary"] = sentence(summary)
	if body, ok := operation["requestBody"].(object); ok {
		content := body["content"].(object)
		delete(content, "application/merge-patch+json")
		operation["x-body"] = refOf(content["application/json"].(object)["schema"].(object))
	}
	prepareParameters(operation)
	return prepareAnswer(operation, schemas)
}

// prepareParameters gives the parameter `status` the type of a status.
func prepareParameters(operation object) {
	parameters, _ := operation["parameters"].([]any)
	for _, one := range parameters {
		parameter := one.(object)
		if parameter["name"] == "status" {
			parameter["schema"].(object)["x-go-type"] = "Status"
		}
	}
}

// prepareAnswer notes what the answer holds: a schema, and of a list its items and where
// the cursor of the next page goes.
func prepareAnswer(operation, schemas object) error {
	for status, one := range operation["responses"].(object) {
		content, _ := one.(object)["content"].(object)
		if status[0] != '2' || content == nil {
			continue
		}
		name := refOf(content["application/json"].(object)["schema"].(object))
		if name == "" {
			name = "Document"
		}
		if before, ok := operation["x-answer"]; ok && before != name {
			return fmt.Errorf("it answers both %v and %s", before, name)
		}
		operation["x-answer"] = name
		schema, _ := schemas[name].(object)
		properties, _ := schema["properties"].(object)
		data, _ := properties["data"].(object)
		if data == nil {
			continue
		}
		operation["x-item"] = refOf(data["items"].(object))
		if properties["next_cursor"] != nil {
			operation["x-cursor"] = "params.Cursor"
			if operation["x-body"] != nil {
				operation["x-cursor"] = "body.Cursor"
			}
		}
	}
	return nil
}
