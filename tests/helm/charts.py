"""Renders the chart with both majors of Helm, and finds its way in the outcome."""

import json
import os
import pathlib
import shutil
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "countersign"
SETS = {file.name.removesuffix("-values.yaml"): file for file in sorted((CHART / "ci").glob("*-values.yaml"))}
TOOLS = pathlib.Path(os.environ["COUNTERSIGN_HELM_TOOLS"])
HELMS = ["helm3", "helm4"]
RELEASE, NAMESPACE = "sms", "codes"

# What `least` has, for tests that add to it.
LEAST = yaml.safe_load(SETS["least"].read_text(encoding="utf-8"))


def run(helm, *arguments, text=None):
    command = [TOOLS / helm, *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(command, input=text, capture_output=True, text=True, env=environment, timeout=60)


def template(helm, *arguments, values=None, chart=CHART, release=RELEASE):
    """The outcome of `helm template`, with values as a dict or from files that the arguments name."""
    more = ("--values", "-") if values is not None else ()
    text = None if values is None else json.dumps(values)
    return run(helm, "template", release, str(chart), "--namespace", NAMESPACE, *arguments, *more, text=text)


def render(helm, *arguments, **options):
    outcome = template(helm, *arguments, **options)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def parse(text):
    return [document for document in yaml.safe_load_all(text) if document]


def objects_of(values):
    """The objects that values give."""
    return parse(render("helm4", values=values))


def name_of(thing):
    return f"{thing['kind']} {thing['metadata']['name']}"


def of_kind(objects, *kinds):
    return [thing for thing in objects if thing["kind"] in kinds]


def component_of(thing):
    return thing["metadata"]["labels"]["app.kubernetes.io/component"]


def pods_of(objects):
    """(object, its pod as {metadata, spec}) of each object that makes pods."""
    for thing in of_kind(objects, "Deployment", "Job"):
        yield thing, thing["spec"]["template"]
    for thing in of_kind(objects, "Pod"):
        yield thing, thing


def containers_of(objects):
    """(object, pod spec, container) of each container."""
    for thing, pod in pods_of(objects):
        for container in pod["spec"]["containers"]:
            yield thing, pod["spec"], container


def hooks_of(thing):
    return thing["metadata"].get("annotations", {}).get("helm.sh/hook", "")


def matches(selector, labels):
    """Whether a selector with matchLabels and matchExpressions (In) selects these labels."""
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", [])
    assert all(one["operator"] == "In" for one in expressions)
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )


def copy_as_subchart(folder, values):
    """A parent chart in this folder, whose only other chart is ours with these values."""
    values = dict(values)
    above = {"global": values.pop("global", {}), "countersign": values}
    folder.joinpath("charts").mkdir()
    folder.joinpath("Chart.yaml").write_text("apiVersion: v2\nname: company\nversion: 1.0.0\n")
    folder.joinpath("values.yaml").write_text(yaml.safe_dump(above))
    shutil.copytree(CHART, folder / "charts" / "countersign")
