"""Both majors of Helm give the same bytes each time, and values arrive as they were written."""

import collections
import json
import re
import shlex
import tarfile
import tomllib

import pytest
import yaml

from charts import (
    CHART,
    HELMS,
    LEAST,
    RELEASE,
    ROOT,
    SETS,
    component_of,
    copy_as_subchart,
    name_of,
    objects_of,
    of_kind,
    parse,
    render,
    run,
)


def test_at_least_twelve_sets():
    assert len(SETS) >= 12


def test_same_bytes(rendered):
    assert len(set(rendered.texts.values())) == 1


def test_names_are_unique_and_fit(rendered):
    names = collections.Counter(name_of(thing) for thing in rendered.objects)
    assert [name for name, count in names.items() if count > 1] == []
    assert all(thing["metadata"]["namespace"] == "codes" for thing in rendered.objects)


@pytest.mark.parametrize("helm", HELMS)
def test_lint(helm):
    for file in SETS.values():
        outcome = run(helm, "lint", str(CHART), "--strict", "--values", str(file))
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_long_names_fit():
    values = LEAST | {
        "mode": "split",
        "networkPolicy": {"enabled": True, "api": {"from": [{"podSelector": {}}]}},
    }
    for thing in parse(render("helm4", values=values, release="r" * 53)):
        assert len(thing["metadata"]["name"]) <= 63
        assert all(len(value) <= 63 for value in thing["metadata"]["labels"].values())


