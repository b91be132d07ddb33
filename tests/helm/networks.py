"""Who reaches whom by NetworkPolicies, as the Kubernetes documentation says it: a pod that any policy
selects for a direction admits only what some policy of that direction names; both ends must agree.
"""

import ipaddress

from charts import matches


def selects(selector, labels):
    return selector is None or matches(selector, labels)


def peer_matches(peer, pod, home):
    """Whether a peer of a policy in the namespace `home` means this end of a connection."""
    if block := peer.get("ipBlock"):
        if "address" not in pod:
            return False
        address = ipaddress.ip_address(pod["address"])
        inside = address in ipaddress.ip_network(block["cidr"])
        return inside and not any(address in ipaddress.ip_network(one) for one in block.get("except", []))
    if "address" in pod:
        return False
    if "namespaceSelector" in peer:
        if not selects(
            peer["namespaceSelector"], {"kubernetes.io/metadata.name": pod["namespace"], **pod.get("of", {})}
        ):
            return False
    elif pod["namespace"] != home:
        return False
    return selects(peer.get("podSelector"), pod["labels"])


def admits(policies, direction, pod, other, port, protocol):
    """Whether the policies of one end let it begin (Egress) or take (Ingress) this connection."""
    rules, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    if "address" in pod:
        return True
    own = [
        one
        for one in policies
        if one["metadata"]["namespace"] == pod["namespace"]
        and direction in one["spec"]["policyTypes"]
        and selects(one["spec"]["podSelector"], pod["labels"])
    ]
    if not own:
        return True
    for policy in own:
        for rule in policy["spec"].get(rules, []):
            ports = rule.get("ports")
            fits = ports is None or any((one["port"], one["protocol"]) == (port, protocol) for one in ports)
            named = rule.get(peers)
            # An absent or empty list means everybody.
            if fits and (not named or any(peer_matches(one, other, pod["namespace"]) for one in named)):
                return True
    return False


def reaches(policies, pod, other, port, protocol="TCP"):
    return admits(policies, "Egress", pod, other, port, protocol) and admits(
        policies, "Ingress", other, pod, port, protocol
    )
