"""Rewrites the OpenAPI document into the form from which openapi-python-client makes good Python.

    python prepare.py ../../openapi/openapi.json OUT.json

Nothing is added or left out but the page for people (`/docs`) and the export of the audit log, which is no
JSON (`audit.list` gives the same entries):

- Tags: one resource for each first segment of a path (`/v1/review-numbers` -> `review_numbers`).
- Operation ids: the name of the method, without the name of its resource (`create_key` -> `create`).
- A merge patch is offered as `application/json` alone: both types mean the same here.
- What describes a parameter, or the one alternative to null, describes the whole.
- A schema that stands inline though it has a name is named.
- The words of a share (`all`, `none`) are plain text, as the names beside them are.
"""

from __future__ import annotations

import json
import sys
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")
#: Where the first segment of a path is not the name of the resource.
RESOURCES = {"checks": "verifications", "health": "system", "openapi.json": "system"}
#: Where the verb of an operation id would say too little.
NAMES = {
    "check_code_by_number": "check_number",
    "create_tenant_key": "create_key",
    "list_address_uses": "usage",
    "list_attempts": "attempts",
    "list_default_texts": "defaults",
    "read_conversion_report": "conversion",
    "read_hourly_report": "hourly",
    "read_liveness": "live",
    "read_member_pool": "pool",
    "read_openapi": "openapi",
    "read_portal_allowlist": "get_portal",
    "read_readiness": "ready",
    "read_tenant_portal_allowlist": "get_portal_allowlist",
    "read_tenant_security": "get_security",
    "read_timeline": "timeline",
    "replace_tenant_portal_allowlist": "replace_portal_allowlist",
    "rotate_receipts": "rotate_receipts",
    "update_tenant_security": "update_security",
}
NOTES = ("description", "example", "examples", "title")


def method_name(operation: str) -> str:
    verb = operation.split("_")[0]
    return NAMES.get(operation, "get" if verb == "read" else verb)


def bare(schema: Any) -> Any:
    """The schema without what says nothing about its form."""
    if isinstance(schema, dict):
        kept = {key: bare(value) for key, value in schema.items() if key not in NOTES}
        return {key: value for key, value in kept.items() if (key, value) != ("additionalProperties", False)}
    return [bare(item) for item in schema] if isinstance(schema, list) else schema


def name_inline(node: Any, named: dict[str, str]) -> Any:
    """Replaces each enumeration or object that has a name by a reference to it."""
    if isinstance(node, list):
        return [name_inline(item, named) for item in node]
    if not isinstance(node, dict):
        return node
    name = named.get(json.dumps(bare(node), sort_keys=True))
    if name and ("enum" in node or "properties" in node):
        return {"$ref": f"#/components/schemas/{name}"}
    return {key: name_inline(value, named) for key, value in node.items()}


def lift_descriptions(node: Any) -> None:
    """What describes the one alternative to null describes the property."""
    if isinstance(node, list):
        for item in node:
            lift_descriptions(item)
    elif isinstance(node, dict):
        words = [item["description"] for item in node.get("oneOf", []) if "description" in item]
        if len(words) == 1:
            node.setdefault("description", words[0])
        for value in node.values():
            lift_descriptions(value)


def plain_words(share: dict[str, Any]) -> None:
    for choice in share["oneOf"]:
        choice.pop("enum", None)


def prepare(document: dict[str, Any]) -> dict[str, Any]:
    for path in ("/docs", "/v1/audit/export"):
        document["paths"].pop(path, None)
    seen = set()
    for path, item in document["paths"].items():
        segment = path.removeprefix("/v1").split("/")[1]
        resource = RESOURCES.get(segment, segment.replace("-", "_"))
        for method in METHODS:
            if not (operation := item.get(method)):
                continue
            operation["tags"] = [resource]
            operation["operationId"] = method_name(operation["operationId"])
            place = (resource, operation["operationId"])
            if place in seen:
                raise SystemExit(f"{method.upper()} {path}: {place} is there twice; name it in NAMES.")
            seen.add(place)
            for parameter in operation.get("parameters", []):
                # The generator reads the description of the schema alone.
                parameter["schema"].setdefault("description", parameter.get("description", ""))
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                content.pop("application/merge-patch+json", None)
    schemas = document["components"]["schemas"]
    plain_words(schemas["Share"])
    lift_descriptions(schemas)
    named: dict[str, str] = {}
    for name, schema in schemas.items():
        named.setdefault(json.dumps(bare(schema), sort_keys=True), name)
    for name, schema in schemas.items():
        schemas[name] = {key: name_inline(value, named) for key, value in schema.items()}
    return document


def main() -> None:
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        document = prepare(json.load(file))
    with open(target, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)


main()
