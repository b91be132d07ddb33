"""What the pods hand to the server is what the server reads."""

import os
import re
import subprocess

import pytest

from charts import component_of, containers_of, name_of, of_kind
from generate import is_fixed, make_settings_schema, read_settings

COUNTERSIGN = os.environ.get("COUNTERSIGN")

KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
FILES = {
    "database/url": "postgres://countersign:secret@postgres.example:5432/countersign",
    "database/password": "s/e?c#r@et\n",
    "codes/password": "s/e?c#r@et\n",
    "codes-sentinel/password": "another\n",
    "keyring/keyring.toml": f'fingerprint = "{KEY}"\n[[mac]]\nversion = 1\nkey = "{KEY}"\n[[seal]]\nversion = 1\nkey = "{KEY}"\n',
    "delivery-proxy/url": "http://app:secret@proxy.example:3128",
    "mail/password": "s/e?c#r@et\n",
    "relay/secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
REDIS = {
    "sentinel": "redis-sentinel://app:secret@a.example:26379,b.example:26379/main",
    "cluster": "rediss-cluster://app:secret@a.example:6379,b.example:6379",
    "external-all": "rediss://app:secret@redis.example:6379",
}


def settings_of(container):
    """(setting, value) of each variable that is one."""
    for variable in container.get("env", []):
        if name := re.fullmatch(r"COUNTERSIGN__([A-Z_]+)", variable["name"]):
            yield name[1].lower().replace("__", "."), variable["value"]


def test_each_variable_is_a_setting_of_the_server(rendered):
    known = read_settings().keys()
    for thing, _, container in containers_of(rendered.objects):
        assert {name for name, _ in settings_of(container)} <= known, name_of(thing)


def test_the_schema_has_each_setting_that_the_chart_does_not_fix():
    def leaves(schema, prefix=""):
        for name, child in schema["properties"].items():
            if child["type"] == "object":
                yield from leaves(child, f"{prefix}{name}.")
            else:
                yield prefix + name

    known = set(read_settings())
    offered = set(leaves(make_settings_schema()))
    assert offered == {name for name in known if not is_fixed(name)}
    assert {"log.level", "delivery.relay.url", "server.public_url"} <= offered
    assert not {"server.bind", "database.url", "keyring.text", "server.tls.key"} & offered


def test_values_reach_the_server(rendered):
    def leaves(values, prefix=""):
        for name, child in values.items():
            if isinstance(child, dict):
                yield from leaves(child, f"{prefix}{name}.")
            else:
                yield prefix + name, ",".join(child) if isinstance(child, list) else str(child)

    wanted = set(leaves(rendered.values.get("settings", {})))
    for _, _, container in containers_of(of_kind(rendered.objects, "Deployment")):
        assert wanted <= set(settings_of(container))


def test_the_servers_know_where_the_portal_is(rendered):
    portal = rendered.values.get("portal", {})
    wanted = {"server.portal": None if portal.get("enabled", True) else "off"}
    wanted["server.portal_url"] = f"https://{portal['host']}" if portal.get("host") else None
    for _, _, container in containers_of(of_kind(rendered.objects, "Deployment")):
        settings = dict(settings_of(container))
        assert {name: settings.get(name) for name in wanted} == wanted


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    """A folder as the pods see it at /etc/countersign."""
    folder = tmp_path_factory.mktemp("mounted")
    (folder / "tls").mkdir()
    make = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=sms.example.com"
    )
    files = ["-keyout", folder / "tls" / "tls.key", "-out", folder / "tls" / "tls.crt"]
    subprocess.run(["openssl", *make.split(), *files], check=True, capture_output=True)
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    # The settings that the image brings.
    (folder / "image.toml").write_text('[server]\nbind = "0.0.0.0:8080"\noperator_bind = "0.0.0.0:9090"\n')
    return folder


@pytest.mark.skipif(not COUNTERSIGN, reason="COUNTERSIGN names no program")
def test_the_server_accepts_them(rendered, mounted):
    """`config check` with each pod's variables."""
    (mounted / "codes" / "url").write_text(REDIS.get(rendered.name, "redis://redis.example:6379"))
    for thing, _, container in containers_of(rendered.objects):
        # The test pod reads no configuration.
        if component_of(thing) == "test":
            continue
        environment = {
            "COUNTERSIGN__" + name.upper().replace(".", "__"): value.replace("/etc/countersign", str(mounted))
            for name, value in settings_of(container)
        }
        if component_of(thing) == "migrate":
            # It serves nothing, and `config check` judges what `serve` would do.
            environment["COUNTERSIGN__SERVER__BIND"] = "127.0.0.1:8080"
        check = [COUNTERSIGN, "--config", mounted / "image.toml", "config", "check"]
        outcome = subprocess.run(check, env=environment, capture_output=True, text=True, timeout=30)
        assert outcome.returncode == 0, f"{name_of(thing)}: {outcome.stderr}"


@pytest.mark.skipif(not COUNTERSIGN, reason="COUNTERSIGN names no program")
@pytest.mark.parametrize("name", ["own-tls", "everything"])
def test_the_server_knows_the_arguments_of_the_test(name, all_rendered):
    """Nothing answers at that address here: the probe fails, but not for a wrong use (2)."""
    objects = all_rendered[name].objects
    ((_, _, container),) = [one for one in containers_of(objects) if component_of(one[0]) == "test"]
    outcome = subprocess.run([COUNTERSIGN, *container["args"]], capture_output=True, text=True, timeout=30)
    assert outcome.returncode == 1, outcome.stderr
    assert "does not answer" in outcome.stderr or "key cannot be read" in outcome.stderr
