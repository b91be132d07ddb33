#!/usr/bin/env python3
"""Writes what the chart says twice: the table of values in its README, from values.yaml, and the
settings in its schema, from the server's countersign.toml. With --check it only compares.
"""

import argparse
import json
import pathlib
import re
import sys
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "countersign"
DEFAULTS = ROOT / "crates" / "server" / "countersign.toml"
BEGIN, END = "<!-- values: written by tests/helm/generate.py -->", "<!-- end of values -->"

# The chart sets these itself: from values of its own, or always alike.
FIXED = {
    "server.bind",
    "server.portal",
    "server.portal_url",
    "server.operator_bind",
    "server.shutdown_timeout",
    "server.trusted_proxies",
    "server.tls.*",
    "data.*",
    "database.*",
    "codes.url",
    "codes.url_file",
    "codes.password_file",
    "codes.sentinel_password_file",
    "codes.ca_file",
    "codes.client_certificate",
    "codes.client_key",
    "keyring.*",
    "portal.countries",
    "mail.password_file",
    "mail.ca_file",
    "delivery.ca_file",
    "delivery.proxy_file",
    "delivery.relay.secret",
    "delivery.relay.secret_file",
}


def is_fixed(key):
    return key in FIXED or key.rpartition(".")[0] + ".*" in FIXED


def read_settings():
    """Each setting of the server with its default and the comment above it."""
    text = DEFAULTS.read_text(encoding="utf-8")
    settings, section, comment = {}, "", []
    for line in text.splitlines():
        if header := re.fullmatch(r"\[([a-z_.]+)\]", line):
            section, comment = header[1], []
        elif setting := re.fullmatch(r"#([a-z_]+) = (.*)", line):
            key = f"{section}.{setting[1]}"
            settings[key] = tomllib.loads(f"x = {setting[2]}")["x"], " ".join(comment)
        elif line.startswith("# "):
            comment.append(line[2:])
        elif not line:
            comment = []
    return settings


def make_settings_schema():
    """A closed object for each section; the bounds of values stay with the server."""
    types = {
        str: {"type": "string"},
        int: {"type": "integer"},
        list: {"type": "array", "items": {"type": "string"}},
    }
    schema = {"type": "object", "additionalProperties": False, "properties": {}}
    for key, (default, comment) in read_settings().items():
        if is_fixed(key):
            continue
        *sections, name = key.split(".")
        place = schema
        for section in sections:
            closed = {"type": "object", "additionalProperties": False, "properties": {}}
            place = place["properties"].setdefault(section, closed)
        place["properties"][name] = {**types[type(default)], "description": comment}
    return schema


def make_schema(present):
    schema = json.loads(present)
    schema["properties"]["settings"] = make_settings_schema()
    return json.dumps(schema, indent=2) + "\n"


def read_values():
    """(name, default, comment) of each value that has a comment above it."""
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    defaults = yaml.safe_load("\n".join(lines))
    path, comment = [], []
    for line in lines:
        if line.lstrip().startswith("# "):
            comment.append(line.lstrip()[2:])
            continue
        key = re.match(r"( *)([A-Za-z_]+):", line)
        if key:
            del path[len(key[1]) // 2 :]
            path.append(key[2])
            if comment:
                default = defaults
                for part in path:
                    default = default[part]
                yield ".".join(path), default, " ".join(comment)
        comment = []


def make_table():
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for name, default, comment in read_values():
        group = isinstance(default, dict) and default
        shown = "" if group else f"`{json.dumps(default)}`"
        rows.append(f"| `{name}` | {shown} | {comment} |")
    return "\n".join(rows)


def make_readme(present):
    head, rest = present.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{make_table()}\n{END}{tail}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for name, make in (("README.md", make_readme), ("values.schema.json", make_schema)):
        file = CHART / name
        present = file.read_text(encoding="utf-8")
        wanted = make(present)
        if wanted == present:
            continue
        stale.append(name)
        if not check:
            file.write_text(wanted, encoding="utf-8")
    if check and stale:
        sys.exit(f"{', '.join(stale)} in helm/countersign: run tests/helm/generate.py")


if __name__ == "__main__":
    main()
