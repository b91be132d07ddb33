"""Values that cannot work do not render, and the sentence says what would."""

import os
import re
import subprocess

import pytest

from charts import HELMS, LEAST, template

COUNTERSIGN = os.environ.get("COUNTERSIGN")
BEHIND = {"trusted_proxies": ["10.0.0.0/8"]}
POLICY = {"networkPolicy": {"enabled": True}}
EVERYBODY = [
    "0.0.0.0/0",
    "1.2.3.4/0",
    "0.0.0.0/00",
    "::/00",
    "::/000",
    "0:0::/0",
    "::ffff:0:0/96",
    "::FFFF:0.0.0.0/096",
]
HALVES = ["0.0.0.0/1", "128.0.0.0/01", "8000::/1", "::ffff:128.0.0.0/97"]

SENTENCES = [
    ({}, "The server would serve plain HTTP beyond its pod: set tls.existingSecret or tls.certManager, or trusted_proxies for a proxy that terminates TLS."),
    ({"trusted_proxies": ["10.0.0.0/8", "::/0"]}, 'trusted_proxies: "::/0" trusts everybody.'),
    *(({"trusted_proxies": [wide]}, f'trusted_proxies: "{wide}" trusts everybody.') for wide in EVERYBODY),
    *(({"trusted_proxies": ["10.0.0.0/8", wide]}, f'trusted_proxies: "{wide}" trusts half of all addresses') for wide in HALVES),
    ({"trusted_proxies": ["proxy.example"]}, 'trusted_proxies: "proxy.example" is no IP address or network, such as 10.244.0.0/16.'),
    (BEHIND | {"ingress": {"enabled": True, "hosts": ["https://sms.example.com/"]}}, 'ingress.hosts: "https://sms.example.com/" is no host name, such as sms.example.com.'),
    (BEHIND | {"gateway": {"hostnames": ["SMS.example.com"]}}, 'gateway.hostnames: "SMS.example.com" is no host name'),
    (BEHIND | {"portal": {"host": "*.example.com"}}, 'portal.host: "*.example.com" is no host name, such as portal.example.com.'),
    (BEHIND | {"portal": {"host": "sms.example.com"}, "settings": {"server": {"public_url": "https://sms.example.com"}}}, "portal.host is the host of settings.server.public_url: leave it out to have the portal beside the API."),
    (LEAST | {"delivery": {"ca": {"existingConfigMap": "Company_CA"}}}, "delivery.ca.existingConfigMap must be the name of a ConfigMap (lower-case letters, digits, - and .), not what is in it."),
    ({"tls": {"existingSecret": "x", "certManager": {"enabled": True}}}, "Set tls.existingSecret or tls.certManager.enabled, not both."),
    ({"tls": {"certManager": {"enabled": True, "dnsNames": ["a.example"]}}}, "tls.certManager needs issuerRef.name and dnsNames."),
    (BEHIND | {"mode": "all"}, "mode all needs database.existingSecret, a Secret with the URL: kubectl create secret generic countersign-database --from-literal=url=..."),
    (BEHIND | {"mode": "split", "database": {"existingSecret": "x"}}, "mode split needs codes.existingSecret, a Secret with the URL"),
    (LEAST | {"keyring": {}}, "mode all needs keyring.existingSecret, which all pods share: run countersign keyring create, then kubectl create secret generic"),
    (BEHIND | {"database": {"existingSecret": "x"}}, "mode single keeps everything on its volume: set mode to all or split to use database.existingSecret or database.url."),
    (BEHIND | {"codes": {"url": "redis://redis:6379"}}, "set mode to all or split to use codes.existingSecret or codes.url."),
    (LEAST | {"database": {"url": "postgres://app:hunter2@postgres/app"}}, "database.url has a password: leave it out, and name a Secret with it in existingSecret and passwordKey."),
    (LEAST | {"migrate": {"url": "postgres://postgres/app?user=app&password=hunter2"}}, "migrate.url has a password"),
    (LEAST | {"codes": {"url": "redis-cluster://:hunter2@a:1,b:1"}}, "codes.url has a password"),
    (LEAST | {"codes": {"existingSecret": "x", "ca": {"existingSecret": "y", "existingConfigMap": "z"}}}, "Set codes.ca.existingSecret or codes.ca.existingConfigMap, not both."),
    (BEHIND | {"podSecurityContext": {"fsGroupChangePolicy": "Always"}}, "podSecurityContext.fsGroupChangePolicy must be OnRootMismatch in the mode single: else Kubernetes opens the key ring"),
    (BEHIND | {"podSecurityContext": {"fsGroupChangePolicy": None}}, "podSecurityContext.fsGroupChangePolicy must be OnRootMismatch in the mode single"),
    (BEHIND | {"all": {"autoscaling": {"enabled": True}}}, "mode single has one pod: set mode to all or split to use autoscaling."),
    (LEAST | {"all": {"autoscaling": {"enabled": True, "minReplicas": 20}}}, "all.autoscaling.minReplicas is above maxReplicas."),
    (LEAST | {"mode": "split", "worker": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}}, "worker.autoscaling needs worker.resources.requests.cpu"),
    (BEHIND | {"apply": {"config": "a", "existingConfigMap": "b"}}, "Set apply.config or apply.existingConfigMap, not both."),
    (BEHIND | {"ingress": {"enabled": True}}, "ingress.hosts is empty: name the host of the API."),
    (BEHIND | {"ingress": {"tls": {"existingSecret": "a", "issuer": "b"}}}, "Set one of ingress.tls.existingSecret, ingress.tls.clusterIssuer and ingress.tls.issuer."),
    (BEHIND | {"gateway": {"enabled": True}}, "gateway.parentRefs is empty: name the Gateway that serves the route."),
    (BEHIND | POLICY, "networkPolicy.api.from is empty, but the server speaks plain HTTP: name the pods of the proxy, so that nobody else reaches it."),
    (BEHIND | {"prometheusRule": {"enabled": True}}, "prometheusRule needs serviceMonitor.enabled: its alerts are about the series of that monitor."),
]  # fmt: skip

