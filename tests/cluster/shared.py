"""Mode `all`: replicas that share Postgres and Redis, under load."""

import os
import threading
import time

from kube import Failed, readme_commands, run, until
from load import Load
from single import IMAGE, SMALL, helm_test, kill_container, test_key, with_tenant

VALUES = {
    "mode": "all",
    "image": IMAGE,
    "tls": {"existingSecret": "countersign-tls"},
    "database": {"existingSecret": "countersign-database", "ca": {"existingSecret": "countersign-ca"}},
    "codes": {"existingSecret": "countersign-codes", "ca": {"existingSecret": "countersign-ca"}},
    "keyring": {"existingSecret": "countersign-keyring"},
    "all": {"resources": SMALL},
}
CHANGED = {**VALUES, **with_tenant(), "settings": {"log": {"level": "debug"}}, "all": {"resources": SMALL, "replicas": 3}}


def load(place):
    return Load(place.url, place.load_key, place.authority)


def install_before(place):
    """install --wait, with the image of the release before."""
    place.stores()
    # Its `migrate` also judges where servers listen, which the Job does not say.
    url = f"postgres://sms:secret@postgres.{place.namespace}.svc.cluster.local:5432/sms"
    database = {"COUNTERSIGN__DATABASE__URL": url, "COUNTERSIGN__DATABASE__CA_FILE": str(place.authority)}
    run(os.environ["program_before"], "migrate", env=database)
    place.put("install", {**VALUES, "image": {**IMAGE, "tag": "before"}, "migrate": {"enabled": False}})
    # It has no `apply`: the tenant is made as the notes say.
    tenant = place.in_pod("tenant", "create", "--name", "Before", "--countries", "all").split()[-1]
    scopes = "verifications:start,verifications:check"
    made = place.in_pod("key", "create", "--tenant", tenant, "--name", "load", "--test", "--scopes", scopes)
    place.load_key = made.split()[-1]
    # Each node takes a new key over within 2 s.
    time.sleep(3)
    kinds = place.helm("get", "manifest", "countersign").split("kind: ")
    if any(kind.startswith("Secret") for kind in kinds):
        raise Failed("the chart makes a Secret")
    return f"{len(place.pods())} pods; Secrets that existed, no other"


def upgrade_program(place):
    """upgrade --wait to this release, under load."""
    before = set(place.pods())
    test_key(place)
    with load(place) as seen:
        place.put("upgrade", {**VALUES, **with_tenant()})
    if before & set(place.pods()):
        raise Failed("a pod is the same")
    return seen.outcome()


def upgrade_values(place):
    """upgrade --wait with changed settings and one more replica, under load."""
    with load(place) as seen:
        place.put("upgrade", CHANGED)
    if len(place.pods()) != 3:
        raise Failed(f"{len(place.pods())} pods")
    return seen.outcome()


def failed_migration(place):
    """upgrade whose migration fails, under load."""
    before = set(place.pods())
    migrate = {"existingSecret": "countersign-wrong", "backoffLimit": 0}
    with load(place) as seen:
        settings = {"log": {"level": "warn"}}
        answer = place.put("upgrade", {**CHANGED, "settings": settings, "migrate": migrate}, fails=True)
    log = place.kubectl("logs", "job/countersign-migrate")
    if "pre-upgrade" not in answer or "password authentication failed" not in log:
        raise Failed(f"{answer}\n{log}")
    if set(place.pods()) != before:
        raise Failed("the pods changed")
    return f"it fails; the Job's log names the cause; the pods stay: {seen.outcome()}"


def rollback(place):
    """rollback --wait to the values before the change, under load."""
    before = set(place.pods())
    with load(place) as seen:
        place.helm("rollback", "countersign", "2", "--wait", "--timeout", "120s")
    [deployment] = place.get("deployments")
    variables = {entry["name"] for entry in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    if len(place.pods()) != 2 or before & set(place.pods()) or "COUNTERSIGN__LOG__LEVEL" in variables:
        raise Failed(f"{before}, {set(place.pods())}, {variables}")
    return seen.outcome()


def delete_pod(place):
    """delete of a pod, under load."""
    victim = min(place.pods())
    with load(place) as seen:
        place.kubectl("delete", "pod", victim, timeout=90)
        place.kubectl("rollout", "status", "deployment/countersign-all", "--timeout=60s")
    return seen.outcome()


def kill(place):
    """kill -9 of a server, under load."""
    with load(place) as seen:
        kill_container(place, min(place.pods()))
    return seen.outcome()


def drain(place):
    """drain of the node, under load."""
    before = set(place.pods())
    args = ["--pod-selector=app.kubernetes.io/component=all", "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=120s"]
    answers = []

    def drains():
        answers.append(place.kubectl("drain", "node1", *args))

    with load(place) as seen:
        thread = threading.Thread(target=drains)
        thread.start()
        try:
            # The node is the only one: the first pod that is evicted waits for a place.
            until(60, "a pod waits", lambda: any(pod["status"]["phase"] == "Pending" for pod in place.pods().values()))
            serving = before & set(place.pods())
        finally:
            while thread.is_alive():
                # Evictions go on when a pod has found a place again, and cordon the node no further.
                run("kubectl", "uncordon", "node1")
                thread.join(1)
        place.kubectl("rollout", "status", "deployment/countersign-all", "--timeout=60s")
    if not answers or len(serving) != 1 or before & set(place.pods()):
        raise Failed(f"{answers}, {serving}")
    return f"the budget lets one pod go at a time: {seen.outcome()}"


def rotate(place):
    """rotation of the key ring by the README's commands, under load."""
    functions = readme_commands("### Rotate the key ring", "step", "status").replace("-n sms", f"-n {place.namespace}")

    def shell(command, **more):
        return run("bash", "-c", f"set -o pipefail; cd {place.folder}\n{functions}\n{command}", **more)

    def all_have(word):
        lines = [line.split("\t") for line in shell("status").splitlines() if line.startswith(("mac\t2\t", "seal\t2\t"))]
        return len(lines) == 2 and all(f"{word} 2/2" in line for line in lines)

    with load(place) as seen:
        shell("step add")
        until(120, "every node reads version 2", lambda: all_have("read by"))
        shell("step promote")
        until(120, "every node makes values with version 2", lambda: all_have("made by"))
        refusal = shell("step retire 1", fails=True)
    if "version 1" not in refusal:
        raise Failed(refusal)
    return f"added and promoted without a restart; `retire` refused while version 1 is needed: {seen.outcome()}"


def key_before(place):
    """helm test, and the key from the release before."""
    helm_test(place)
    with load(place) as seen:
        time.sleep(5)
    return seen.outcome()


def uninstall(place):
    """uninstall."""
    before = [name for name in place.names("secrets") if not name.startswith("sh.helm.release")]
    place.helm("uninstall", "countersign", "--wait", "--timeout", "60s")
    if place.names("secrets") != before or place.names("deployments") or place.names("services") != ["postgres", "redis"]:
        raise Failed(f"{place.names('secrets')} {place.names('services')}")
    return "Secrets stay"


acts = [
    install_before,
    upgrade_program,
    key_before,
    upgrade_values,
    failed_migration,
    rollback,
    delete_pod,
    kill,
    drain,
    rotate,
    uninstall,
]
