#!/usr/bin/env python3
"""Writes what the program is made of, from Cargo.lock and the packages that it names.

usage: dependencies.py FOLDER TARGET

FOLDER/countersign.cdx.json       the bill of materials, CycloneDX 1.6
FOLDER/THIRD-PARTY-LICENSES.txt   the licences of the crates inside the program, with their notices

Both files depend on the sources, TARGET, SOURCE_DATE_EPOCH and REVISION alone, so one commit always
gives the same bytes. Needs Python 3.11 and cargo.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "countersign"
LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)

# Libraries in C inside a crate. Scanners look for them by their own names and versions, which Cargo does not know.
BUNDLED = {
    "aws-lc-sys": ("aws-lc", "Apache-2.0 AND ISC", "aws-lc/include/openssl/base.h", r'AWSLC_VERSION_NUMBER_STRING "([\d.]+)"', None),
    "libmimalloc-sys": ("mimalloc", "MIT", "c_src/mimalloc/v3/include/mimalloc.h", r"#define MI_MALLOC_VERSION (\d+)", None),
    "libsqlite3-sys": (
        "sqlite",
        "blessing",
        "sqlite3/sqlite3.h",
        r'#define SQLITE_VERSION +"([\d.]+)"',
        "cpe:2.3:a:sqlite:sqlite:{}:*:*:*:*:*:*:*",
    ),
}


def cargo(*arguments):
    command = ["cargo", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(target, edges):
    """Names and versions of the packages that `cargo tree` finds along these edges."""
    tree = cargo(
        "tree", "--locked", "-p", PROGRAM, "--target", target, "-e", edges, "--prefix", "none", "--format", "{p}"
    )
    return {tuple(re.match(r"(\S+) v(\S+)", line).groups()) for line in tree.splitlines() if line.strip()}


def name_of(package):
    return package["name"], package["version"]


def purl(package):
    name, version = name_of(package)
    return f"pkg:cargo/{name}@{version}"


def licence_of(package):
    # The form of Cargo before it knew SPDX.
    return (package["license"] or "").replace("/", " OR ")


def bundled_component(package):
    name, licence, header, version, cpe = BUNDLED[package["name"]]
    header = Path(package["manifest_path"]).parent / header
    if not (header.is_file() and (found := re.search(version, header.read_text(errors="replace")))):
        sys.exit(f"{header} does not say which version of {name} is inside")
    version = found[1]
    if name == "mimalloc":  # 30302 is 3.3.2
        version = ".".join(str(int(version) // step % 100) for step in (10000, 100, 1))
    component = {"type": "library", "bom-ref": f"{purl(package)}#{name}", "name": name, "version": version}
    component["licenses"] = [{"expression": licence}]
    if cpe:
        component["cpe"] = cpe.format(version)
    return component


def component(package, inside, checksums):
    name, version = name_of(package)
    entry = {"type": "library", "bom-ref": purl(package), "name": name, "version": version}
    entry["scope"] = "required" if inside else "excluded"
    if checksum := checksums.get((name, version)):
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if licence := licence_of(package):
        entry["licenses"] = [{"expression": licence}]
    entry["purl"] = purl(package)
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if name in BUNDLED:
        entry["components"] = [bundled_component(package)]
    return entry


def bill(packages, edges, inside, target):
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    [program] = [p for p in packages if p["name"] == PROGRAM]
    revision = os.environ.get("REVISION", "unknown")
    moment = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    main = component(program, True, {}) | {"type": "application"}
    del main["scope"]
    main["properties"] = [
        {"name": "countersign:revision", "value": revision},
        {"name": "countersign:target", "value": target},
    ]
    components = [component(p, name_of(p) in inside, checksums) for p in packages if p is not program]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{purl(program)}?{revision}&{target}')}",
        "version": 1,
        "metadata": {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": main},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(needs)} for ref, needs in sorted(edges.items())],
    }


def licences(packages):
    """Each text once, under the crates that come with it."""
    texts, without = {}, []
    for package in packages:
        folder, shown = Path(package["manifest_path"]).parent, " ".join(name_of(package))
        # A library in C has its licence beside its sources.
        entries = folder.rglob("*") if package["name"] in BUNDLED else folder.iterdir()
        files = [f for f in sorted(entries) if LICENCE_FILE.match(f.name) and f.is_file()]
        if package["license_file"]:
            files.append(folder / package["license_file"])
        found = {f.read_text(errors="replace").strip() for f in files}
        for text in sorted(found):
            texts.setdefault(text, []).append(f"{shown} ({licence_of(package)})")
        if not found:
            authors = ", ".join(package["authors"]) or "its authors"
            without.append(f"{shown} ({licence_of(package)}), by {authors}: {package['repository']}")
    parts = [
        f"{PROGRAM} contains the following software.\n"
        "These packages come without a text of their licence. Texts of the same licences are below.\n\n"
        + "\n".join(without)
    ]
    for text, owners in sorted(texts.items(), key=lambda entry: (entry[1], entry[0])):
        parts.append("\n".join(owners) + "\n\n" + text)
    return f"\n\n{'=' * 80}\n".join(parts) + "\n"


def main(folder, target):
    inside = linked(target, "normal,no-proc-macro")
    built_with = linked(target, "normal,build")
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    packages = {p["id"]: p for p in metadata["packages"] if name_of(p) in inside | built_with}
    edges = {}
    for node in metadata["resolve"]["nodes"]:
        if package := packages.get(node["id"]):
            needed = [d["pkg"] for d in node["deps"] if any(k["kind"] in (None, "build") for k in d["dep_kinds"])]
            edges[purl(package)] = {purl(packages[n]) for n in needed if n in packages}
    listed = sorted(packages.values(), key=name_of)
    text = json.dumps(bill(listed, edges, inside, target), indent=1, ensure_ascii=False)
    (folder / f"{PROGRAM}.cdx.json").write_text(text + "\n")
    third = [p for p in listed if p["source"] and name_of(p) in inside]
    (folder / "THIRD-PARTY-LICENSES.txt").write_text(licences(third))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