@pytest.mark.parametrize("helm", HELMS)
def test_a_parent_chart_hands_values_down(helm, tmp_path):
    values = yaml.safe_load(SETS["parent"].read_text(encoding="utf-8"))
    copy_as_subchart(tmp_path, values)
    alone = parse(render(helm, "--values", SETS["parent"]))
    below = parse(render(helm, chart=tmp_path))
    assert below == alone
    images = {
        c["image"]
        for t in of_kind(below, "Deployment", "Job")
        for c in t["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"mirror.example.com:5000/countersign:0.1.0"}
    pulls = of_kind(below, "Deployment")[0]["spec"]["template"]["spec"]["imagePullSecrets"]
    assert [one["name"] for one in pulls] == ["own-pull", "mirror-pull"]


def variables(objects):
    (deployment,) = [thing for thing in of_kind(objects, "Deployment") if component_of(thing) == "all"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value") for one in container["env"]}


# The bounds of the chart are lower than a million except where these are.
@pytest.mark.parametrize("number", [999_999, 1_000_000, 12_345_678, 1_000_680_000])
def test_large_numbers_survive(number):
    values = LEAST | {
        "settings": {"server": {"auth_failures": number}},
        "podSecurityContext": {"runAsUser": number},
        "all": {
            "resources": {"requests": {"cpu": 0.5}, "limits": {"memory": number}},
            "podAnnotations": {"number": str(number)},
        },
        "commonLabels": {"number": str(number)},
        "image": {"tag": str(number)},
        "extraEnv": [{"name": "NUMBER", "value": str(number)}],
    }
    for helm in HELMS:
        objects = parse(render(helm, values=values))
        found = variables(objects)
        assert found["COUNTERSIGN__SERVER__AUTH_FAILURES"] == str(number)
        assert found["NUMBER"] == str(number)
        (deployment,) = of_kind(objects, "Deployment")
        pod = deployment["spec"]["template"]
        assert pod["spec"]["securityContext"]["runAsUser"] == number
        resources = pod["spec"]["containers"][0]["resources"]
        assert (resources["requests"]["cpu"], resources["limits"]["memory"]) == (0.5, number)
        assert pod["spec"]["containers"][0]["image"] == f"countersign:{number}"
        assert pod["metadata"]["annotations"]["number"] == str(number)
        assert deployment["metadata"]["labels"]["number"] == str(number)
        # By --set numbers have another type.
        text = render(helm, "--values", SETS["least"], "--set", f"settings.server.auth_failures={number}")
        assert variables(parse(text))["COUNTERSIGN__SERVER__AUTH_FAILURES"] == str(number)


def test_lists_reach_the_server_separated_by_commas():
    settings = {"delivery": {"allowed_networks": ["10.20.0.0/16", "::1"]}}
    found = variables(
        objects_of(LEAST | {"settings": settings, "trusted_proxies": ["10.0.0.0/8", "fd00::/8"]})
    )
    assert found["COUNTERSIGN__DELIVERY__ALLOWED_NETWORKS"] == "10.20.0.0/16,::1"
    assert found["COUNTERSIGN__SERVER__TRUSTED_PROXIES"] == "10.0.0.0/8,fd00::/8"


def test_an_ordinary_job_has_another_name_for_each_change():
    def jobs(config="a", **values):
        ordinary = {"migrate": {"hook": False}, "apply": {"hook": False, "config": config}}
        objects = objects_of(LEAST | ordinary | values)
        return {component_of(thing): thing["metadata"]["name"] for thing in of_kind(objects, "Job")}

    first = jobs()
    assert first.keys() == {"migrate", "apply"}
    assert jobs(all={"replicas": 5}) == first
    for change in ({"image": {"tag": "9.9.9"}}, {"database": {"existingSecret": "another"}}):
        assert not set(jobs(**change).values()) & set(first.values())
    other = jobs(config="b")
    assert other["migrate"] == first["migrate"] and other["apply"] != first["apply"]


def test_version_is_the_server_s():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == cargo["workspace"]["package"]["version"]


@pytest.mark.parametrize("helm", HELMS)
def test_the_package_has_what_users_read(helm, tmp_path):
    outcome = run(helm, "package", str(CHART), "--destination", str(tmp_path))
    assert outcome.returncode == 0, outcome.stderr
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as archive:
        names = archive.getnames()
    assert "countersign/README.md" in names and "countersign/values.schema.json" in names
    assert not [name for name in names if "/ci/" in name]


def notes_of(values):
    # Helm 3 asks a cluster even for a dry run of the client.
    arguments = ("install", RELEASE, str(CHART), "--dry-run=client", "--namespace", "codes", "--values", "-")
    outcome = run("helm4", *arguments, text=json.dumps(values))
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.split("NOTES:")[1]


SINGLE = yaml.safe_load(SETS["single"].read_text(encoding="utf-8"))


def test_the_notes_name_the_next_three_commands():
    notes = notes_of(SINGLE)
    for words in [
        "kubectl -n codes exec deploy/sms-countersign-all -- countersign tenant create",
        "countersign key create --tenant ten_... --name helm-test --test",
        "helm -n codes test sms",
        "Keep a copy:",
        "in plain HTTP",
    ]:
        assert words in notes
    assert "Keep a copy" not in notes_of(SINGLE | {"keyring": {"existingSecret": "x"}})


@pytest.mark.parametrize("values", [SINGLE, {"tls": {"existingSecret": "x"}}], ids=["plain", "tls"])
def test_the_notes_say_how_to_switch_network_policies_on(values):
    (words,) = re.findall(r"(?m)^   networkPolicy:\n(?:     .*\n)+", notes_of(values))
    switched = values | yaml.safe_load(words)
    assert switched["networkPolicy"]["enabled"]
    policies = {one["metadata"]["name"] for one in of_kind(objects_of(switched), "NetworkPolicy")}
    assert {"sms-countersign-deny", "sms-countersign-callers", "sms-countersign-metrics"} <= policies
    assert "Network policies are off" not in notes_of(switched)


@pytest.mark.parametrize("helm", HELMS)
def test_the_readme_s_values_and_commands_render(helm):
    text = (CHART / "README.md").read_text(encoding="utf-8")
    (values,) = re.findall(r"(?s)```yaml\n# values.yaml\n(.*?)```", text)
    objects = parse(render(helm, values=yaml.safe_load(values), release="countersign"))
    assert {"Deployment", "Ingress", "Job"} <= {thing["kind"] for thing in objects}
    (command,) = re.findall(r"(?s)\nhelm install (.*?)\n(?:helm|```)", text)
    chosen = [word for word in shlex.split(command.replace("\\\n", "")) if "=" in word]
    assert len(chosen) == 2
    objects = parse(render(helm, *(word for one in chosen for word in ("--set", one)), release="countersign"))
    (service,) = [one for one in of_kind(objects, "Service") if one["spec"].get("clusterIP") != "None"]
    port = service["spec"]["ports"][0]["port"]
    assert f"port-forward service/{service['metadata']['name']} 8080:{port}" in text
