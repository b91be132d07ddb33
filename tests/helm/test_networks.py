"""A table of who reaches whom, for the policies of several sets of values."""

import ipaddress
import re

import pytest

from charts import LEAST, NAMESPACE, ROOT, component_of, matches, objects_of, of_kind, pods_of
from networks import reaches


def pod(namespace, of=None, **labels):
    return {
        "namespace": namespace,
        "labels": {key.replace("_", "-"): value for key, value in labels.items()},
        "of": of or {},
    }


OUTSIDE = {
    "dns": pod("kube-system", k8s_app="kube-dns"),
    "other in kube-system": pod("kube-system"),
    "ingress": pod("ingress-nginx", app="nginx"),
    "monitoring": pod("monitoring", app="prometheus"),
    "postgres": pod("postgres", app="postgres"),
    "redis": pod("redis", app="redis"),
    "stranger": pod("other", app="x"),
    "neighbour": pod(NAMESPACE, app="x"),
    "provider": {"address": "1.1.1.1"},
    "provider by IPv6": {"address": "2606:4700:4700::1111"},
    "provider by NAT64": {"address": "64:ff9b::101:101"},
    "private": {"address": "10.0.0.7"},
    "private by NAT64": {"address": "64:ff9b::a00:7"},
    "documentation": {"address": "198.51.100.7"},
    "metadata of Azure": {"address": "168.63.129.16"},
    "allowed network": {"address": "10.20.3.4"},
    "allowed address": {"address": "10.30.0.1"},
    "beside the allowed address": {"address": "10.30.0.2"},
    "metadata": {"address": "169.254.169.254"},
    "private by IPv6": {"address": "fd00:99::1"},
    "allowed by IPv6": {"address": "fd00:20::1"},
    "mail": {"address": "10.9.9.9"},
}

# From, to, port: whether it is reached. With the values `everything`.
TABLE = [
    ("ingress", "api", 8080, True),
    ("stranger", "api", 8080, False),
    ("neighbour", "api", 8080, False),
    ("monitoring", "api", 8080, False),
    ("test", "api", 8080, True),
    ("test", "api", 9090, False),
    ("worker", "api", 8080, False),
    ("ingress", "worker", 8080, False),
    ("ingress", "api", 9090, False),
    ("monitoring", "api", 9090, True),
    ("monitoring", "worker", 9090, True),
    ("stranger", "worker", 9090, False),
    ("neighbour", "migrate", 8080, False),
    ("api", "dns", 53, True),
    ("worker", "dns", 53, True),
    ("migrate", "dns", 53, True),
    ("apply", "dns", 53, True),
    ("test", "dns", 53, True),
    ("api", "other in kube-system", 53, False),
    ("api", "dns", 443, False),
    ("api", "postgres", 5432, True),
    ("worker", "postgres", 5432, True),
    ("migrate", "postgres", 5432, True),
    ("apply", "postgres", 5432, True),
    ("test", "postgres", 5432, False),
    ("api", "stranger", 5432, False),
    ("api", "redis", 6379, True),
    ("worker", "redis", 6379, True),
    ("apply", "redis", 6379, True),
    ("migrate", "redis", 6379, False),
    ("test", "redis", 6379, False),
    ("worker", "redis", 5432, False),
    ("api", "provider", 443, True),
    ("worker", "provider", 443, True),
    ("worker", "provider", 2775, True),
    ("worker", "provider by IPv6", 443, True),
    ("worker", "provider by NAT64", 443, True),
    ("worker", "provider", 80, False),
    ("worker", "provider", 25, False),
    ("migrate", "provider", 443, False),
    ("test", "provider", 443, False),
    ("worker", "private", 443, False),
    ("worker", "private by IPv6", 443, False),
    ("worker", "private by NAT64", 443, False),
    ("worker", "documentation", 443, False),
    ("worker", "metadata", 443, False),
    ("worker", "metadata of Azure", 443, False),
    ("worker", "allowed network", 443, True),
    ("worker", "allowed address", 443, True),
    ("worker", "beside the allowed address", 443, False),
    ("worker", "allowed by IPv6", 443, True),
    ("worker", "mail", 587, True),
    ("worker", "mail", 443, False),
    ("migrate", "mail", 587, False),
    ("worker", "stranger", 443, False),
    ("worker", "stranger", 8080, False),
]


def ends_of(objects):
    """The pods of the release by component, and those around it."""
    own = {
        component_of(thing): {"namespace": NAMESPACE, "labels": one["metadata"]["labels"]}
        for thing, one in pods_of(objects)
    }
    return OUTSIDE | own


@pytest.mark.parametrize(("start", "end", "port", "reached"), TABLE)
def test_everything(start, end, port, reached, all_rendered):
    objects = all_rendered["everything"].objects
    ends = ends_of(objects)
    assert reaches(of_kind(objects, "NetworkPolicy"), ends[start], ends[end], port) == reached


def test_the_name_service_is_asked_by_both_protocols(all_rendered):
    objects = all_rendered["everything"].objects
    ends = ends_of(objects)
    for protocol in ("TCP", "UDP"):
        assert reaches(of_kind(objects, "NetworkPolicy"), ends["api"], ends["dns"], 53, protocol)
    assert not reaches(of_kind(objects, "NetworkPolicy"), ends["api"], ends["postgres"], 5432, "UDP")


def reach(values, *pairs):
    objects = objects_of(values)
    ends = ends_of(objects)
    return [
        reaches(of_kind(objects, "NetworkPolicy"), ends[start], ends[end], port) for start, end, port in pairs
    ]


