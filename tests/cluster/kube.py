"""Commands of kubectl and helm in one namespace, and the objects that a platform team makes before an install."""

import json
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "countersign"
TEMP = pathlib.Path(os.environ["temp"])
PROGRAM = os.environ["program_test"]


class Failed(Exception):
    """A command or a trial did not do what it should."""


def run(*command, stdin=None, timeout=180, fails=False, env=None):
    """What a command prints. With `fails` it must fail, and its errors are the answer too."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command,
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
    )
    if (done.returncode != 0) != fails:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr if fails else done.stdout


def until(seconds, what, function):
    """The first answer of the function that is true."""
    end = time.monotonic() + seconds
    while True:
        answer = function()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.3)


def restricted(image, args, **more):
    """A pod's specification that the level `restricted` admits."""
    container = {
        "name": "server",
        "image": f"localhost/{image}",
        "imagePullPolicy": "Never",
        "args": args,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        **more.pop("container", {}),
    }
    context = {"runAsNonRoot": True, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999}
    return {
        "automountServiceAccountToken": False,
        "securityContext": {**context, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        **more,
    }


class Place:
    """A namespace with one release in it, and one major of Helm."""

    def __init__(self, major, name):
        self.major = major
        self.namespace = f"{name}-helm{major}"
        self.folder = TEMP / self.namespace
        self.folder.mkdir()
        self.url = f"https://countersign.{self.namespace}.svc.cluster.local"
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": self.namespace,
                    "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
                },
            }
        )
        until(20, "the default account", lambda: "default" in self.kubectl("get", "serviceaccounts"))
        names = f"DNS:*.{self.namespace}.svc,DNS:*.{self.namespace}.svc.cluster.local"
        run(ROOT / "tests/cluster/certificate.sh", self.folder, "server", "/CN=server", names)
        self.authority = self.folder / "ca.crt"
        pair = {"tls.crt": self.folder / "server.crt", "tls.key": self.folder / "server.key"}
        self.secret("countersign-tls", pair)
        self.secret("postgres", pair | {"password": "secret"})

    # ---- commands ----------------------------------------------------------

    def kubectl(self, *args, **more):
        return run("kubectl", "--namespace", self.namespace, *args, **more)

    def helm(self, *args, **more):
        return run(f"helm{self.major}", "--namespace", self.namespace, *args, **more)

    def put(self, verb, values, *args, **more):
        """`helm install` or `helm upgrade` with --wait."""
        file = self.folder / "values.yaml"
        file.write_text(json.dumps(values))
        return self.helm(verb, "countersign", CHART, "--values", file, "--wait", "--timeout", "120s", *args, **more)

    def in_pod(self, *args, component="all", **more):
        """What `countersign ...` prints in a pod of the release."""
        return self.kubectl("exec", f"deploy/countersign-{component}", "--", "countersign", *args, **more).strip()

    # ---- objects -----------------------------------------------------------

    def apply(self, *objects):
        run("kubectl", "apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def secret(self, name, entries):
        """A Secret of texts and files."""
        pairs = [
            f"--from-file={key}={value}" if isinstance(value, pathlib.Path) else f"--from-literal={key}={value}"
            for key, value in entries.items()
        ]
        made = self.kubectl("create", "secret", "generic", name, *pairs, "--dry-run=client", "--output=json")
        self.kubectl("apply", "--filename=-", stdin=made)

    def server(self, name, port, image, args, secret, env=()):
        """A pod with a server that other pods reach by its name, with a Secret at /secret."""
        metadata = {"name": name, "namespace": self.namespace, "labels": {"server": name}}
        container = {
            "env": [{"name": key, "value": value} for key, value in env],
            "volumeMounts": [{"name": "secret", "mountPath": "/secret"}],
            "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        }
        volume = {"name": "secret", "secret": {"secretName": secret, "defaultMode": 0o440}}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": metadata,
                "spec": restricted(image, args, container=container, volumes=[volume]),
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": {"server": name}, "ports": [{"port": port}]},
            },
        )

    def stores(self):
        """Postgres and Redis, both by TLS alone, and the Secrets that lead to them."""
        tls = ["-c", "ssl=on", "-c", "ssl_cert_file=/secret/tls.crt", "-c", "ssl_key_file=/secret/tls.key"]
        env = [("POSTGRES_USER", "sms"), ("POSTGRES_PASSWORD_FILE", "/secret/password"), ("POSTGRES_DB", "sms")]
        self.server("postgres", 5432, "postgres:test", tls, "postgres", env)
        redis = "redis-server --port 0 --tls-port 6379 --tls-cert-file /secret/tls.crt --tls-key-file /secret/tls.key"
        redis += " --tls-ca-cert-file /secret/tls.crt --tls-auth-clients no --requirepass secret --appendonly yes --dir /tmp"
        self.server("redis", 6379, "redis:test", redis.split(), "countersign-tls")
        self.kubectl("wait", "--for=condition=Ready", "pod/postgres", "pod/redis", "--timeout=60s")
        host = f"{self.namespace}.svc.cluster.local"
        self.secret("countersign-database", {"url": f"postgres://sms:secret@postgres.{host}:5432/sms"})
        self.secret("countersign-wrong", {"url": f"postgres://sms:wrong@postgres.{host}:5432/sms"})
        self.secret("countersign-codes", {"url": f"rediss://:secret@redis.{host}:6379"})
        self.secret("countersign-ca", {"ca.crt": self.authority})
        ring = self.folder / "keyring.toml"
        run(PROGRAM, "keyring", "create", env={"COUNTERSIGN__KEYRING__FILE": str(ring)})
        self.secret("countersign-keyring", {"keyring.toml": ring})

    def volume(self):
        """A folder of the node as a volume, as no provisioner makes one here."""
        folder = TEMP / "volumes" / self.namespace
        folder.mkdir()
        term = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": self.namespace},
                "spec": {
                    "capacity": {"storage": "2Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "local": {"path": str(folder)},
                    "claimRef": {"namespace": self.namespace, "name": "countersign-data"},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
                },
            }
        )

    # ---- what is there -----------------------------------------------------

    def get(self, kind, *args):
        return json.loads(self.kubectl("get", kind, "--output=json", *args))["items"]

    def pods(self, component="all"):
        """Names of the pods that serve."""
        selector = f"app.kubernetes.io/instance=countersign,app.kubernetes.io/component={component}"
        return {
            pod["metadata"]["name"]: pod
            for pod in self.get("pods", f"--selector={selector}")
            if "deletionTimestamp" not in pod["metadata"]
        }

    def names(self, kind):
        return sorted(item["metadata"]["name"] for item in self.get(kind))

    def picture(self):
        """Objects, events and logs, in which the cause of a failure may be."""
        texts = [self.kubectl("get", "all,pvc", "--output=wide"), self.kubectl("get", "events", "--sort-by=.lastTimestamp")]
        for pod in self.get("pods"):
            name = pod["metadata"]["name"]
            texts.append(f"--- {name}\n" + self.kubectl("logs", name, "--all-containers", "--tail=6", "--ignore-errors"))
        return "\n".join(texts)


def readme_commands(heading, *functions):
    """Shell functions that the chart's README prints under a heading."""
    text = (CHART / "README.md").read_text().split(f"{heading}\n", 1)[1]
    block = text.split("```sh\n", 1)[1].split("```", 1)[0]
    found = {name: re.search(rf"^{name}\(\) {{.*?}}$", block, re.M | re.S).group() for name in functions}
    return "umask 077\n" + "\n".join(found.values())