# What Helm 3 and Helm 4 say about the place and the value.
SCHEMA = [
    ({"trustedProxies": ["::1"]}, "(root): Additional property trustedProxies is not allowed", "additional properties 'trustedProxies' not allowed"),
    ({"mode": "cluster"}, 'mode must be one of the following: "single", "all", "split"', "at '/mode': value must be one of 'single', 'all', 'split'"),
    ({"settings": {"log": {"lvel": "info"}}}, "settings.log: Additional property lvel is not allowed", "at '/settings/log': additional properties 'lvel' not allowed"),
    ({"settings": {"server": {"bind": "[::]:80"}}}, "settings.server: Additional property bind is not allowed", "at '/settings/server': additional properties 'bind' not allowed"),
    ({"settings": {"server": {"auth_failures": "many"}}}, "settings.server.auth_failures: Invalid type. Expected: integer, given: string", "at '/settings/server/auth_failures': got string, want integer"),
    ({"all": {"replicas": -1}}, "all.replicas: Must be greater than or equal to 0", "at '/all/replicas': minimum: got -1, want 0"),
    ({"trusted_proxies": "10.0.0.0/8"}, "trusted_proxies: Invalid type. Expected: array, given: string", "at '/trusted_proxies': got string, want array"),
    ({"persistence": {"size": "2 GiB"}}, "persistence.size: Does not match pattern '^[0-9.]+([mkMGTPE]|[KMGTPE]i)?$'", "at '/persistence/size': '2 GiB' does not match pattern"),
    ({"settings": {"delivery": {"send_timeout": 30}}}, "settings.delivery.send_timeout: Invalid type. Expected: string, given: integer", "at '/settings/delivery/send_timeout': got number, want string"),
    ({"imagePullSecrets": [{"name": "x"}]}, "imagePullSecrets.0: Invalid type. Expected: string, given: object", "at '/imagePullSecrets/0': got object, want string"),
    ({"shutdown": {"timeoutSeconds": 5}}, "shutdown.timeoutSeconds: Must be greater than or equal to 25", "at '/shutdown/timeoutSeconds': minimum: got 5, want 25"),
    ({"image": {"digest": "abc"}}, "image.digest: Does not match pattern", "at '/image/digest': 'abc' does not match pattern"),
    ({"commonLabels": {"number": 1000000}}, "commonLabels.number: Invalid type. Expected: string, given: integer", "at '/commonLabels/number': got number, want string"),
    ({"prometheusRule": {"disabled": ["CountersignUp"]}}, 'prometheusRule.disabled.0 must be one of the following: "CountersignDown"', "at '/prometheusRule/disabled/0': value must be one of 'CountersignDown'"),
    ({"global": {"imagePullSecrets": ["A"]}}, "global.imagePullSecrets.0: Does not match pattern", "at '/global/imagePullSecrets/0': 'A' does not match pattern"),
]  # fmt: skip


