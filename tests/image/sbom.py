"""Checks a bill of materials and the licences beside it: sbom.py FOLDER [another folder...]"""

import json
import sys
from pathlib import Path

import cyclonedx.schema
import jsonschema_rs

# The validator of cyclonedx itself takes ten times as long.
SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"
ROOT = Path(__file__).resolve().parents[2]


def validator():
    def read(name):
        return json.loads((SCHEMAS / name).read_text())

    names = ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    registry = jsonschema_rs.Registry([(f"http://cyclonedx.org/schema/{name}", read(name)) for name in names])
    return jsonschema_rs.validator_for(read("bom-1.6.SNAPSHOT.schema.json"), registry=registry, validate_formats=True)


def check(folder):
    bill = json.loads((folder / "countersign.cdx.json").read_text())
    for error in validator().iter_errors(bill):
        sys.exit(f"not CycloneDX 1.6: {error.instance_path}: {error.message}")
    # The schema is in use: it refuses a scope that does not exist.
    assert not validator().is_valid(bill | {"components": [bill["components"][0] | {"scope": "maybe"}]})
    components = {c["name"]: c for c in bill["components"]}
    licences = (folder / "THIRD-PARTY-LICENSES.txt").read_text()
    lock = (ROOT / "Cargo.lock").read_text()
    refs = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert len(refs) == len(bill["components"]) + 1, "a package stands twice"
    for entry in bill["dependencies"]:
        assert {entry["ref"], *entry["dependsOn"]} <= refs, entry["ref"]
    for component in bill["components"]:
        name, version = component["name"], component["version"]
        assert f'name = "{name}"\nversion = "{version}"\n' in lock, f"{name} {version} is not in Cargo.lock"
        assert component["licenses"], f"{name} has no licence"
        if not name.startswith("countersign-"):
            [digest] = component["hashes"]
            assert f'checksum = "{digest["content"]}"' in lock, name
            assert component["scope"] == "excluded" or f"{name} {version} (" in licences, f"{name}: no licence"
    # What is inside, what only builds it, what only tests it, and what another system needs.
    for name, scope in {"rusqlite": "required", "tokio": "required", "cc": "excluded", "clap_derive": "excluded"}.items():
        assert components[name]["scope"] == scope, f"{name} is {components[name]['scope']}"
    for name in ("proptest", "windows-sys", "countersign-bench", "countersign-tests"):
        assert name not in components, name
    [sqlite] = components["libsqlite3-sys"]["components"]
    assert sqlite["cpe"] == f"cpe:2.3:a:sqlite:sqlite:{sqlite['version']}:*:*:*:*:*:*:*", sqlite
    print(f"{len(components)} packages, {sum(c['scope'] == 'required' for c in components.values())} of them inside")


for argument in sys.argv[1:]:
    check(Path(argument))
