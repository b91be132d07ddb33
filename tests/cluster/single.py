"""Mode `single`: one replica with everything on its volume."""

import re

from kube import PROGRAM, Failed, run, until

IMAGE = {"registry": "localhost", "tag": "test", "pullPolicy": "Never"}
SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
VALUES = {"image": IMAGE, "tls": {"existingSecret": "countersign-tls"}, "all": {"resources": SMALL}}

# What `countersign apply` makes: a tenant with a test key.
TENANT = """name = "test"
[[tenants]]
name = "Acme"
countries = {{ default = "allow", countries = {{}} }}
  [[tenants.keys]]
  name = "helm-test"
  scopes = ["verifications:start", "verifications:check"]
  secret = {{ file = "../apply-secrets/countersign-test/key" }}
{more}"""


def with_tenant(more=""):
    """Values by which the chart makes the tenant, and `helm test` uses its key."""
    return {
        "apply": {"config": TENANT.format(more=more), "secrets": ["countersign-test"]},
        "test": {"existingSecret": "countersign-test"},
    }


def test_key(place):
    place.key = run(PROGRAM, "key", "generate", "--test").split()[-1]
    place.secret("countersign-test", {"key": place.key})


def install(place):
    """install --wait, with `countersign apply` as a Job after it."""
    place.volume()
    test_key(place)
    place.put("install", {**VALUES, **with_tenant()})
    notes = place.helm("status", "countersign")
    if "countersign tenant create" not in notes:
        raise Failed(f"no notes: {notes}")
    return f"{len(place.pods())} pod; tenant and key made by the Job"


def helm_test(place):
    """helm test."""
    answer = place.helm("test", "countersign", "--logs")
    if not re.search(r"Phase: +Succeeded", answer):
        raise Failed(answer)
    return "a verification is started, its code approved"


def ring_is_private(place):
    """the key ring on the volume."""
    answer = place.in_pod("keyring", "status")
    if "primary" not in answer:
        raise Failed(answer)
    return "read by the server and by commands beside it"


def upgrade(place):
    """upgrade --wait with changed settings."""
    before = set(place.pods())
    place.put("upgrade", {**VALUES, **with_tenant(), "settings": {"log": {"level": "debug"}}})
    if before & set(place.pods()):
        raise Failed("the pod is the same")
    return "the pod is replaced"


def rollback(place):
    """rollback --wait."""
    place.helm("rollback", "countersign", "--wait", "--timeout", "120s")
    helm_test(place)
    return "the pod is replaced; `helm test` passes"


def kill(place):
    """kill -9 of the server."""
    kill_container(place, next(iter(place.pods())))
    helm_test(place)
    return "started again by the kubelet; `helm test` passes with the key from before"


def kill_container(place, name, component="all"):
    status = place.pods(component)[name]["status"]["containerStatuses"][0]
    run("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", status["containerID"].split("//")[1])

    def is_back():
        now = place.pods(component)[name]["status"]["containerStatuses"][0]
        return now["restartCount"] == status["restartCount"] + 1 and now["ready"]

    until(60, "the container is ready again", is_back)


def uninstall(place):
    """uninstall."""
    before = place.names("secrets")
    place.helm("uninstall", "countersign", "--wait", "--timeout", "60s")
    left = {kind: place.names(kind) for kind in ("deployments", "services", "configmaps")}
    left["configmaps"].remove("kube-root-ca.crt")
    kept = [name for name in before if not name.startswith("sh.helm.release")]
    if any(left.values()) or place.names("secrets") != kept or place.names("persistentvolumeclaims") != ["countersign-data"]:
        raise Failed(f"left: {left}, {place.names('secrets')}, {place.names('persistentvolumeclaims')}")
    return "Secrets and volume stay, nothing else"


def install_again(place):
    """install under the same name."""
    place.put("install", {**VALUES, "test": {"existingSecret": "countersign-test"}})
    helm_test(place)
    return "takes the volume over; `helm test` passes with the key from before"


quick_acts = [install, helm_test, uninstall]
acts = [install, helm_test, ring_is_private, upgrade, rollback, kill, uninstall, install_again]