def refuse(helm, values):
    outcome = template(helm, values=values)
    assert outcome.returncode != 0
    return outcome.stderr


@pytest.mark.parametrize(
    ("values", "sentence"), SENTENCES, ids=lambda x: x[:40] if isinstance(x, str) else ""
)
@pytest.mark.parametrize("helm", HELMS)
def test_values_that_contradict_each_other(helm, values, sentence):
    assert sentence in refuse(helm, values)


@pytest.mark.parametrize(
    ("values", "three", "four"), SCHEMA, ids=lambda x: x[:40] if isinstance(x, str) else ""
)
def test_values_of_a_wrong_form(values, three, four):
    assert three in refuse("helm3", BEHIND | values)
    assert four in refuse("helm4", BEHIND | values)


def test_other_charts_may_read_more_from_global():
    for helm in HELMS:
        assert (
            template(helm, values=BEHIND | {"global": {"anything": {"existingSecret": "GOES"}}}).returncode
            == 0
        )


@pytest.mark.parametrize("helm", HELMS)
def test_a_secret_in_the_place_of_its_name_is_not_shown(helm):
    url = "redis://app:hunter2@redis.example:6379"
    for place, sentence in (("existingSecret", "must be the name of a Secret"), ("url", "has a password")):
        error = refuse(helm, LEAST | {"codes": {place: url}})
        assert f"codes.{place} {sentence}" in error and "hunter2" not in error


def test_a_key_ring_in_a_secret_needs_no_policy_for_the_volume():
    always = {"podSecurityContext": {"fsGroupChangePolicy": "Always"}}
    for helm in HELMS:
        for values in (LEAST, BEHIND | {"keyring": {"existingSecret": "x"}}):
            assert template(helm, values=values | always).returncode == 0


@pytest.mark.parametrize(
    "network", ["10.0.0.0/10", "10.1.2.0/21", "fd00::/101", "::ffff:10.0.0.0/104", "::1", "127.0.0.1/31"]
)
def test_networks_of_proxies_are_trusted(network):
    for helm in HELMS:
        assert template(helm, values={"trusted_proxies": [network]}).returncode == 0


@pytest.mark.skipif(not COUNTERSIGN, reason="COUNTERSIGN names no program")
def test_the_server_refuses_them_too():
    """Each of these spellings means everybody."""
    for wide in [*EVERYBODY, ",".join(HALVES[:2]), "::/1,8000::/1"]:
        environment = {
            "COUNTERSIGN__SERVER__BIND": "0.0.0.0:8080",
            "COUNTERSIGN__SERVER__TRUSTED_PROXIES": wide,
        }
        check = [COUNTERSIGN, "config", "check"]
        outcome = subprocess.run(check, env=environment, capture_output=True, text=True, timeout=30)
        # The server reads no length with a leading zero, so it cannot say what `/00` would trust.
        reason = "leading zero" if re.search(r"/0\d", wide) else "trusts everybody"
        assert outcome.returncode == 2 and reason in outcome.stderr, wide
