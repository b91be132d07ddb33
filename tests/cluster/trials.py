"""The trials: trials.py all|quick. Prints docs/cluster.md; what it does meanwhile goes to standard error."""

import datetime
import os
import sys
import time

import shared
import single
import split
from kube import Place, run

SCENARIOS = {"single": single.acts, "all": shared.acts, "split": split.acts}


def perform(major, name, acts, results):
    """Each act needs the one before, so the first that fails ends them. Returns whether all passed."""
    place = Place(major, name)
    os.environ["SSL_CERT_FILE"] = str(place.authority)
    for act in acts:
        title, started, failure = act.__doc__.rstrip("."), time.monotonic(), None
        try:
            outcome = act(place)
        except Exception as error:
            failure = outcome = f"FAILED: {error}"
        seconds = time.monotonic() - started
        print(f"helm {major}, {name}: {seconds:5.1f} s  {title}: {outcome}", file=sys.stderr, flush=True)
        results.setdefault((name, title), {})[major] = (seconds, outcome)
        if failure:
            print(place.picture(), file=sys.stderr)
            return False
    run("kubectl", "delete", "namespace", place.namespace, "--wait=false")
    return True


def page(results):
    versions = {
        "Kubernetes": run("kubelet", "--version").split("v")[-1],
        "containerd": run("containerd", "--version").split()[2],
        "Helm": " and ".join(run(f"helm{major}", "version", "--template={{.Version}}").lstrip("v") for major in (3, 4)),
        "Postgres": run("psql", "--version").split()[2],
        "Redis": run("redis-server", "--version").split("v=")[1].split()[0],
    }
    print("# On a real Kubernetes\n")
    print(f"{datetime.date.today()}, dev profile, {os.cpu_count()} cores, one node. `just cluster` writes this page.")
    print(", ".join(f"{name} {version.strip()}" for name, version in versions.items()) + ".\n")
    print(PROLOGUE.format(before=os.environ["before"]))
    for name in SCENARIOS:
        print(f"\n## Mode `{name}`")
        print("| act | Helm 3, s | Helm 4, s | seen |\n|---|---|---|---|")
        for (scenario, title), of in results.items():
            if scenario == name:
                seconds = [f"{of[major][0]:.1f}" if major in of else "" for major in (3, 4)]
                outcomes = list(dict.fromkeys(outcome for _, outcome in of.values()))
                print(f"| {title} | {seconds[0]} | {seconds[1]} | {'; '.join(outcomes)} |".replace("\n", " "))
    passed = sum(not outcome.startswith("FAILED") for of in results.values() for _, outcome in of.values())
    print(f"\n{passed} passed, {sum(map(len, results.values())) - passed} failed")


PROLOGUE = """API server, controllers, scheduler, and a kubelet with containerd and runc; each pod runs. All namespaces
enforce the Pod Security Standard `restricted`. Postgres and Redis speak TLS only. *Under load*: two clients of
the Python SDK with its default settings, and two clients that try each request once, start and check
verifications through the Service all the while. A trial fails at the first error of the SDK, and at the first
answer that is not 2xx. The outcome counts the requests of the other two clients that got no answer, because
the server closed the kept connection at that moment.

Not tried here: more nodes than one, a provisioner of volumes, the enforcement of network policies, autoscaling
(there is no metrics server), an Ingress and a Gateway.

The release before is the commit {before}, by the present chart. Its schema was made
beside the cluster: its `migrate` also judges where servers listen, which the Job does not say. The cluster goes
before other processes of the machine. Without that, on a machine with 50 other processes at work, calls to Redis
took more than 2 s, and the answers were 503."""


def main(mode):
    results, good = {}, True
    if mode == "quick":
        return perform(4, "single", single.quick_acts, results)
    only = os.environ.get("COUNTERSIGN_TRIALS", "").split()
    for major in (3, 4):
        for name, acts in SCENARIOS.items():
            if not only or f"{name}-helm{major}" in only:
                good &= perform(major, name, acts, results)
    page(results)
    return good


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
