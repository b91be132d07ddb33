"""Each object is what Kubernetes and the operators of its kind accept, with no field unknown to them."""

import copy
import importlib.resources
import json
import os
import pathlib
import re

import jsonschema
import pytest
import referencing

from charts import CHART, name_of, of_kind, parse, render

VERSIONS = ["1.30", "1.34", "1.37"]
CRDS = pathlib.Path(os.environ["COUNTERSIGN_CRD_SCHEMAS"])


class Schemas:
    """The schemas of one version of Kubernetes, and those of CRDs."""

    def __init__(self, version):
        folder = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema"
        self.folder = folder / f"v{version}.0-local-strict"
        definitions = json.loads((self.folder / "_definitions.json").read_text(encoding="utf-8"))
        self.registry = referencing.Resource.from_contents(definitions) @ referencing.Registry()
        self.validators = {}

    def validate(self, thing):
        group, _, version = thing["apiVersion"].rpartition("/")
        name = (
            "-".join(part for part in (thing["kind"].lower(), group.split(".")[0], version) if part) + ".json"
        )
        if name not in self.validators:
            folder = CRDS if (CRDS / name).exists() else self.folder
            schema = json.loads((folder / name).read_text(encoding="utf-8"))
            self.validators[name] = jsonschema.Draft202012Validator(schema, registry=self.registry)
        self.validators[name].validate(thing)


@pytest.fixture(scope="module", params=VERSIONS)
def schemas(request):
    return Schemas(request.param)


def test_valid(rendered, schemas):
    for thing in rendered.objects:
        try:
            schemas.validate(thing)
        except jsonschema.ValidationError as error:
            pytest.fail(f"{name_of(thing)}: {error.json_path}: {error.message}")


def test_the_pod_of_the_readme_reads_the_volume(schemas):
    text = (CHART / "README.md").read_text(encoding="utf-8")
    ((pod,),) = map(parse, re.findall(r"(?s)apply -f - <<'END'\n(.*?)\nEND\n", text))
    schemas.validate(pod)
    objects = parse(render("helm4", "--set", "trusted_proxies={::1}", release="countersign"))
    ((claim,), (deployment,)) = (of_kind(objects, kind) for kind in ("PersistentVolumeClaim", "Deployment"))
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert f"scale deploy/{deployment['metadata']['name']} --replicas=0" in text
    own = deployment["spec"]["template"]["spec"]["securityContext"]
    # Not fsGroup: by that Kubernetes would open the files of the volume to the group.
    assert own.items() > pod["spec"]["securityContext"].items() and "fsGroup" in own


def add_field(thing, *path):
    thing = copy.deepcopy(thing)
    place = thing
    for part in path:
        place = place[part]
    place["intervall"] = "30s"
    return thing


# Else a schema that accepts everything would pass for a valid chart.
@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        ("everything", "Deployment", ["spec", "template", "spec", "containers", 0]),
        ("everything", "ServiceMonitor", ["spec", "endpoints", 0]),
        ("everything", "PrometheusRule", ["spec", "groups", 0, "rules", 0]),
        ("everything", "HTTPRoute", ["spec", "rules", 0]),
        ("everything", "NetworkPolicy", ["spec"]),
        ("gateway", "Certificate", ["spec", "issuerRef"]),
    ],
)
def test_a_misspelt_field_is_found(name, kind, path, all_rendered, schemas):
    thing = of_kind(all_rendered[name].objects, kind)[0]
    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        schemas.validate(add_field(thing, *path))