def test_a_server_with_tls_is_reached_by_everybody_and_its_metrics_by_nobody():
    values = {"tls": {"existingSecret": "x"}, "networkPolicy": {"enabled": True}}
    pairs = [
        ("stranger", "all", 8080),
        ("provider", "all", 8080),
        ("test", "all", 8080),
        ("monitoring", "all", 9090),
    ]
    assert reach(values, *pairs) == [True, True, True, False]
    # Everything is on its volume: no store is called.
    assert reach(values, ("all", "postgres", 5432), ("all", "redis", 6379)) == [False, False]


def test_stores_without_a_place_are_reached_by_their_ports_alone():
    values = LEAST | {"networkPolicy": {"enabled": True, "api": {"from": [{"podSelector": {}}]}}}
    pairs = [
        ("all", "postgres", 5432),
        ("all", "private", 5432),
        ("migrate", "private", 5432),
        ("all", "private", 5433),
    ]
    assert reach(values, *pairs) == [True, True, True, False]
    assert reach(values, ("all", "mail", 587), ("all", "mail", 25), ("neighbour", "all", 8080)) == [
        False,
        False,
        True,
    ]


def test_providers_with_a_place_are_the_only_ones():
    proxy = {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "ports": [3128],
    }
    values = {"tls": {"existingSecret": "x"}, "networkPolicy": {"enabled": True, "providers": proxy}}
    assert reach(
        values, ("all", "monitoring", 3128), ("all", "provider", 443), ("all", "provider", 3128)
    ) == [True, False, False]


def test_the_first_migration_runs_where_everything_is_denied(all_rendered):
    """Only hooks exist before an install, and the namespace may deny everything."""
    objects = all_rendered["restricted"].objects
    (policy,) = [one for one in of_kind(objects, "NetworkPolicy") if component_of(one) == "migrate"]
    deny = {
        "metadata": {"namespace": NAMESPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    migrate = ends_of(objects)["migrate"]
    assert reaches([deny, policy], migrate, OUTSIDE["private"], 5432)
    assert not reaches([deny], migrate, OUTSIDE["private"], 5432)
    weights = policy["metadata"]["annotations"], of_kind(objects, "Job")[0]["metadata"]["annotations"]
    assert int(weights[0]["helm.sh/hook-weight"]) < int(weights[1]["helm.sh/hook-weight"])


def test_without_policies_everybody_reaches_everything(all_rendered):
    objects = all_rendered["least"].objects
    ends = ends_of(objects)
    assert of_kind(objects, "NetworkPolicy") == []
    assert all(reaches([], ends["stranger"], ends["all"], port) for port in (8080, 9090))


def test_what_the_release_denies_it_denies_to_all_its_pods(rendered):
    policies = of_kind(rendered.objects, "NetworkPolicy")
    if not policies:
        return
    (deny,) = [one for one in policies if one["metadata"]["name"].endswith("-deny")]
    assert deny["spec"].keys() == {"podSelector", "policyTypes"}
    assert deny["spec"]["policyTypes"] == ["Ingress", "Egress"]
    ends = ends_of(rendered.objects)
    for thing, _ in pods_of(rendered.objects):
        own = ends[component_of(thing)]
        assert matches(deny["spec"]["podSelector"], own["labels"])
        assert not reaches(policies, own, ends["stranger"], 22)
        assert not reaches(policies, ends["stranger"], own, 22)


def read_policy(name):
    """The networks of a constant in the server's address policy."""
    text = (ROOT / "crates" / "delivery" / "src" / "outbound" / "address.rs").read_text(encoding="utf-8")
    (part,) = re.findall(rf"(?ms)^const {name}: .*?= (.*?);$", text)
    networks = [one for other in re.findall(r"(?m)^    ([A-Z_]+),$", part) for one in read_policy(other)]
    for numbers, length in re.findall(r"v[46](?:Addr::new)?\(\[?([0-9a-fx, ]+)\]?(?:, (\d+))?\)", part):
        parts = [int(number, 0) for number in numbers.split(",")]
        size = {4: 1, 8: 2}[len(parts)]
        address = ipaddress.ip_address(b"".join(one.to_bytes(size, "big") for one in parts))
        networks.append(ipaddress.ip_network((address, int(length or address.max_prefixlen))))
    return networks


def collapse(networks):
    return list(ipaddress.collapse_addresses(networks))


def test_by_default_servers_reach_what_the_server_itself_calls(all_rendered):
    special, special_v6, metadata = map(read_policy, ("SPECIAL_V4", "SPECIAL_V6", "METADATA"))
    assert (len(special), len(special_v6), len(metadata)) == (16, 4, 8)
    ((public_v6,), (nat64,)) = map(read_policy, ("GLOBAL_V6", "NAT64"))
    refused = collapse(special + [one for one in metadata if one.version == 4])
    # The addresses of IPv6 that give credentials are not public, so no block below contains them.
    assert not any(one.subnet_of(public_v6) for one in metadata if one.version == 6)

    def by_nat64(network):
        return ipaddress.ip_network((int(nat64[0]) + int(network[0]), nat64.prefixlen + network.prefixlen))

    policies = of_kind(all_rendered["sentinel"].objects, "NetworkPolicy")
    (policy,) = [one for one in policies if one["metadata"]["name"].endswith("-servers")]
    (rule,) = [one for one in policy["spec"]["egress"] if one["ports"] == [{"port": 443, "protocol": "TCP"}]]
    blocks = [peer["ipBlock"] for peer in rule["to"]]
    assert {one["cidr"]: collapse(map(ipaddress.ip_network, one["except"])) for one in blocks} == {
        "0.0.0.0/0": refused,
        str(public_v6): collapse(special_v6),
        str(nat64): collapse(map(by_nat64, refused)),
    }
